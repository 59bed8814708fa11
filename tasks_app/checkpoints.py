"""What a running task has worked out and keeps for its next attempt; all of it goes in the transaction that ends it.

Values are dataclasses of the engine or of a pipeline. They are written by their type as MessagePack, which
runs no code when read; what an older program wrote and this one can't read counts as not there.
"""

from __future__ import annotations

import logging
import zlib
from typing import Any, TypeVar

import msgspec

from tasks_app.models import TaskCheckpoint, TaskLog

T = TypeVar("T")
logger = logging.getLogger(__name__)


def keep(task: TaskLog, stage: str, value: Any, number: int = 0) -> None:
    """Writes piece `number` of a stage in the place of the one that is there.

    Call it in the transaction that writes what the value tells of, with the task held (`Progress.hold`).
    """
    data = zlib.compress(msgspec.msgpack.encode(value), 1)
    TaskCheckpoint.objects.bulk_create(
        [TaskCheckpoint(task_id=task.pk, stage=stage, number=number, data=data)],
        update_conflicts=True,
        unique_fields=["task", "stage", "number"],
        update_fields=["data"],
    )


def load(task: TaskLog, stage: str, kind: type[T], number: int | None = None) -> list[T]:
    """The pieces of a stage in order, each of type `kind`, or the one that is asked for; none when one of them can't be
    read."""
    rows = TaskCheckpoint.objects.filter(task_id=task.pk, stage=stage).order_by("number")
    if number is not None:
        rows = rows.filter(number=number)
    try:
        return [
            msgspec.msgpack.decode(zlib.decompress(data), type=kind) for data in rows.values_list("data", flat=True)
        ]
    except (msgspec.DecodeError, zlib.error):
        logger.warning("Task %s: what was kept of %s can't be read, it is worked out again", task.pk, stage)
        return []


def drop(task: TaskLog, *stages: str) -> None:
    """Deletes what is kept of the stages; all of it when none is named."""
    rows = TaskCheckpoint.objects.filter(task_id=task.pk)
    (rows.filter(stage__in=stages) if stages else rows).delete()
