"""The admin of tasks: rows are shown, and changed only by the services that the pages use too."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from memories.admin.base import ReadOnlyAdmin
from tasks_app import services
from tasks_app.models import (
    CostMark,
    CostTotal,
    ProjectEventCounter,
    QueueSample,
    StagePace,
    TaskCheckpoint,
    TaskEvent,
    TaskLog,
    WorkerHeartbeat,
)
from tasks_app.queries import HEAVY


@admin.register(TaskLog)
class TaskLogAdmin(ReadOnlyAdmin):
    list_display = [
        "id", "kind", "status", "progress", "message", "project", "memory", "attempt", "worker", "created_at",
        "duration_seconds",
    ]  # fmt: skip
    list_filter = ["status", "kind", "retryable", "created_at"]
    list_select_related = ["project", "memory"]
    search_fields = ["=id", "message", "error", "worker", "project__name", "memory__title"]
    date_hierarchy = "created_at"
    actions = ["cancel", "retry"]
    heavy = HEAVY

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Who may change tasks may act on them, although nobody edits their fields."""
        return request.user.has_perm("tasks_app.change_tasklog")

    @admin.action(description="Cancel the selected tasks", permissions=["act"])
    def cancel(self, request: HttpRequest, rows: QuerySet[TaskLog]) -> None:
        self._each(request, rows, services.cancel, "cancelled, or asked to stop")

    @admin.action(description="Retry the selected tasks", permissions=["act"])
    def retry(self, request: HttpRequest, rows: QuerySet[TaskLog]) -> None:
        self._each(request, rows, services.retry, "asked for again")

    def _each(
        self, request: HttpRequest, rows: QuerySet[TaskLog], act: Callable[[TaskLog], TaskLog], done: str
    ) -> None:
        """Acts on each row; those whose state forbids it are left as they are, and counted."""
        acted = refused = 0
        for task in rows.select_related("project", "memory"):
            try:
                act(task)
                acted += 1
            except services.StateConflict:
                refused += 1
        level = messages.WARNING if refused else messages.SUCCESS
        refusal = f" {refused} could not be: their state forbids it." if refused else ""
        self.message_user(request, f"{acted} tasks were {done}.{refusal}", level)


@admin.register(TaskEvent)
class TaskEventAdmin(ReadOnlyAdmin):
    list_display = ["task", "seq", "type", "project", "project_seq", "at"]
    list_filter = ["type"]
    list_select_related = ["task", "project"]
    search_fields = ["=task__id"]
    date_hierarchy = "at"


@admin.register(ProjectEventCounter)
class ProjectEventCounterAdmin(ReadOnlyAdmin):
    list_display = ["project", "last_seq"]
    list_select_related = ["project"]
    search_fields = ["project__name"]


@admin.register(WorkerHeartbeat)
class WorkerHeartbeatAdmin(ReadOnlyAdmin):
    list_display = ["name", "kind", "started_at", "seen_at"]
    list_filter = ["kind"]
    search_fields = ["name"]


@admin.register(TaskCheckpoint)
class TaskCheckpointAdmin(ReadOnlyAdmin):
    list_display = ["task", "stage", "number"]
    list_select_related = ["task"]
    search_fields = ["=task__id", "stage"]
    exclude = ["data"]
    heavy = ("data",)


@admin.register(StagePace)
class StagePaceAdmin(ReadOnlyAdmin):
    list_display = ["kind", "stage", "seconds_per_unit", "samples"]
    list_filter = ["kind"]
    search_fields = ["kind", "stage"]


@admin.register(QueueSample)
class QueueSampleAdmin(ReadOnlyAdmin):
    list_display = ["at", "project", "pending", "processing"]
    list_select_related = ["project"]
    search_fields = ["project__name"]


@admin.register(CostTotal)
class CostTotalAdmin(ReadOnlyAdmin):
    list_display = ["project", "kind", "tasks", "wall_seconds", "cpu_seconds", "peak_memory_mb", "llm_tokens"]
    list_filter = ["kind"]
    list_select_related = ["project"]
    search_fields = ["project__name"]


@admin.register(CostMark)
class CostMarkAdmin(ReadOnlyAdmin):
    list_display = ["counted_until"]
