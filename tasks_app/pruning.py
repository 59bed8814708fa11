"""Forgets what is old or of no use: tasks that ended long ago, the events of all tasks, idempotency keys that no longer
count, passages that an attempt wrote which did not end well, files that no memory has.

It goes in short transactions, because SQLite has one writer. Several processes may prune at once: each locks the rows
of its batch and passes over those that another one has. Streams answer a reader whose place is no longer kept with the
state of today (a task) or with a `reset` (a project).
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from memories import files
from memories.models import IdempotencyKey, Memory, Passage, SavedDocument
from tasks_app.models import TERMINAL, TaskEvent, TaskLog

logger = logging.getLogger(__name__)
BATCH_SECONDS = 0.05  # what a write transaction should take; 0.2 is the most that other writers are made to wait
FIRST, LEAST, MOST = 100, 10, 500  # rows a batch
EVERY_SECONDS = 3600.0
FIRST_AFTER_SECONDS = 60.0


@dataclass(frozen=True)
class Heap:
    """Rows to delete. `order` is the index that finds them; rows are passed over once when it is the primary key."""

    name: str
    rows: QuerySet[Any]
    order: str


def heaps(days: int) -> list[Heap]:
    """What is older than `days` days, in the order in which it may go: children before their parents.

    The last tasks are not asked for those without a parent: SQLite would look for these by their index, all of them.
    """
    tasks = old_tasks(days)
    return [
        Heap("events", TaskEvent.objects.filter(at__lt=Now() - timedelta(days=days)), "at"),
        Heap("tasks", tasks.exclude(parent=None), "pk"),
        Heap("tasks", tasks, "pk"),
        Heap("passages", abandoned_passages(), "pk"),
        Heap("keys", IdempotencyKey.objects.filter(created_at__lt=Now() - IdempotencyKey.KEPT), "created_at"),
    ]


def old_tasks(days: int) -> QuerySet[TaskLog]:
    """Tasks that ended more than `days` days ago.

    Without those that a memory shows as its newest; parents of a child that stays; children that an import which still
    waits, or ended later, counts.
    """
    old = Q(status__in=TERMINAL, finished_at__lt=Now() - timedelta(days=days))
    shown = Exists(Memory.objects.filter(task=OuterRef("pk")))
    staying_child = Exists(TaskLog.objects.filter(parent=OuterRef("pk")).filter(~old | shown))
    younger_parent = Exists(TaskLog.objects.filter(~old, pk=OuterRef("parent")))
    return TaskLog.objects.filter(old).filter(~shown, ~staying_child, ~younger_parent)


def abandoned_passages() -> QuerySet[Passage]:
    """Passages that were never published and that nobody works on any more."""
    active = TaskLog.objects.filter(memory=OuterRef("memory")).exclude(status__in=TERMINAL)
    return Passage.objects.exclude(generation=F("memory__generation")).filter(~Exists(active))


def count(days: int) -> Counter[str]:
    """How many rows `prune` would delete now: `{"tasks": n, "events": n, "passages": n, "keys": n, "files": n}`."""
    counted = Counter({heap.name: heap.rows.count() for heap in heaps(days)})  # the last of a name counts all of them
    counted["files"] = sum(map(len, files.orphans(_known_files)))
    return counted


def prune(days: int) -> Iterator[Counter[str]]:
    """Deletes one batch a step, in a transaction of its own, and yields what went with it."""
    for heap in heaps(days):
        for deleted in _batches(heap):
            yield Counter({heap.name: deleted})
    for removed in files.sweep(_known_files):
        yield Counter({"files": removed})


def _known_files(names: list[str]) -> set[str]:
    return set(SavedDocument.objects.filter(file__in=names).values_list("file", flat=True))


def _batches(heap: Heap) -> Iterator[int]:
    size, after = FIRST, None
    while ids := _next(heap, size, after):
        began = time.monotonic()
        deleted = _delete(heap, ids)
        size = _fitting(size, time.monotonic() - began)
        yield deleted
        if heap.order == "pk":
            after = ids[-1]
        elif not deleted:  # another process has them
            return


def _next(heap: Heap, size: int, after: Any) -> list[Any]:
    """The keys of the next rows, looked for outside of the transaction that deletes them."""
    rows = heap.rows if after is None else heap.rows.filter(pk__gt=after)
    return list(rows.order_by(heap.order).values_list("pk", flat=True)[:size])


def _delete(heap: Heap, ids: list[Any]) -> int:
    """Deletes those of the rows that are still to go and nobody else is deleting; returns how many."""
    with transaction.atomic():
        rows = heap.rows.filter(pk__in=ids).select_for_update(skip_locked=True, of=("self",)).order_by()
        taken = heap.rows.model._default_manager.filter(pk__in=list(rows.values_list("pk", flat=True)))
        return int(taken.only("pk").delete()[1].get(heap.rows.model._meta.label, 0))  # an import has megabytes


def _fitting(size: int, seconds: float) -> int:
    """A size for the next batch, by what this one took."""
    wanted = int(size * BATCH_SECONDS / max(seconds, 0.001))
    return max(LEAST, min(MOST, wanted, 2 * size))


class Housekeeper:
    """Prunes once an hour, one batch a turn, so that whoever calls it can do other work in between."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due = clock() + FIRST_AFTER_SECONDS
        self._round: Iterator[Counter[str]] | None = None
        self._gone: Counter[str] = Counter()

    def turn(self) -> None:
        """One batch, when it is time; a round that fails is begun anew an hour later."""
        if self._round is None:
            if settings.MEMSTACK_KEEP_TASKS_DAYS == 0 or self._clock() < self._due:
                return
            self._due = self._clock() + EVERY_SECONDS
            self._round, self._gone = prune(settings.MEMSTACK_KEEP_TASKS_DAYS), Counter()
        batches, self._round = self._round, None
        for gone in batches:
            self._gone += gone
            self._round = batches
            return
        if self._gone:
            logger.info("Pruned %s", in_words(self._gone))


def in_words(gone: Counter[str]) -> str:
    return (
        f"{gone['tasks']} tasks, {gone['events']} events, {gone['passages']} unpublished passages, "
        f"{gone['keys']} idempotency keys, {gone['files']} files that no memory has"
    )
