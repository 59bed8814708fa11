"""The same pages over all projects, for staff. Who may change tasks in the admin may cancel and retry here."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from memories.views.base import missing_processes
from tasks_app import queries, services
from tasks_app.export import csv_response
from tasks_app.models import TaskLog
from tasks_app.views import board

P = ParamSpec("P")
StaffView = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
MAY_LOOK, MAY_CHANGE = "tasks_app.view_tasklog", "tasks_app.change_tasklog"


def staff_page(permission: str) -> Callable[[StaffView[P]], Callable[..., HttpResponseBase]]:
    """A page for staff who have the permission; 403 with a sentence for everybody else."""

    def decorate(view: StaffView[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def wrapper(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not (request.user.is_staff and request.user.has_perm(permission)):
                raise PermissionDenied("This page is for staff who may see the tasks of all projects.")
            return view(request, *args, **kwargs)

        return login_required(never_cache(wrapper))

    return decorate


@require_GET
@staff_page(MAY_LOOK)
def task_list(request: HttpRequest) -> HttpResponse:
    """The dashboard; with `?part=summary` its upper part alone."""
    shell = {"base": "tasks_app/staff.html", "list_url": reverse("all-tasks"), "staff_page": True}
    if request.GET.get("part") == "summary":
        return render(request, "tasks_app/_summary.html", {**shell, **board.summary(request, None)})
    may_change = request.user.has_perm(MAY_CHANGE)
    context = {
        "csv_url": reverse("all-tasks-csv"),
        "bulk_url": reverse("all-tasks-bulk") if may_change else "",
        "missing": missing_processes(),
        **shell,
        **board.board(request, None),
    }
    return render(request, "tasks_app/task_list.html", context)


@require_GET
@staff_page(MAY_LOOK)
def task_csv(request: HttpRequest) -> HttpResponseBase:
    return csv_response(request, board.readable(request).rows(None), "tasks")


@require_POST
@staff_page(MAY_CHANGE)
def task_bulk(request: HttpRequest) -> HttpResponse:
    return board.act_on_many(request, None, reverse("all-tasks"))


@require_GET
@staff_page(MAY_LOOK)
def task_detail(request: HttpRequest, task_id: UUID) -> HttpResponse:
    task = _of(task_id)
    shell = {"base": "tasks_app/staff.html", "list_url": reverse("all-tasks"), "staff_page": True}
    context = {
        "project": task.project,
        "may_change": request.user.has_perm(MAY_CHANGE),
        "missing": missing_processes(),
        **shell,
        **board.detail(request, task),
    }
    return render(request, "tasks_app/task_detail.html", context)


@require_POST
@staff_page(MAY_CHANGE)
def task_cancel(request: HttpRequest, task_id: UUID) -> HttpResponse:
    return board.act_on_one(request, _of(task_id), services.cancel, _page)


@require_POST
@staff_page(MAY_CHANGE)
def task_retry(request: HttpRequest, task_id: UUID) -> HttpResponse:
    return board.act_on_one(request, _of(task_id), services.retry, _page)


def _of(task_id: UUID) -> TaskLog:
    rows = queries.tasks(None).select_related("parent").defer("parent__payload", "parent__traceback")
    return get_object_or_404(rows, pk=task_id)


def _page(task: TaskLog) -> str:
    return reverse("any-task", args=[task.pk])
