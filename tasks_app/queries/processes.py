"""The workers and dispatchers that are there, and where the streams stand."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, QuerySet, Value, When
from django.db.models.functions import Now

from memories.models import Project
from tasks_app.models import ProjectEventCounter, Status, TaskLog, WorkerHeartbeat
from tasks_app.presence import FRESH
from tasks_app.queries.listing import Scope, within

SHOWN_TASKS = 100


@dataclass(slots=True)
class Process:
    """A worker or dispatcher. `slots` is how many tasks it runs at once, None of a dispatcher; `running` holds what it
    runs now, of the tasks that the reader may see."""

    name: str
    kind: str
    fresh: bool
    seen_at: datetime
    started_at: datetime
    slots: int | None
    queues: list[str]
    running: list[TaskLog] = field(default_factory=list)


def workers() -> QuerySet[WorkerHeartbeat]:
    """Every worker and dispatcher that gave a sign of life in the last day; `fresh` says whether it still does."""
    fresh = Case(When(seen_at__gte=Now() - FRESH, then=Value(True)), default=Value(False))
    return WorkerHeartbeat.objects.annotate(fresh=fresh).order_by("kind", "name")


def processes(scope: Scope) -> list[Process]:
    """The same with what each runs, workers first; a silent one is among them until a day has gone."""
    held: dict[str, list[TaskLog]] = defaultdict(list)
    running = TaskLog.objects.filter(within(scope), status=Status.PROCESSING, lease_until__isnull=False)
    for task in running.only("id", "kind", "worker", "project_id", "started_at").order_by("started_at")[:SHOWN_TASKS]:
        held[task.worker].append(task)
    found = [_process(row, row.detail, held[row.name]) for row in workers()]
    return sorted(found, key=lambda process: (process.kind != WorkerHeartbeat.Kind.WORKER, process.name))


def _process(row: WorkerHeartbeat, detail: dict[str, Any], running: list[TaskLog]) -> Process:
    return Process(
        name=row.name,
        kind=row.kind,
        fresh=bool(getattr(row, "fresh", False)),
        seen_at=row.seen_at,
        started_at=row.started_at,
        slots=detail.get("slots"),
        queues=list(detail.get("queues", [])),
        running=running,
    )


def event_position(project: Project) -> int:
    """The number of the project's last event, 0 when there is none: where a page that shows the state stands."""
    numbers = ProjectEventCounter.objects.filter(pk=project.pk).values_list("last_seq", flat=True)
    return numbers.first() or 0


def event_positions(project_ids: list[UUID]) -> dict[UUID, int]:
    """The same of several projects."""
    return dict(ProjectEventCounter.objects.filter(pk__in=project_ids).values_list("pk", "last_seq"))
