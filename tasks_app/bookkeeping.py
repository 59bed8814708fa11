"""What the dispatcher writes down once a minute: how long the queue is, and what the tasks that ended have cost.

Several dispatchers may do it: a sample is there once for its minute, and a cost is counted by whoever moves the mark.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F
from django.db.models.functions import Greatest, Now, TruncMinute

from tasks_app.models import CostMark, CostTotal, QueueSample, Status, TaskLog
from tasks_app.queries.costs import Cost, ended_costs

EVERY_SECONDS = 60.0
KEPT = timedelta(hours=24)
SETTLED = timedelta(minutes=1)  # longer than any transaction, so that none still hides a task which ended before
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_next = 0.0


def keep_books() -> None:
    """Samples and counts when a minute has gone since the last time; cheap to call often."""
    global _next  # noqa: PLW0603 - one clock for the process
    if time.monotonic() < _next:
        return
    _next = time.monotonic() + EVERY_SECONDS
    take_sample()
    count_costs()


def take_sample() -> None:
    """Writes how many tasks wait and run now, of all projects and of each that has any; forgets yesterday's."""
    found: dict[UUID | None, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    active = TaskLog.objects.filter(status__in=(Status.PENDING, Status.PROCESSING)).order_by()
    found[None] = defaultdict(int)
    for project, status, number in active.values_list("project", "status").annotate(number=Count("*")):
        found[project][status] = number
        found[None][status] += number
    samples = [
        QueueSample(
            project_id=project,
            at=TruncMinute(Now()),
            pending=counts[Status.PENDING],
            processing=counts[Status.PROCESSING],
        )
        for project, counts in found.items()
    ]
    QueueSample.objects.bulk_create(samples, batch_size=500, ignore_conflicts=True)
    QueueSample.objects.filter(at__lt=Now() - KEPT).delete()


def count_costs() -> None:
    """Adds what has ended since the mark to the totals, and moves the mark."""
    mark, _ = CostMark.objects.get_or_create(pk=1, defaults={"counted_until": EPOCH})
    until = _settled()
    costs = list(ended_costs(TaskLog.objects.all(), mark.counted_until, until))
    totals = [CostTotal(project_id=project, kind=kind) for project, kind, _ in costs]
    CostTotal.objects.bulk_create(totals, batch_size=500, ignore_conflicts=True)
    with transaction.atomic():
        before = CostMark.objects.filter(pk=mark.pk, counted_until=mark.counted_until, counted_until__lt=until)
        if before.update(counted_until=until):
            _add(costs)


def _settled() -> datetime:
    """A minute before now, on the database's clock."""
    moments = CostMark.objects.annotate(now=Now() - SETTLED).values_list("now", flat=True)
    moment: datetime = moments.get(pk=1)
    return moment


def _add(costs: Iterable[tuple[UUID, str, Cost]]) -> None:
    for project, kind, cost in costs:
        CostTotal.objects.filter(project=project, kind=kind).update(
            tasks=F("tasks") + cost.tasks,
            wall_seconds=F("wall_seconds") + cost.wall_seconds,
            cpu_seconds=F("cpu_seconds") + cost.cpu_seconds,
            peak_memory_mb=Greatest("peak_memory_mb", cost.peak_memory_mb),
            llm_tokens=F("llm_tokens") + cost.llm_tokens,
        )
