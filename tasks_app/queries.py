"""Every read of tasks, for pages and API alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Avg, Case, Count, DurationField, ExpressionWrapper, F, Min, Q, QuerySet, Value, When
from django.db.models.functions import Now

from memories.models import Project
from tasks_app.models import TERMINAL, ProjectEventCounter, Status, TaskEvent, TaskLog, WorkerHeartbeat
from tasks_app.presence import FRESH

HEAVY = ("payload", "traceback", "memory__content", "memory__messages")  # megabytes, and no list shows them


@dataclass(slots=True)
class Step:
    """A stage of one attempt. `seconds` is None while it lasts; `state` is a task status, of the stage."""

    attempt: int
    stage: str
    message: str
    percent: int
    started_at: datetime
    seconds: float | None
    done: int | None
    total: int | None
    state: str
    error: str


def tasks(
    scope: Project | QuerySet[Project] | None,
    *,
    status: str = "",
    kind: str = "",
    q: str = "",
    parent: TaskLog | UUID | None = None,
) -> QuerySet[TaskLog]:
    """Newest first, project and memory joined; a scope of None is every project. `q` looks in words and titles."""
    rows = TaskLog.objects.filter(_within(scope))
    if status:
        rows = rows.filter(status=status)
    if kind:
        rows = rows.filter(kind=kind)
    if parent is not None:
        rows = rows.filter(parent=parent)
    if q:
        rows = rows.filter(
            Q(message__icontains=q) | Q(error__icontains=q) | Q(memory__title__icontains=q) | Q(kind__icontains=q)
        )
    return rows.select_related("project", "memory").defer(*HEAVY).order_by("-id")


def timeline(task: TaskLog) -> list[Step]:
    """The stages that the task went through, in order, from its events; the last of a completed task is its end."""
    steps: list[Step] = []
    for event in TaskEvent.objects.filter(task=task).order_by("seq"):
        if not _continues(steps, event):
            _close(steps, event.at, Status.COMPLETED)
            steps.append(_step(event))
        _update(steps[-1], event)
    return steps


def _step(event: TaskEvent) -> Step:
    data: dict[str, Any] = event.data
    stage = data["status"] if data["status"] in (Status.PENDING, Status.COMPLETED) else data["stage"]
    return Step(
        attempt=data["attempt"],
        stage=stage,
        message=data["message"],
        percent=data["progress"],
        started_at=event.at,
        seconds=None,
        done=None,
        total=None,
        state=data["status"],
        error="",
    )


def _continues(steps: list[Step], event: TaskEvent) -> bool:
    """Whether the event belongs to the last step: the same stage, or the failure or cancelling that ended it."""
    if not steps:
        return False
    last, data = steps[-1], event.data
    if data["status"] in (Status.FAILED, Status.CANCELLED):
        return True
    return bool(data["status"] == last.state and data["attempt"] == last.attempt and _step(event).stage == last.stage)


def _update(step: Step, event: TaskEvent) -> None:
    data: dict[str, Any] = event.data
    step.percent, step.done, step.total, step.state = data["progress"], data["done"], data["total"], data["status"]
    if data["status"] in TERMINAL:
        step.seconds = _seconds(step, event.at)
        step.error = data["error"] or ""
    else:
        step.message = data["message"]


def _close(steps: list[Step], at: datetime, state: str) -> None:
    if steps and steps[-1].seconds is None:
        steps[-1].seconds, steps[-1].state = _seconds(steps[-1], at), state


def _seconds(step: Step, end: datetime) -> float:
    return round((end - step.started_at).total_seconds(), 3)


def event_position(project: Project) -> int:
    """The number of the project's last event, 0 when there is none: where a page that shows the state stands."""
    numbers = ProjectEventCounter.objects.filter(pk=project.pk).values_list("last_seq", flat=True)
    return numbers.first() or 0


def workers() -> QuerySet[WorkerHeartbeat]:
    """Every worker and dispatcher that gave a sign of life in the last day; `fresh` says whether it still does."""
    fresh = Case(When(seen_at__gte=Now() - FRESH, then=Value(True)), default=Value(False))
    return WorkerHeartbeat.objects.annotate(fresh=fresh).order_by("kind", "name")


def stats(scope: Project | QuerySet[Project] | None) -> dict[str, object]:
    """`{total, by_status, by_kind: {kind: {status: n}}, oldest_pending_at, average_seconds: {kind: s}}`."""
    rows = TaskLog.objects.filter(_within(scope)).order_by()
    by_status, by_kind = dict.fromkeys(Status.values, 0), dict[str, dict[str, int]]()
    for kind, status, count in rows.values_list("kind", "status").annotate(Count("pk")):
        by_status[status] += count
        by_kind.setdefault(kind, dict.fromkeys(Status.values, 0))[status] = count
    return {
        "total": sum(by_status.values()),
        "by_status": by_status,
        "by_kind": by_kind,
        "oldest_pending_at": rows.filter(status=Status.PENDING).aggregate(oldest=Min("created_at"))["oldest"],
        "average_seconds": _average_seconds(rows),
    }


def _average_seconds(rows: QuerySet[TaskLog]) -> dict[str, float]:
    duration = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())
    ended = rows.filter(status=Status.COMPLETED, started_at__isnull=False)
    means: Iterable[tuple[str, timedelta]] = ended.values_list("kind").annotate(mean=Avg(duration))
    return {kind: round(mean.total_seconds(), 3) for kind, mean in means}


def _within(scope: Project | QuerySet[Project] | None) -> Q:
    if scope is None:
        return Q()
    return Q(project=scope) if isinstance(scope, Project) else Q(project__in=scope)
