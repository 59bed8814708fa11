"""The one place that writes and announces events.

`record` writes an event's row as the last statements of the transaction that made the change; once that has committed,
`poke` tells the web processes over Redis. The poke makes it fast, never correct: who misses it reads the table.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.utils import timezone
from django_eventstream.event import Event
from django_eventstream.eventstream import send_event
from django_eventstream.storage import EventDoesNotExist, StorageBase

from tasks_app.models import ProjectEventCounter, Status, TaskEvent, TaskLog

logger = logging.getLogger(__name__)
MUTE_SECONDS = 1.0
MOST_POKES = 20


class _Payload(TypedDict):
    id: str
    name: str
    status: str
    progress: int
    message: str
    stage: str
    step: str
    done: int | None
    total: int | None
    eta_seconds: float | None
    attempt: int
    seq: int
    at: str
    result: Any
    error: str | None


class Payload(_Payload, total=False):
    """The data of an event, as the contract gives it."""

    duration_seconds: float | None
    retryable: bool


def task_channel(task_id: UUID | str) -> str:
    return f"task-{task_id}"


def project_channel(project_id: UUID | str) -> str:
    return f"project-{project_id}"


def utc(moment: datetime) -> str:
    return timezone.localtime(moment, timezone.get_default_timezone()).isoformat().replace("+00:00", "Z")


def payload(task: TaskLog) -> Payload:
    """What the row says now, in the words of the contract."""
    data = Payload(
        id=str(task.pk),
        name=task.kind,
        status=task.status,
        progress=task.progress,
        message=task.message,
        stage=task.stage,
        step=task.stage,
        done=task.done,
        total=task.total,
        eta_seconds=task.eta_seconds,
        attempt=task.attempt,
        seq=task.event_seq,
        at=utc(task.changed_at),
        result=task.result,
        error=task.error or None,
    )
    if task.status == Status.COMPLETED:
        data["duration_seconds"] = task.duration_seconds
    if task.status == Status.FAILED:
        data["retryable"] = task.retryable
    return data


def event_type(status: str) -> str:
    """Terminal states have an event type of their own; all else is progress."""
    return status if status in TaskEvent.Type.values else TaskEvent.Type.PROGRESS


def record(task: TaskLog) -> TaskEvent:
    """Writes the event of the row's present state; must run last in the transaction of the change."""
    return record_many([task])[0]


def record_many(tasks: list[TaskLog]) -> list[TaskEvent]:
    """The same for rows of one project that changed together.

    Of many, only the last is announced: from its number a project's stream knows that it has to read the others; a
    task's finds its own within a second.
    """
    last = _take_project_numbers(tasks[0].project_id, len(tasks))
    events = [
        TaskEvent(
            task=task,
            seq=task.event_seq,
            project_id=task.project_id,
            project_seq=last - len(tasks) + 1 + index,
            type=event_type(task.status),
            data=payload(task),
            at=task.changed_at,
        )
        for index, task in enumerate(tasks)
    ]
    TaskEvent.objects.bulk_create(events, batch_size=500)
    announced = events if len(events) <= MOST_POKES else events[-1:]
    transaction.on_commit(lambda: poke(announced), robust=True)
    return events


def _take_project_numbers(project_id: UUID, count: int) -> int:
    """Reserves `count` project numbers, the last of which is returned; the counter's row stays locked until commit."""
    while (last := _add(project_id, count)) is None:
        ProjectEventCounter.objects.get_or_create(project_id=project_id)
    return last


def _add(project_id: UUID, count: int) -> int | None:
    """UPDATE … RETURNING, which Django's ORM does not have: it spares every event a SELECT."""
    table = connection.ops.quote_name(ProjectEventCounter._meta.db_table)
    key = ProjectEventCounter._meta.get_field("project").target_field.get_db_prep_value(project_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET last_seq = last_seq + %s WHERE project_id = %s RETURNING last_seq",  # noqa: S608
            [count, key],
        )
        row = cursor.fetchone()
    return row[0] if row else None


class StoredData(str):
    """An event's JSON that knows the number its row already has on the channel it is sent to."""

    number: int

    @classmethod
    def of(cls, data: str, number: int) -> StoredData:
        stored = cls(data)
        stored.number = number
        return stored


_muted_until = 0.0


def poke(events: list[TaskEvent]) -> None:
    """Announces committed events, best effort: a broker that does not answer costs one time limit a second at most."""
    global _muted_until  # noqa: PLW0603 - one switch for the process's one Redis connection
    if time.monotonic() < _muted_until:
        return
    try:
        for event in events:
            data = json.dumps(event.data, cls=DjangoJSONEncoder)
            for channel, number in (
                (task_channel(event.task_id), event.seq),
                (project_channel(event.project_id), event.project_seq),
            ):
                send_event(channel, event.type, StoredData.of(data, number), json_encode=False)
    except Exception as error:
        _muted_until = time.monotonic() + MUTE_SECONDS
        logger.warning("Events were not announced, readers find them in the table: %s", error)


class TaskEventStorage(StorageBase):  # type: ignore[misc]  # django-eventstream has no types
    """django-eventstream's storage over TaskEvent. Channels are `task-<uuid>` and `project-<uuid>`."""

    def append_event(self, channel: str, event_type: str, data: object) -> Event:
        """The row is already there, written with the change it tells of."""
        if not isinstance(data, StoredData):
            raise TypeError("Events are written by tasks_app.events.record, not by send_event alone.")
        return Event(channel, event_type, data, id=data.number)

    def get_events(self, channel: str, last_id: int, limit: int = 100) -> list[Event]:
        """Events after `last_id`, oldest first; EventDoesNotExist when that number was never given or is gone."""
        current = self.get_current_id(channel)
        if last_id > current:
            raise EventDoesNotExist("ahead", current)
        number, rows = self._rows(channel)
        found = list(rows.filter(**{f"{number}__gt": last_id}).order_by(number)[:limit])
        if found and getattr(found[0], number) != last_id + 1:
            raise EventDoesNotExist("pruned", current)
        return [Event(channel, row.type, row.data, id=getattr(row, number)) for row in found]

    def get_current_id(self, channel: str) -> int:
        """The newest number of the channel, 0 when there is none."""
        number, rows = self._rows(channel)
        return rows.order_by(f"-{number}").values_list(number, flat=True).first() or 0

    def _rows(self, channel: str) -> tuple[str, Any]:
        scope, _, identifier = channel.partition("-")
        if scope == "task":
            return "seq", TaskEvent.objects.filter(task_id=UUID(identifier))
        return "project_seq", TaskEvent.objects.filter(project_id=UUID(identifier))
