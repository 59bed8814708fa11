"""The task pages of a project; cancel and retry are plain forms here, for who has no scripts."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from memories.views.base import Place, draw, project_page
from tasks_app import queries, services
from tasks_app.export import csv_response
from tasks_app.models import TaskLog
from tasks_app.views import board


@require_GET
@project_page()
def task_list(request: HttpRequest, place: Place) -> HttpResponse:
    """The dashboard; with `?part=summary` its upper part alone, which the page asks for again and again."""
    shell = {"base": "project.html", "list_url": reverse("tasks", args=[place.project.pk])}
    if request.GET.get("part") == "summary":
        context = {"project": place.project, **shell, **board.summary(request, place.project)}
        return render(request, "tasks_app/_summary.html", context)
    urls = {
        "csv_url": reverse("tasks-csv", args=[place.project.pk]),
        "bulk_url": reverse("tasks-bulk", args=[place.project.pk]) if place.can_write else "",
    }
    context = board.board(request, place.project)
    return draw(request, place, "tasks_app/task_list.html", "tasks", **shell, **urls, **context)


@require_GET
@project_page()
def task_csv(request: HttpRequest, place: Place) -> StreamingHttpResponse:
    return csv_response(request, board.readable(request).rows(place.project), f"tasks-{place.project.pk}")


@require_POST
@project_page()
def task_bulk(request: HttpRequest, place: Place) -> HttpResponse:
    return board.act_on_many(request, place.project, reverse("tasks", args=[place.project.pk]))


@require_GET
@project_page()
def task_detail(request: HttpRequest, place: Place, task_id: UUID) -> HttpResponse:
    context = board.detail(request, _of(place, task_id))
    shell = {"base": "project.html", "list_url": reverse("tasks", args=[place.project.pk])}
    return draw(request, place, "tasks_app/task_detail.html", "tasks", **shell, **context)


@require_POST
@project_page()
def task_cancel(request: HttpRequest, place: Place, task_id: UUID) -> HttpResponse:
    return board.act_on_one(request, _of(place, task_id), services.cancel, _page)


@require_POST
@project_page()
def task_retry(request: HttpRequest, place: Place, task_id: UUID) -> HttpResponse:
    return board.act_on_one(request, _of(place, task_id), services.retry, _page)


def _of(place: Place, task_id: UUID) -> TaskLog:
    rows = queries.tasks(place.project).select_related("parent").defer("parent__payload", "parent__traceback")
    return get_object_or_404(rows, pk=task_id)


def _page(task: TaskLog) -> str:
    return reverse("task", args=[task.project_id, task.pk])
