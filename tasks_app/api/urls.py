"""Paths under `/api/v1/`, with and without a slash at the end."""

from __future__ import annotations

from memories.api.base import routes
from tasks_app.api.views import StreamViewSet, TaskViewSet

urlpatterns = [
    *routes("tasks", TaskViewSet, "api-tasks", get="list"),
    *routes("tasks/stats", TaskViewSet, "api-task-stats", get="stats"),
    *routes("tasks.csv", TaskViewSet, "api-tasks-csv", get="csv"),
    *routes("tasks/queue-depth", TaskViewSet, "api-queue-depth", get="queue_depth"),
    *routes("tasks/bulk", TaskViewSet, "api-tasks-bulk", post="bulk"),
    *routes("tasks/<uuid:pk>", TaskViewSet, "api-task", get="retrieve"),
    *routes("tasks/<uuid:pk>/events", TaskViewSet, "api-task-events", get="events"),
    *routes("tasks/<uuid:pk>/cancel", TaskViewSet, "api-task-cancel", post="cancel"),
    *routes("tasks/<uuid:pk>/retry", TaskViewSet, "api-task-retry", post="retry"),
    *routes("tasks/<uuid:pk>/stream", StreamViewSet, "api-task-stream", get="task"),
    *routes("projects/<uuid:pk>/stream", StreamViewSet, "api-project-stream", get="project"),
    *routes("stream", StreamViewSet, "api-stream", get="everything"),
]
