"""What people say of facts, and what changed since a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET, require_POST

from memories import changes, queries, services
from memories.graph.decisions import TooEarly
from memories.models import Fact
from memories.views.base import PAGE_SIZE, Place, back, draw, member, project_page

DAYS = 7


@require_POST
@project_page()
def fact_invalidate(request: HttpRequest, place: Place, fact_id: UUID) -> HttpResponse:
    """It is over, on a day or now, or it never was so."""
    fact = _fact(place, fact_id)
    day = _day(request.POST.get("at", ""))
    try:
        if request.POST.get("wrong"):
            services.invalidate_fact(fact, member(request), wrong=True)
            messages.success(request, "The fact is taken back. What it had closed holds again.")
        elif day is None and request.POST.get("at", "").strip():
            messages.error(request, "Nothing was changed: give the day like 2024-05-31, or none.")
        else:
            at = None if day is None else datetime.combine(day, time.max, tzinfo=UTC)
            services.invalidate_fact(fact, member(request), at=at)
            messages.success(request, "The fact is over. It stays in the history.")
    except TooEarly:
        messages.error(request, "Nothing was changed: the fact began later than that day.")
    return redirect(_back(request, place, fact))


@require_POST
@project_page()
def fact_restore(request: HttpRequest, place: Place, fact_id: UUID) -> HttpResponse:
    fact = _fact(place, fact_id)
    services.restore_fact(fact, member(request))
    messages.success(request, "The fact holds again.")
    return redirect(_back(request, place, fact))


@require_GET
@project_page()
def change_list(request: HttpRequest, place: Place) -> HttpResponse:
    """What was learned, ended, corrected or taken back, the newest first."""
    since = _day(request.GET.get("since", "")) or (timezone.now() - timedelta(days=DAYS)).date()
    rows = changes.rows(place.project, datetime.combine(since, time.min, tzinfo=UTC))
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    found = changes.changes(page.object_list)
    return draw(request, place, "memories/changes.html", "changes", page=page, changes=found, since=since)


def _fact(place: Place, fact_id: UUID) -> Fact:
    return get_object_or_404(queries.facts(place.project, include_invalid=True), pk=fact_id)


def _back(request: HttpRequest, place: Place, fact: Fact) -> str:
    return back(request, reverse("entity", args=[place.project.pk, fact.subject_id]))


def _day(text: str) -> date | None:
    try:
        return parse_date(text.strip())
    except ValueError:
        return None
