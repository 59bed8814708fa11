"""What answers where. The streams under /api/v1/ are served before Django, see memstack.asgi."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView

from memories.api.docs import SwaggerView
from memories.api.problems import unknown_path
from memstack import health
from memstack.metrics import metrics

urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SwaggerView.as_view(url_name="schema"), name="api-docs"),
    path("api/v1/", include("tasks_app.api.urls")),
    path("api/v1/", include("memories.api.urls")),
    re_path(r"^api/.*$", unknown_path),
    path("", include("memories.urls")),
    path("", include("tasks_app.urls")),
]
