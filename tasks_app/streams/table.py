"""What streams read from the database. The table is the truth: whatever the broker lost stands here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar
from uuid import UUID

from django.db.models import QuerySet

from tasks_app.channels import split
from tasks_app.events import event_type, payload, project_channel, task_channel
from tasks_app.models import ProjectEventCounter, TaskEvent, TaskLog
from tasks_app.streams.frames import Frame, event_frame, reset_frame

T = TypeVar("T")
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


def read_task(channel: str, after: int | None) -> Batch | None:
    """A task's events after `after`, or its newest one where there is no such place; None when the task is gone."""
    task = _task(channel)
    if task is None:
        return None
    if after is None or after > task.event_seq:
        return _snapshot(channel, task)
    batch = later(channel, after)
    if batch is None or (not batch.frames and after < task.event_seq):
        return _snapshot(channel, task)
    return batch


def _snapshot(channel: str, task: TaskLog) -> Batch:
    """The task's newest event; made from its row when events that old are not kept."""
    event = TaskEvent.objects.filter(task=task).order_by("-seq").first()
    if event is not None and event.seq >= task.event_seq:
        return Batch([event_frame(channel, event.seq, event.type, event.data)], event.seq)
    return Batch([event_frame(channel, task.event_seq, event_type(task.status), payload(task))], task.event_seq)


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


def read(positions: dict[str, int | None]) -> dict[str, Batch] | None:
    """What each channel's reader has not had yet; None when a task is gone.

    A project's reader without a place (None) starts from now, a task's one from its newest event.
    """
    found: dict[str, Batch] = {}
    current = numbers(channel for channel in positions if not channel.startswith("task-"))
    for channel, after in positions.items():
        if channel.startswith("task-"):
            batch = read_task(channel, after)
            if batch is None:
                return None
            found[channel] = batch
        elif after is None or after == current[channel]:
            found[channel] = Batch((), current[channel])
        elif after == NEW:
            found[channel] = _read_new(channel, current[channel])
        else:
            found[channel] = read_project(channel, after)
    return found


def _read_new(channel: str, current: int) -> Batch:
    """All of a project that was made lately; a `reset` of one that has a history."""
    if current <= SHORT:
        return read_project(channel, 0)
    return Batch([reset_frame(channel, current)], current)


def missing(behind: dict[str, int]) -> dict[str, Batch | None]:
    """`later` of several channels."""
    return {channel: later(channel, after) for channel, after in behind.items()}


def ended_at(channel: str) -> int | None:
    """The number of a task's terminal event; None while there is none."""
    task = _task(channel)
    return task.event_seq if task is not None and task.is_terminal else None


def _task(channel: str) -> TaskLog | None:
    parts = split(channel)
    return TaskLog.objects.defer("payload", "traceback").filter(pk=parts[1]).first() if parts else None


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
