"""The paths of the task pages, with and without a trailing slash."""

from __future__ import annotations

from memories.urls import both, in_project
from tasks_app.views import everything, project

urlpatterns = [
    *in_project("tasks", project.task_list, "tasks"),
    *in_project("tasks.csv", project.task_csv, "tasks-csv"),
    *in_project("tasks/bulk", project.task_bulk, "tasks-bulk"),
    *in_project("tasks/<uuid:task_id>", project.task_detail, "task"),
    *in_project("tasks/<uuid:task_id>/cancel", project.task_cancel, "task-cancel"),
    *in_project("tasks/<uuid:task_id>/retry", project.task_retry, "task-retry"),
    *both("tasks", everything.task_list, "all-tasks"),
    *both("tasks.csv", everything.task_csv, "all-tasks-csv"),
    *both("tasks/bulk", everything.task_bulk, "all-tasks-bulk"),
    *both("tasks/<uuid:task_id>", everything.task_detail, "any-task"),
    *both("tasks/<uuid:task_id>/cancel", everything.task_cancel, "any-task-cancel"),
    *both("tasks/<uuid:task_id>/retry", everything.task_retry, "any-task-retry"),
]
