"""The paths of the task pages, with and without a trailing slash."""

from __future__ import annotations

from memories.urls import in_project
from tasks_app import views

urlpatterns = [
    *in_project("tasks", views.task_list, "tasks"),
    *in_project("tasks/<uuid:task_id>", views.task_detail, "task"),
    *in_project("tasks/<uuid:task_id>/cancel", views.task_cancel, "task-cancel"),
    *in_project("tasks/<uuid:task_id>/retry", views.task_retry, "task-retry"),
]
