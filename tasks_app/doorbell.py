"""The one place that talks to the broker: a Celery message that says "look at this row".

A lost message is rung again by the dispatcher, a repeated one finds nothing to claim, so all of this is best effort
and no caller waits for it longer than a quarter of a second.
"""

from __future__ import annotations

import logging
import time
from typing import Any
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from kombu import Connection

from tasks_app.kinds import QUEUES
from tasks_app.models import Status, TaskLog

logger = logging.getLogger(__name__)
LIMITS = {"socket_timeout": 0.25, "socket_connect_timeout": 0.25, "max_retries": 0}
MUTE_SECONDS = 1.0
RUNG_PER_PROJECT = 8
_muted_until = 0.0


def ring_on_commit(task: TaskLog) -> None:
    """Rings for a new task once its row is committed, unless its project has enough messages out already.

    That bound is what keeps ten thousand tasks of one project from standing before another project's one.
    """
    rung = TaskLog.objects.filter(project_id=task.project_id, status=Status.PENDING, rung_at__isnull=False)
    if len(rung.values_list("pk")[:RUNG_PER_PROJECT]) < RUNG_PER_PROJECT:
        TaskLog.objects.filter(pk=task.pk, status=Status.PENDING).update(rung_at=Now())
        kind, task_id = task.kind, task.pk
        transaction.on_commit(lambda: ring([(kind, task_id)]) and None, robust=True)


def ring_next(project_id: UUID) -> None:
    """Rings for the project's oldest waiting task that no message is out for."""
    due = TaskLog.objects.filter(project_id=project_id, status=Status.PENDING, rung_at=None, run_after=None)
    row = due.order_by("created_at", "id").values_list("kind", "pk").first()
    if row and due.filter(pk=row[1]).update(rung_at=Now()):
        ring([row])


def ring(tasks: list[tuple[str, UUID]]) -> bool:
    """Sends a message for each (kind, task id); False when the broker did not take them in time."""
    global _muted_until  # noqa: PLW0603 - one switch for the process
    if time.monotonic() < _muted_until:
        return False
    try:
        with _connection() as connection:
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
    except Exception as error:
        _muted_until = time.monotonic() + MUTE_SECONDS
        logger.warning("The broker took no message, the dispatcher will ring again: %s", error)
        return False
    return True


def queued(queue: str) -> int | None:
    """Messages waiting in a Celery queue; None when the broker can't be asked."""
    try:
        with _connection() as connection:
            channel: Any = connection.default_channel
            return int(channel.queue_declare(queue).message_count)
    except Exception:
        return None


def _connection() -> Connection:
    return current_app.connection_for_write(
        transport_options={**settings.CELERY_BROKER_TRANSPORT_OPTIONS, **LIMITS}, connect_timeout=0.25
    )
