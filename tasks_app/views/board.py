"""What the task pages of a project and those over all projects have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect

from memories.views.base import PAGE_SIZE, back
from tasks_app import bulk, chart, filters, payloads, queries, services
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskLog

CHAIN = 20
HOURS = {"1": 1, "6": 6, "24": 24}


def listing(request: HttpRequest, scope: queries.Scope) -> dict[str, Any]:
    """The filters, the page of rows that they leave, and how many there are unless the counts by state tell that."""
    chosen = filters.read(request.GET)
    rows = chosen.rows(scope)
    page = queries.cursor_page(
        rows, PAGE_SIZE, before=request.GET.get("before", ""), after=request.GET.get("after", "")
    )
    return {
        "filters": chosen,
        "page": page,
        "first_page": page.newer is None,
        "statuses": Status.values,
        "kinds": Kind.choices,
        "ranges": [(name, label) for name, (label, _) in filters.RANGES.items()],
        "searched": None if chosen.searched_all(scope) else queries.SEARCHED,
        **({} if chosen.by_count else {"matching": queries.count(rows)}),
    }


def summary(request: HttpRequest, scope: queries.Scope) -> dict[str, Any]:
    """The cards, the chart, the durations, the processes and the cost."""
    hours = HOURS.get(request.GET.get("hours", ""), 1)
    return {
        "figures": queries.figures(scope),
        "chart": chart.draw(queries.queue_depth(scope, hours), hours),
        "hours": hours,
        "hour_choices": list(HOURS.values()),
        "processes": queries.processes(scope),
        "cost": queries.cost_of(scope),
        "summary_filters": filters.read(request.GET),
    }


def board(request: HttpRequest, scope: queries.Scope) -> dict[str, Any]:
    """Both."""
    context = listing(request, scope) | summary(request, scope)
    chosen: filters.Filters = context["filters"]
    context.setdefault("matching", context["figures"].matching(chosen.status, chosen.kind))
    return context


def detail(request: HttpRequest, task: TaskLog) -> dict[str, Any]:
    """The card, the stages it went through, what it was given and cost, and, of an import, its children."""
    children = queries.tasks(task.project, parent=task)
    counts = dict(task.children.order_by().values_list("status").annotate(Count("pk")))
    page = queries.cursor_page(
        children, PAGE_SIZE, before=request.GET.get("before", ""), after=request.GET.get("after", "")
    ) if counts else None  # fmt: skip
    return {
        "task": task,
        "steps": queries.timeline(task),
        "page": page,
        "child_counts": [(status, counts[status]) for status in Status.values if status in counts],
        "earlier": _chain(task, lambda one: TaskLog.objects.filter(retried_by=one)),
        "later": _chain(task, lambda one: TaskLog.objects.filter(retry_of=one)),
        "payload": payloads.payload_of(task),
        "result": payloads.result_of(task),
        "show_traceback": bool(task.traceback) and request.user.is_staff,
    }


def _chain(task: TaskLog, next_of: Callable[[TaskLog], Any]) -> list[TaskLog]:
    """The tasks one after another in one direction of a chain of retries."""
    found: list[TaskLog] = []
    one: TaskLog | None = task
    while one is not None and len(found) < CHAIN:
        one = next_of(one).only("id", "project_id", "kind", "status", "created_at").order_by("-id").first()
        found += [one] if one is not None else []
    return found


def readable(request: HttpRequest) -> filters.Filters:
    """The filters in the URL. BadRequest when one can't be read: without it, more would be met than was meant."""
    chosen = filters.read(request.GET)
    if chosen.errors:
        raise BadRequest(" ".join(chosen.errors))
    return chosen


def act_on_many(request: HttpRequest, scope: queries.Scope, page: str) -> HttpResponse:
    """The ticked tasks, or with `all` those that fit the filters in the URL. Scripts get JSON."""
    chosen = readable(request)
    if request.POST.get("action") not in list(bulk.Action):
        raise BadRequest("There is no such action.")
    everything, ticked = "all" in request.POST, _ticked(request)
    if not everything and not ticked:
        messages.error(request, "Tick the tasks that are meant, or “all that fit”.")
        return redirect(back(request, page))
    rows = chosen.rows(scope) if everything else queries.tasks(scope).filter(pk__in=ticked)
    try:
        outcome = bulk.run(rows, bulk.Action(request.POST["action"]), request.POST.get("cursor", ""))
    except bulk.BadCursor as error:
        raise BadRequest(str(error)) from None
    if request.accepts("text/html"):
        level = messages.success if outcome.done and not outcome.refused else messages.warning
        level(request, outcome.sentence)
        return redirect(back(request, page))
    return JsonResponse(outcome.as_json())


def _ticked(request: HttpRequest) -> list[str]:
    ids = request.POST.getlist("task")[:PAGE_SIZE]
    if any(queries.uuid_or_none(one) is None for one in ids):
        raise BadRequest("That is no task's id.")
    return ids


def act_on_one(
    request: HttpRequest, task: TaskLog, act: Callable[[TaskLog], TaskLog], page: Callable[[TaskLog], str]
) -> HttpResponse:
    """Cancels or retries by a plain form; then to `next`, or to the page of the task, of a retry the new one's."""
    try:
        task = act(task)
    except services.StateConflict as conflict:
        messages.error(request, str(conflict))
    return redirect(back(request, page(task)))
