"""How many tasks waited and ran, minute by minute, from the dispatcher's samples."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, QuerySet, Sum
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from tasks_app.models import QueueSample, Status, TaskLog
from tasks_app.queries.listing import Scope, within

DEPTH_HOURS = 24
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class DepthPoint:
    """A minute; the numbers are None when nobody counted because no dispatcher was there."""

    at: datetime
    pending: int | None
    processing: int | None


def queue_depth(scope: Scope, hours: int) -> list[DepthPoint]:
    """A point a minute since the first sample of the last `hours` (at most 24), oldest first."""
    begin = Now() - timedelta(hours=min(hours, DEPTH_HOURS))
    counted = _counts(QueueSample.objects.filter(project=None, at__gte=begin))
    if not counted:
        return []
    found = counted if scope is None else dict.fromkeys(counted, (0, 0)) | _own(scope, begin)
    minutes = round((max(counted) - min(counted)) / MINUTE) + 1
    return [_point(min(counted) + MINUTE * number, found) for number in range(minutes)]


def _point(at: datetime, found: dict[datetime, tuple[int, int]]) -> DepthPoint:
    pending, processing = found.get(at, (None, None))
    return DepthPoint(at, pending, processing)


def _own(scope: Scope, begin: CombinedExpression) -> dict[datetime, tuple[int, int]]:
    """The numbers of the scope; a minute that is not there was an idle one."""
    return _counts(QueueSample.objects.filter(within(scope), at__gte=begin))


def _counts(samples: QuerySet[QueueSample]) -> dict[datetime, tuple[int, int]]:
    sums = samples.order_by().values_list("at").annotate(Sum("pending"), Sum("processing"))
    return {at: (pending, processing) for at, pending, processing in sums}


def depth_now(scope: Scope) -> tuple[int, int]:
    """How many tasks wait and run at this moment."""
    active = TaskLog.objects.filter(within(scope), status__in=(Status.PENDING, Status.PROCESSING)).order_by()
    counts = dict(active.values_list("status").annotate(number=Count("*")))
    return counts.get(Status.PENDING, 0), counts.get(Status.PROCESSING, 0)
