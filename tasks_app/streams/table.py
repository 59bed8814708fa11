"""What streams read from the database. The table is the truth: whatever the broker lost stands here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import F, QuerySet

from tasks_app.channels import split
from tasks_app.events import event_type, payload, project_channel, task_channel
from tasks_app.models import TERMINAL, ProjectEventCounter, TaskEvent, TaskLog
from tasks_app.streams.frames import Frame, event_frame, reset_frame

T = TypeVar("T")
Positions = Mapping[str, int | None]  # the number that a stream has of each of its channels
PAGE = 500  # events a query
NEW = -1  # the place of a stream in a project that it did not know of
SHORT = 200  # events of such a project that are worth sending
CHUNK = 500  # ids a query, below SQLite's limit of parameters


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of one channel in order; `position` is the number up to which they lead, `more` says that more wait."""

    frames: Sequence[Frame]
    position: int
    more: bool = False


def numbers(channels: Iterable[str]) -> dict[str, int]:
    """The newest number of each channel. A task that is gone is missing; a project without events stands at 0."""
    scopes: dict[str, list[UUID]] = {"task": [], "project": []}
    for scope, identifier in filter(None, map(split, channels)):
        scopes[scope].append(identifier)
    found = {project_channel(identifier): 0 for identifier in scopes["project"]}
    for ids in chunks(scopes["project"]):
        counters = ProjectEventCounter.objects.filter(pk__in=ids).values_list("project_id", "last_seq")
        found |= {project_channel(identifier): number for identifier, number in counters}
    for ids in chunks(scopes["task"]):
        tasks = TaskLog.objects.filter(pk__in=ids).values_list("pk", "event_seq")
        found |= {task_channel(identifier): number for identifier, number in tasks}
    return found


def later(channel: str, after: int, limit: int = PAGE) -> Batch | None:
    """Up to `limit` events after the number `after`; None when one of them is not kept."""
    number, rows = _events(channel)
    found = list(rows.filter(**{f"{number}__gt": after}).order_by(number)[:limit])
    if any(getattr(row, number) != after + 1 + index for index, row in enumerate(found)):
        return None
    frames = [event_frame(channel, getattr(row, number), row.type, row.data) for row in found]
    return Batch(frames, after + len(frames), more=len(frames) == limit)


def read_project(channel: str, after: int) -> Batch:
    """A project's events after `after`, or a `reset` when that place is not kept or ahead of what there is."""
    batch = later(channel, after)
    if batch is not None and batch.frames:
        return batch
    current = numbers([channel]).get(channel, 0)
    if batch is not None and current == after:
        return batch
    if batch is not None and current > after:  # written between the two queries, unless it is not kept any more
        batch = later(channel, after)
        if batch is not None and batch.frames:
            return batch
    return Batch([reset_frame(channel, current)], current)


def read(every: Sequence[Positions]) -> list[dict[str, Batch] | None]:
    """What each stream has not had yet, by channel; None where a task is gone.

    Who stands at the same place of a channel shares a reading. A project's reader without a place (None) starts from
    now, a task's one from its newest event, and so does who stands where nothing is kept.
    """
    places = {place for positions in every for place in positions.items()}
    current = numbers({channel for channel, _ in places})
    found = {(channel, after): _after(channel, after, current.get(channel)) for channel, after in places}
    newest = _newest({channel for (channel, _), batch in found.items() if batch is None})
    whole = {place: batch or newest.get(place[0]) for place, batch in found.items()}
    return [_of_all({place[0]: whole[place] for place in positions.items()}) for positions in every]


def _of_all(batches: dict[str, Batch | None]) -> dict[str, Batch] | None:
    found = {channel: batch for channel, batch in batches.items() if batch is not None}
    return found if len(found) == len(batches) else None


def _after(channel: str, after: int | None, current: int | None) -> Batch | None:
    """The events after a place of a channel that stands at `current`; None where only a task's newest event helps."""
    if current is None:
        return None
    if after == current:
        return Batch((), current)
    if channel.startswith("task-"):
        batch = later(channel, after) if after is not None and after < current else None
        return batch if batch is not None and batch.frames else None
    if after is None:
        return Batch((), current)
    return _read_new(channel, current) if after == NEW else read_project(channel, after)


def _newest(channels: Iterable[str]) -> dict[str, Batch]:
    """The newest event of each task, made from its row where it is not kept; a task that is gone is missing."""
    tasks = {parts[1] for channel in channels if (parts := split(channel))}
    found: dict[UUID, tuple[int, str, Any]] = {}
    for ids in chunks(tasks):
        events = TaskEvent.objects.filter(task_id__in=ids, seq=F("task__event_seq"))
        for task_id, number, kind, data in events.values_list("task_id", "seq", "type", "data"):
            found[task_id] = number, kind, data
    for ids in chunks(tasks - found.keys()):
        for task in TaskLog.objects.defer("payload", "traceback").filter(pk__in=ids):
            found[task.pk] = task.event_seq, event_type(task.status), payload(task)
    return {
        (channel := task_channel(task_id)): Batch([event_frame(channel, number, kind, data)], number)
        for task_id, (number, kind, data) in found.items()
    }


def _read_new(channel: str, current: int) -> Batch:
    """All of a project that was made lately; a `reset` of one that has a history."""
    if current <= SHORT:
        return read_project(channel, 0)
    return Batch([reset_frame(channel, current)], current)


def missing(behind: dict[str, int]) -> dict[str, Batch | None]:
    """`later` of several channels."""
    return {channel: later(channel, after) for channel, after in behind.items()}


def ended_at(channels: Iterable[str]) -> dict[str, int]:
    """The number of the terminal event of each task that has ended."""
    tasks = {parts[1] for channel in channels if (parts := split(channel)) and parts[0] == "task"}
    return {
        task_channel(task_id): number
        for ids in chunks(tasks)
        for task_id, number in TaskLog.objects.filter(pk__in=ids, status__in=TERMINAL).values_list("pk", "event_seq")
    }


def _events(channel: str) -> tuple[str, QuerySet[TaskEvent]]:
    parts = split(channel)
    if parts is None:
        raise ValueError(channel)
    if parts[0] == "task":
        return "seq", TaskEvent.objects.filter(task_id=parts[1])
    return "project_seq", TaskEvent.objects.filter(project_id=parts[1])


def chunks(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
