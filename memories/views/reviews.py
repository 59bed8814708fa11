"""What people are asked about the graph, what they decided, and the merges they make themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from memories import queries, reviewing, services
from memories.forms import EntityForm
from memories.models import Entity, Merge, Review
from memories.views.base import Place, Role, back, draw, member, paginate, project_page

PAGE = 20
FOUND = 20
DECISIONS: dict[str, tuple[Callable[..., Any], dict[str, str]]] = {
    "accept": (
        services.accept_review,
        {"merge": "Merged. Undo it here, or on the entity's page.", "invalidation": "Noted that it is over."},
    ),
    "reject": (
        services.reject_review,
        {"merge": "They stay two; nobody is asked again.", "invalidation": "Both facts hold."},
    ),
    "undo": (services.undo_review, dict.fromkeys(Review.Kind.values, "Taken back.")),
}


@require_GET
@project_page()
def review_list(request: HttpRequest, place: Place) -> HttpResponse:
    """Those of a state, open ones on default, the surest first; or the history of merges."""
    show = request.GET.get("show", "")
    if show == "merges":
        page: Any = paginate(request, reviewing.merges(place.project), PAGE)
    else:
        show = show if show in Review.State.values else Review.State.OPEN.value
        page = paginate(request, reviewing.reviews(place.project, state=show), PAGE)
    evidence = reviewing.with_evidence(page.object_list)
    rows = [(row, evidence[row.pk]) for row in page.object_list]
    states = [*Review.State.values, "merges"]
    return draw(request, place, "memories/review_list.html", "reviews", page=page, rows=rows, show=show, states=states)


@require_POST
@project_page()
def review_decide(request: HttpRequest, place: Place, review_id: UUID, decision: str) -> HttpResponse:
    review = get_object_or_404(reviewing.reviews(place.project), pk=review_id)
    decide, said = DECISIONS[decision]
    over = _uuid(request.POST.get("over", ""))
    try:
        decide(member(request), review, **({"over": over} if over and decision == "accept" else {}))
        messages.success(request, said[review.kind])
    except services.Refused as refused:
        messages.error(request, str(refused))
    return redirect(back(request, reverse("reviews", args=[place.project.pk])))


@require_POST
@project_page()
def merge_undo(request: HttpRequest, place: Place, merge_id: UUID) -> HttpResponse:
    merge = get_object_or_404(Merge.objects.select_related("project"), pk=merge_id, project=place.project)
    try:
        services.undo_merge(member(request), merge)
        messages.success(request, "The merge was undone.")
    except services.Refused as refused:
        messages.error(request, str(refused))
    return redirect(back(request, reverse("reviews", args=[place.project.pk]) + "?show=merges"))


@require_http_methods(["GET", "POST"])
@project_page(see=Role.EDITOR)
def entity_merge(request: HttpRequest, place: Place, entity_id: UUID) -> HttpResponse:
    """Looks for the entity to merge into; of another type only when that is confirmed."""
    entity = get_object_or_404(place.project.entities.select_related("project"), pk=entity_id)
    q = request.GET.get("q", "").strip().replace("\x00", "")
    target = None
    if request.method == "POST":
        rows = place.project.entities.all()
        target = get_object_or_404(rows, pk=_uuid(request.POST.get("into", "")))
        if target.type == entity.type or request.POST.get("confirmed"):
            return _merged(request, place, entity, target)
    found = queries.entities(place.project, q=q or entity.name.split()[0]).exclude(pk=entity.pk)
    return draw(
        request,
        place,
        "memories/entity_merge.html",
        "entities",
        entity=entity,
        q=q,
        asked=target,
        found=found.order_by("-mention_count", "-id")[:FOUND],
    )


def _merged(request: HttpRequest, place: Place, entity: Entity, target: Entity) -> HttpResponse:
    try:
        services.merge_entities(member(request), entity, target)
    except services.Refused as refused:
        messages.error(request, str(refused))
        return redirect("entity-merge", place.project.pk, entity.pk)
    messages.success(request, f"“{entity.name}” is shown as “{target.name}” now.")
    return redirect("entity", place.project.pk, target.pk)


@require_http_methods(["GET", "POST"])
@project_page(see=Role.EDITOR)
def entity_edit(request: HttpRequest, place: Place, entity_id: UUID) -> HttpResponse:
    """What people call an entity; what they leave empty the memories say."""
    entity = get_object_or_404(place.project.entities.select_related("project"), pk=entity_id)
    form = EntityForm(request.POST or None, entity=entity)
    if request.method == "POST" and form.is_valid():
        services.describe_entity(entity, form.cleaned_data)
        messages.success(request, "Saved. It stays when memories are read again.")
        return redirect("entity", place.project.pk, entity.pk)
    status = 400 if request.method == "POST" else 200
    return draw(request, place, "memories/entity_edit.html", "entities", entity=entity, form=form, status=status)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
