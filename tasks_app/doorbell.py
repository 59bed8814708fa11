"""The one place that talks to the broker: a Celery message that says "look at this row".

A lost message is rung again by the dispatcher, a repeated one finds nothing to claim, so all of this is best effort
and no caller waits for it longer than a quarter of a second.

A queue is first in, first out, so what keeps ten thousand tasks of one project from standing before another project's
one is that few messages are out, fewer of a project than there are slots. Each task that ends rings for its project's
next.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now
from kombu import Connection

from tasks_app import presence
from tasks_app.kinds import QUEUES
from tasks_app.models import Status, TaskLog

T = TypeVar("T")
logger = logging.getLogger(__name__)
LIMITS = {"socket_timeout": 0.25, "socket_connect_timeout": 0.25, "max_retries": 0}
MUTE_SECONDS = 1.0
_muted_until = 0.0


def most_out(queue: str) -> int:
    """How many waiting tasks of one project may have a message out: one less than slots, so that a slot is free for
    the first task of another project after one task's length at the latest."""
    return max(presence.slots(queue) - 1, 1)


def ring_on_commit(task: TaskLog) -> None:
    """Rings for the project's oldest waiting task once the new one is committed, unless enough messages are out.

    The oldest need not be the new one: when that was made, another's message may have been out still.
    """
    rung = TaskLog.objects.filter(project_id=task.project_id, status=Status.PENDING, rung_at__isnull=False)
    most = most_out(QUEUES[task.kind])
    if len(rung.values_list("pk")[:most]) < most and (row := _take_oldest(task.project_id)):
        transaction.on_commit(lambda: ring([row]) and None, robust=True)


def ring_next(project_id: UUID) -> None:
    """Rings for the project's oldest waiting task that no message is out for."""
    with transaction.atomic():
        row = _take_oldest(project_id)
    if row:
        ring([row])


def _take_oldest(project_id: UUID) -> tuple[str, UUID] | None:
    """Notes that the oldest waiting task is rung for; passes over one that somebody else is changing at the moment, who
    may want the project's lock that this transaction has."""
    due = TaskLog.objects.filter(project_id=project_id, status=Status.PENDING, rung_at=None, run_after=None)
    free = due.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
    row = free.order_by("created_at", "id").values_list("kind", "pk").first()
    return row if row and due.filter(pk=row[1]).update(rung_at=Now()) else None


def ring(tasks: list[tuple[str, UUID]]) -> bool:
    """Sends a message for each (kind, task id); False when the broker did not take them in time."""
    global _muted_until  # noqa: PLW0603 - one switch for the process
    if time.monotonic() < _muted_until:
        return False
    try:
        _line.call(lambda connection: _send(connection, tasks))
    except Exception as error:
        _muted_until = time.monotonic() + MUTE_SECONDS
        logger.warning("The broker took no message, the dispatcher will ring again: %s", error)
        return False
    return True


def _send(connection: Connection, tasks: list[tuple[str, UUID]]) -> None:
    for kind, task_id in tasks:
        current_app.send_task(
            kind,
            args=[str(task_id)],
            task_id=str(task_id),
            queue=QUEUES[kind],
            connection=connection,
            retry=False,
            ignore_result=True,
        )


def queued(queue: str) -> int | None:
    """Messages waiting in a Celery queue; None when the broker can't be asked."""
    try:
        return _line.call(lambda connection: _waiting(connection, queue))
    except Exception:
        return None


def _waiting(connection: Connection, queue: str) -> int:
    channel: Any = connection.default_channel
    return int(channel.queue_declare(queue).message_count)


class _Line:
    """The process's one connection to the broker, kept open: opening one costs more than sending a message."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._pid = 0

    def call(self, use: Callable[[Connection], T]) -> T:
        """`use` with the connection, which opens its socket again when the broker closed it; after an error it goes."""
        if not self._lock.acquire(timeout=0.25):
            raise TimeoutError("Another thread waits for the broker.")
        try:
            return use(self._open())
        except Exception:
            self._close()
            raise
        finally:
            self._lock.release()

    def _open(self) -> Connection:
        if self._connection is None or self._pid != os.getpid():  # a fork has its parent's, and must not use it
            options = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, **LIMITS}
            self._connection = current_app.connection_for_write(transport_options=options, connect_timeout=0.25)
            self._pid = os.getpid()
        return self._connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and self._pid == os.getpid():
            with contextlib.suppress(Exception):
                connection.release()


_line = _Line()
