"""How the task pages write ages, shares and the addresses of their filters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils import timezone

from memories.templatetags.pages import seconds
from tasks_app.filters import Filters
from tasks_app.models import Status, TaskLog
from tasks_app.queries import Step

register = template.Library()
FULL = 100.0


@register.filter
def age(moment: datetime | None) -> str:
    """How long ago: "45 s", "12 min", "1.5 h"; nothing for None."""
    return "" if moment is None else long_seconds((timezone.now() - moment).total_seconds())


def long_seconds(value: float) -> str:
    """Whole seconds, and days beyond two of them."""
    return f"{value / 86400:.0f} days" if value >= 2 * 86400 else seconds(max(round(value), 0)).replace(".0 s", " s")


@register.filter
def percent(share: float | None) -> str:
    """A share of 0 to 1: "3.1 %"; a dash for None."""
    if share is None:
        return "\N{EN DASH}"
    return f"{100 * share:.1f} %" if 0 < share < 0.1 else f"{100 * share:.0f} %"


@register.filter
def clock(moment: datetime) -> str:
    """The time of the day in UTC: "14:05"."""
    return f"{moment.astimezone(UTC):%H:%M}"


@register.simple_tag
def filter_query(filters: Filters | None, **changes: Any) -> str:
    """The filters as a query string, with changes and additions."""
    return (filters or Filters()).query(**{name: str(value) for name, value in changes.items()})


@register.filter
def stuck_for(task: TaskLog) -> str:
    """How long the lease of a running task has been over: its worker fell silent. Nothing while all is well."""
    if task.status != Status.PROCESSING or task.lease_until is None or task.lease_until >= timezone.now():
        return ""
    return age(task.lease_until)


@register.filter
def begins(step: Step, task: TaskLog) -> str:
    """Where the step's bar begins, in percent of the time from the task's start to its end or now."""
    return f"{_place(task, step.started_at):.2f}%"


@register.filter
def lasts(step: Step, task: TaskLog) -> str:
    """How wide the step's bar is, in percent; at least a sliver."""
    begin = _place(task, step.started_at)
    took = (timezone.now() - step.started_at).total_seconds() if step.seconds is None else step.seconds
    width = FULL * took / _whole(task)
    return f"{min(max(width, 0.5), max(FULL - begin, 0.5)):.2f}%"


def _place(task: TaskLog, moment: datetime) -> float:
    since = (moment - (task.started_at or task.created_at)).total_seconds()
    return min(max(FULL * since / _whole(task), 0.0), FULL - 0.5)


def _whole(task: TaskLog) -> float:
    begin = task.started_at or task.created_at
    return max(((task.finished_at or timezone.now()) - begin).total_seconds(), 0.001)


@register.filter
def kilobytes(size: int) -> str:
    """A count of characters: "820 characters", "12 KB", "3.4 MB"."""
    if size < 2000:
        return f"{size} characters"
    return f"{size / 1000:,.0f} KB" if size < 1_000_000 else f"{size / 1_000_000:,.1f} MB"
