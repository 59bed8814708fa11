"""The pages of tasks; cancel and retry are plain forms here, for who has no scripts."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from memories.views.base import Place, back, draw, paginate, project_page
from tasks_app import queries, services
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskLog


@require_GET
@project_page()
def task_list(request: HttpRequest, place: Place) -> HttpResponse:
    filters = {name: request.GET.get(name, "").strip().replace("\x00", "") for name in ("status", "kind", "q")}
    rows = queries.tasks(place.project, status=filters["status"], kind=filters["kind"], q=filters["q"])
    return draw(
        request,
        place,
        "tasks_app/task_list.html",
        "tasks",
        page=paginate(request, rows),
        filters=filters,
        filtered=any(filters.values()),
        statuses=Status.values,
        kinds=Kind.choices,
    )


@require_GET
@project_page()
def task_detail(request: HttpRequest, place: Place, task_id: UUID) -> HttpResponse:
    """The card, the stages it went through, and, of an import, its children."""
    task = _of(place, task_id)
    steps = queries.timeline(task)
    return draw(
        request,
        place,
        "tasks_app/task_detail.html",
        "tasks",
        task=task,
        steps=steps,
        longest=max((step.seconds or 0 for step in steps), default=0),
        page=paginate(request, queries.tasks(place.project, parent=task)),
        retried_by=task.retried_by.defer("payload").order_by("-id").first(),
        show_traceback=bool(task.traceback) and request.user.is_staff,
    )


@require_POST
@project_page()
def task_cancel(request: HttpRequest, place: Place, task_id: UUID) -> HttpResponse:
    task = _of(place, task_id)
    try:
        services.cancel(task)
    except services.StateConflict as conflict:
        messages.error(request, str(conflict))
    return redirect(back(request, _page(place, task)))


@require_POST
@project_page()
def task_retry(request: HttpRequest, place: Place, task_id: UUID) -> HttpResponse:
    task = _of(place, task_id)
    try:
        task = services.retry(task)
    except services.StateConflict as conflict:
        messages.error(request, str(conflict))
    return redirect(back(request, _page(place, task)))


def _of(place: Place, task_id: UUID) -> TaskLog:
    rows = queries.tasks(place.project).select_related("parent", "retry_of")
    return get_object_or_404(rows.defer("parent__payload", "retry_of__payload"), pk=task_id)


def _page(place: Place, task: TaskLog) -> str:
    return reverse("task", args=[place.project.pk, task.pk])
