"""The numbers at the top of the dashboard. Each comes out of an index, and none reads more rows than it has to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.db.models.functions import Now

from tasks_app.kinds import Kind
from tasks_app.models import TERMINAL, Status, TaskLog
from tasks_app.queries.listing import Scope, within

WINDOW = timedelta(hours=1)
LATELY = timedelta(minutes=5)
SAMPLES = 200


@dataclass(frozen=True, slots=True)
class Ended:
    """Tasks that ended in the last hour, by state, and how many a minute in the last five minutes."""

    completed: int
    failed: int
    cancelled: int
    per_minute: float

    @property
    def error_rate(self) -> float | None:
        """The share that failed, 0 to 1, of those that ran to an end; None when there were none."""
        ran = self.completed + self.failed
        return self.failed / ran if ran else None


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds from start to end of the latest completed tasks of a kind, at most SAMPLES of them."""

    kind: str
    p50: float
    p95: float
    mean: float
    samples: int

    @property
    def label(self) -> str:
        return str(Kind(self.kind).label) if self.kind in Kind.values else self.kind


@dataclass(frozen=True, slots=True)
class Figures:
    """`by_kind` is `{kind: {status: n}}` of the kinds there are; `stuck` counts those whose worker fell silent."""

    by_kind: dict[str, dict[str, int]]
    ended: Ended
    durations: list[Durations]
    oldest_pending_at: datetime | None
    stuck: int

    @property
    def by_status(self) -> dict[str, int]:
        return {status: sum(counts[status] for counts in self.by_kind.values()) for status in Status.values}

    @property
    def total(self) -> int:
        return sum(self.by_status.values())

    def matching(self, status: str, kind: str) -> int:
        """How many tasks have that state and kind; an empty word stands for any."""
        kinds = [self.by_kind.get(kind, {})] if kind else list(self.by_kind.values())
        return sum(counts.get(name, 0) for counts in kinds for name in ([status] if status else Status.values))


def figures(scope: Scope) -> Figures:
    """Five queries, and one for each kind there is."""
    return Figures(
        by_kind=by_kind(scope),
        ended=_ended(scope),
        durations=[found for kind in Kind.values if (found := _durations(scope, kind))],
        oldest_pending_at=_oldest_pending(scope),
        stuck=TaskLog.objects.filter(within(scope), status=Status.PROCESSING, lease_until__lt=Now()).count(),
    )


def by_kind(scope: Scope) -> dict[str, dict[str, int]]:
    """`{kind: {status: n}}`, every status named."""
    found: dict[str, dict[str, int]] = {}
    rows = TaskLog.objects.filter(within(scope)).order_by()
    for status, kind, number in rows.values_list("status", "kind").annotate(number=Count("*")):
        found.setdefault(kind, dict.fromkeys(Status.values, 0))[status] = number
    return found


def _ended(scope: Scope) -> Ended:
    ended = TaskLog.objects.filter(
        within(scope),
        kind__in=Kind.values,
        status__in=sorted(TERMINAL),
        finished_at__isnull=False,
        finished_at__gte=Now() - WINDOW,
    )
    lately = Count("status", filter=Q(finished_at__gte=Now() - LATELY))
    # by kind too: for the status alone, SQLite would take another index and read every row
    rows = list(ended.order_by().values_list("kind", "status").annotate(number=Count("*"), recent=lately))
    return Ended(
        **{wanted: sum(number for _, status, number, _ in rows if status == wanted) for wanted in TERMINAL},
        per_minute=sum(recent for _, _, _, recent in rows) / (LATELY.total_seconds() / 60),
    )


def _durations(scope: Scope, kind: str) -> Durations | None:
    rows = TaskLog.objects.filter(
        within(scope), kind=kind, status=Status.COMPLETED, finished_at__isnull=False, started_at__isnull=False
    )
    latest = rows.order_by("-finished_at").values_list("started_at", "finished_at")[:SAMPLES]
    took = sorted((end - start).total_seconds() for start, end in latest if start and end)
    if not took:
        return None
    return Durations(kind, percentile(took, 50), percentile(took, 95), sum(took) / len(took), len(took))


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The nearest rank: the smallest value that `percent` of the values do not exceed."""
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]


def _oldest_pending(scope: Scope) -> datetime | None:
    waiting = TaskLog.objects.filter(within(scope), status=Status.PENDING).order_by("id")
    return waiting.values_list("created_at", flat=True).first()
