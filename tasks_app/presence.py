"""Signs of life: workers and dispatchers tell the database every few seconds that they are there."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now

from tasks_app.models import WorkerHeartbeat

logger = logging.getLogger(__name__)
BEAT_SECONDS = 5.0
FRESH = timedelta(seconds=20)
SLOTS_SECONDS = 2.0
_slots: dict[str, tuple[float, int]] = {}


def beat(name: str, kind: WorkerHeartbeat.Kind, detail: dict[str, Any]) -> None:
    """Says that the process is alive now."""
    changed = WorkerHeartbeat.objects.filter(name=name).update(seen_at=Now(), kind=kind, detail=detail)
    if not changed:
        WorkerHeartbeat.objects.get_or_create(name=name, defaults={"kind": kind, "detail": detail})
        WorkerHeartbeat.objects.filter(seen_at__lt=Now() - timedelta(days=1)).delete()


def leave(name: str) -> None:
    """Says that the process has ended in order."""
    WorkerHeartbeat.objects.filter(name=name).delete()


def alive(kind: WorkerHeartbeat.Kind) -> QuerySet[WorkerHeartbeat]:
    """The processes of a kind that gave a sign of life in the last 20 seconds."""
    return WorkerHeartbeat.objects.filter(kind=kind, seen_at__gte=Now() - FRESH)


def slots(queue: str) -> int:
    """How many tasks of a queue the workers that are there can run at once; as it was in the last two seconds."""
    asked, found = _slots.get(queue, (0.0, 0))
    if queue not in _slots or not 0 <= time.monotonic() - asked < SLOTS_SECONDS:
        workers = alive(WorkerHeartbeat.Kind.WORKER).values_list("detail", flat=True)
        found = sum(detail.get("slots", 0) for detail in workers if queue in detail.get("queues", ()))
        _slots[queue] = time.monotonic(), found
    return found


class Presence:
    """Beats from a thread of its own until it is stopped."""

    def __init__(self, name: str, kind: WorkerHeartbeat.Kind, detail: dict[str, Any]) -> None:
        self._said = (name, kind, detail)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="presence")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        try:
            while True:
                self._guarded(lambda: beat(*self._said))
                if self._stop.wait(BEAT_SECONDS):
                    break
            self._guarded(lambda: leave(self._said[0]))
        finally:
            connection.close()

    @staticmethod
    def _guarded(call: Any) -> None:
        try:
            call()
        except Exception as error:
            logger.warning("No sign of life could be written: %s", error)
            connection.close()
