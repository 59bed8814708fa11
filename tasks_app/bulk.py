"""Cancel and retry of many tasks at once: in small transactions, for a few seconds, and then told how to go on.

One request works through as many tasks as fit into SECONDS. When some are left, the outcome's `cursor` goes on after
the last one; tasks that were asked for after the first request are left alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from tasks_app import services, transitions
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskLog
from tasks_app.queries import HEAVY, count

SECONDS = 5.0
BATCH_SECONDS = 0.1  # a write transaction keeps SQLite's other writers waiting
BATCH = {"cancel": 250, "retry": 20}
READ_AHEAD = 1000
NAMED = 20
WORDS = {"pending": "waiting", "processing": "running"}
ACTIVE = Q(status__in=services.ACTIVE)
RETRIABLE = Q(status__in=(Status.FAILED, Status.CANCELLED)) | Q(kind=Kind.IMPORT_MEMORIES, status=Status.COMPLETED)
ENDED_ALREADY = "It has ended already."


class Action(StrEnum):
    CANCEL = "cancel"
    RETRY = "retry"


class BadCursor(ValueError):
    """The text is not a cursor that an outcome gave."""


@dataclass(slots=True)
class Refused:
    """Tasks that were left as they are for one reason; `ids` names some of them."""

    reason: str
    count: int = 0
    ids: list[UUID] = field(default_factory=list)


@dataclass(slots=True)
class Outcome:
    """`matched` is how many tasks fit the filter when the request came, `done` how many of them were acted upon,
    `made` the ids of the new tasks of a retry. `cursor` is empty when nothing is left to do."""

    action: Action
    matched: int = 0
    done: int = 0
    remaining: int = 0
    cursor: str = ""
    made: list[UUID] = field(default_factory=list)
    refused: dict[str, Refused] = field(default_factory=dict)

    def refuse(self, reason: str, ids: Sequence[UUID], number: int | None = None) -> None:
        entry = self.refused.setdefault(reason, Refused(reason))
        entry.count += len(ids) if number is None else number
        entry.ids += ids[: NAMED - len(entry.ids)]

    @property
    def sentence(self) -> str:
        """What happened, in words."""
        if not self.matched:
            return "No task fits the filter; nothing was changed."
        done = "cancelled or asked to stop" if self.action == Action.CANCEL else "asked for again"
        told = [f"{_tasks(self.done)} {done}."]
        told += [f"{_tasks(refused.count)} left as they are: {refused.reason}" for refused in self.refused.values()]
        if self.remaining:
            told.append(f"{_tasks(self.remaining)} still to do: send the same request with the cursor.")
        return " ".join(told)

    def as_json(self) -> dict[str, Any]:
        """The outcome as API and pages give it."""
        return {
            "action": self.action.value,
            "matched": self.matched,
            "done": self.done,
            "refused": [asdict(entry) for entry in self.refused.values()],
            "remaining": self.remaining,
            "cursor": self.cursor or None,
            "task_ids": self.made,
            "detail": self.sentence,
        }


def _tasks(number: int) -> str:
    return f"{number:,} {'task' if number == 1 else 'tasks'}"


def run(rows: QuerySet[TaskLog], action: Action, cursor: str = "", *, seconds: float = SECONDS) -> Outcome:
    """Acts on those of the rows whose state allows it, the oldest first. BadCursor for another text."""
    rows = rows.order_by()
    outcome = Outcome(action)
    place = _place(cursor)
    if place is None:
        newest = rows.order_by("-id").values_list("pk", flat=True).first()
        if newest is None:
            return outcome
        place = (UUID(int=0), newest)
        _look_at_the_rest(outcome, rows)
    after, newest = place
    todo = rows.filter(pk__lte=newest).filter(*_able(action))
    after = _work(outcome, todo, after, time.monotonic() + seconds)
    outcome.remaining = count(todo.filter(pk__gt=after)) if outcome.cursor else 0
    outcome.cursor = f"{after}.{newest}" if outcome.remaining else ""
    refused = sum(entry.count for entry in outcome.refused.values())
    outcome.matched = outcome.matched or outcome.done + outcome.remaining + refused
    return outcome


def _work(outcome: Outcome, todo: QuerySet[TaskLog], after: UUID, end: float) -> UUID:
    """Batch after batch until the end; the id of the last task that it came to. A cursor is set when some are left."""
    act = _cancel if outcome.action == Action.CANCEL else _retry
    while ids := list(todo.filter(pk__gt=after).order_by("id").values_list("pk", flat=True)[:READ_AHEAD]):
        while ids:
            if time.monotonic() >= end:
                outcome.cursor = str(after)
                return after
            after = act(outcome, ids[: BATCH[outcome.action]])
            ids = ids[ids.index(after) + 1 :]
    return after


def _able(action: Action) -> tuple[Q, ...]:
    """The rows that the action may change."""
    return (ACTIVE,) if action == Action.CANCEL else (RETRIABLE, Q(retried_by=None))


def _look_at_the_rest(outcome: Outcome, rows: QuerySet[TaskLog]) -> None:
    """Counts what fits the filter, and why some of it is not to be touched."""
    outcome.matched = count(rows)
    if outcome.action == Action.CANCEL:
        _refuse_all(outcome, rows.exclude(ACTIVE))
    else:
        _refuse_all(outcome, rows.exclude(RETRIABLE))
        _refuse_all(outcome, rows.filter(RETRIABLE, Exists(TaskLog.objects.filter(retry_of=OuterRef("pk")))))


def _refuse_all(outcome: Outcome, unable: QuerySet[TaskLog]) -> None:
    for status, number in unable.values_list("status").annotate(Count("pk")):
        outcome.refuse(_why_not(outcome.action, status), [], number)
    for pk, status in unable.order_by("-id").values_list("pk", "status")[:NAMED]:
        outcome.refuse(_why_not(outcome.action, status), [pk], 0)


def _why_not(action: Action, status: str) -> str:
    if action == Action.CANCEL:
        return ENDED_ALREADY
    if status in (Status.FAILED, Status.CANCELLED):
        return "It was tried again already."
    return f"Only a failed or cancelled task can be retried; it is {WORDS.get(status, status)}."


def _place(cursor: str) -> tuple[UUID, UUID] | None:
    if not cursor:
        return None
    after, _, newest = cursor.partition(".")
    try:
        return UUID(after), UUID(newest)
    except ValueError:
        raise BadCursor("This is not a cursor that a bulk request gave.") from None


def _within_time(ids: Sequence[UUID], act: Callable[[TaskLog], None], rows: dict[UUID, TaskLog]) -> UUID:
    """Acts on the rows until BATCH_SECONDS are over; the id of the last one that it came to."""
    end = time.monotonic() + BATCH_SECONDS
    for pk in ids:
        if pk in rows:
            act(rows[pk])
        if time.monotonic() > end:
            return pk
    return ids[-1]


def _cancel(outcome: Outcome, ids: Sequence[UUID]) -> UUID:
    """Cancels a batch: imports, which take their children along, then what waits, then what runs."""

    def one(task: TaskLog) -> None:
        if transitions.request_cancel(task):
            outcome.done += 1
        else:
            outcome.refuse(ENDED_ALREADY, [task.pk])

    rows = {row.pk: row for row in TaskLog.objects.filter(pk__in=ids).defer("payload", "traceback")}
    parents = [pk for pk, row in rows.items() if row.kind == Kind.IMPORT_MEMORIES]
    for parent in parents:
        _attempt(outcome, rows.pop(parent), services.cancel)
    running = _cancel_waiting(outcome, list(rows))
    with transaction.atomic():
        return _within_time(ids, one, running)


def _cancel_waiting(outcome: Outcome, ids: Sequence[UUID]) -> dict[UUID, TaskLog]:
    """Cancels those that wait by a few statements; the rows of the others, which run."""
    tasks = TaskLog.objects.filter(pk__in=ids)
    cancelled = transitions.cancel_all_waiting(tasks, SECONDS)
    outcome.done += cancelled
    rows = {row.pk: row for row in tasks.filter(status=Status.PROCESSING).defer("payload", "traceback")}
    if ended := len(ids) - cancelled - len(rows):
        outcome.refuse(ENDED_ALREADY, [], max(ended, 0))
    return rows


def _retry(outcome: Outcome, ids: Sequence[UUID]) -> UUID:
    """Asks for a batch again in one transaction. Its rows are locked, so two requests do not both do it."""

    def one(task: TaskLog) -> None:
        if task.pk in retried:
            outcome.refuse(_why_not(Action.RETRY, task.status), [task.pk])
        elif task.memory is not None and task.memory.task_id != task.pk:
            outcome.refuse("Its memory has a newer task.", [task.pk])
        else:
            _attempt(outcome, task, services.retry)

    with transaction.atomic():
        locked = TaskLog.objects.select_for_update(of=("self",)).select_related("project", "memory")
        rows = {row.pk: row for row in locked.filter(pk__in=ids).defer(*HEAVY)}
        retried = set(TaskLog.objects.filter(retry_of__in=ids).values_list("retry_of", flat=True))
        return _within_time(ids, one, rows)


def _attempt(outcome: Outcome, task: TaskLog, act: Callable[[TaskLog], TaskLog]) -> None:
    try:
        answer = act(task)
    except services.StateConflict as conflict:
        outcome.refuse(str(conflict), [task.pk])
        return
    outcome.done += 1
    if outcome.action == Action.RETRY:
        outcome.made.append(answer.pk)
