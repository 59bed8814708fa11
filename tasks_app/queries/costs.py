"""What the tasks of a project have cost so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, F, Max, QuerySet, Sum

from tasks_app.kinds import Kind
from tasks_app.models import TERMINAL, CostMark, CostTotal, TaskLog
from tasks_app.queries.listing import Scope, within

MEASURES = ("wall_seconds", "cpu_seconds", "peak_memory_mb", "llm_tokens")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the clock and of the processor, the highest peak in MB, tokens of language models."""

    tasks: int = 0
    wall_seconds: float = 0
    cpu_seconds: float = 0
    peak_memory_mb: float = 0
    llm_tokens: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.tasks + other.tasks,
            self.wall_seconds + other.wall_seconds,
            self.cpu_seconds + other.cpu_seconds,
            max(self.peak_memory_mb, other.peak_memory_mb),
            self.llm_tokens + other.llm_tokens,
        )


def cost_of(scope: Scope) -> Cost:
    """The totals that were counted up to the mark, and what has ended since."""
    total = Cost()
    counted = CostTotal.objects.filter(within(scope)).order_by().values_list("tasks", *MEASURES)
    for row in counted:
        total += Cost(*row)
    for _, _, cost in ended_costs(TaskLog.objects.filter(within(scope)), counted_until(), None):
        total += cost
    return total


def counted_until() -> datetime | None:
    return CostMark.objects.values_list("counted_until", flat=True).first()


def ended_costs(
    rows: QuerySet[TaskLog], after: datetime | None, until: datetime | None
) -> Iterator[tuple[UUID, str, Cost]]:
    """What the rows that ended after the one moment and not after the other cost: `(project, kind, cost)`."""
    ended = rows.filter(kind__in=Kind.values, status__in=sorted(TERMINAL), finished_at__isnull=False)
    if after is not None:
        ended = ended.filter(finished_at__gt=after)
    if until is not None:
        ended = ended.filter(finished_at__lte=until)
    sums = (
        ended.order_by()
        .values_list("project", "kind")
        .annotate(
            number=Count("pk"),
            wall=Sum(F("finished_at") - F("started_at")),
            cpu=Sum("cpu_seconds"),
            peak=Max("peak_memory_mb"),
            tokens=Sum("llm_tokens"),
        )
    )
    for project, kind, tasks, took, cpu, peak, tokens in sums:
        yield project, kind, Cost(tasks, took.total_seconds() if took else 0, cpu or 0, peak or 0, tokens or 0)
