"""What grew out of the memories: entities and communities."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from memories import changes, queries, reviewing, services
from memories.engine.relations import HINT
from memories.models import Entity, Mention
from memories.views.base import Place, draw, paginate, project_page
from tasks_app import queries as task_queries
from tasks_app import services as tasks
from tasks_app.kinds import Kind
from tasks_app.models import Status

MOST_FACTS = 300


@require_GET
@project_page()
def entity_list(request: HttpRequest, place: Place) -> HttpResponse:
    """The most mentioned first."""
    filters = {name: request.GET.get(name, "").strip().replace("\x00", "") for name in ("q", "type")}
    rows = queries.entities(place.project, q=filters["q"], type=filters["type"]).order_by("-mention_count", "-id")
    types = place.project.entities.order_by("type").values_list("type", flat=True).distinct()
    return draw(
        request,
        place,
        "memories/entity_list.html",
        "entities",
        page=paginate(request, rows),
        filters=filters,
        filtered=any(filters.values()),
        types=types,
    )


@require_GET
@project_page()
def entity_detail(request: HttpRequest, place: Place, entity_id: UUID) -> HttpResponse:
    """The history of its facts by relation, and the passages that mention the entity, newest memory first."""
    entity = queries.entities(place.project).filter(pk=entity_id).first()
    if entity is None:
        hidden = get_object_or_404(Entity.every, pk=entity_id, project=place.project)
        return redirect("entity", place.project.pk, hidden.shown_id)
    found = queries.facts(place.project, entity=entity, include_invalid=True)
    facts = found.order_by("-confidence", "-id")[:MOST_FACTS]
    merges = reviewing.merges(place.project, entity=entity.pk, undone=False)
    shown = list(merges[:20])
    evidence = reviewing.with_evidence(shown)
    mentions = (
        Mention.objects.filter(entity=entity, passage__generation=F("memory__generation"))
        .select_related("passage", "memory")
        .defer("memory__content", "memory__messages")
        .order_by("-memory_id", "start")
    )
    return draw(
        request,
        place,
        "memories/entity_detail.html",
        "entities",
        entity=entity,
        aliases=queries.aliases(entity),
        community=queries.community_of(entity),
        strands=changes.strands(entity, facts),
        hints=[fact for fact in facts if fact.confidence <= HINT],
        most_facts=MOST_FACTS,
        merges=[(merge, evidence[merge.pk]) for merge in shown],
        page=paginate(request, mentions, 25),
    )


@require_GET
@project_page()
def community_list(request: HttpRequest, place: Place) -> HttpResponse:
    """The current communities, and the last rebuild, if it has not completed or `?task=` asks for it."""
    rebuild = task_queries.tasks(place.project, kind=Kind.REBUILD_COMMUNITIES).first()
    rows = queries.communities(place.project).select_related("parent")
    return draw(
        request,
        place,
        "memories/community_list.html",
        "communities",
        page=paginate(request, rows),
        rebuild=rebuild,
        show_rebuild=rebuild and (rebuild.status != Status.COMPLETED or request.GET.get("task") == str(rebuild.pk)),
        has_entities=place.project.entities.exists(),
    )


@require_POST
@project_page()
def community_rebuild(request: HttpRequest, place: Place) -> HttpResponse:
    path = reverse("communities", args=[place.project.pk])
    try:
        task = services.request_rebuild(place.project)
    except tasks.StateConflict as conflict:
        messages.error(request, str(conflict))
        return redirect(path)
    return redirect(f"{path}?task={task.pk}")


@require_GET
@project_page()
def community_detail(request: HttpRequest, place: Place, community_id: UUID) -> HttpResponse:
    community = get_object_or_404(queries.communities(place.project).select_related("parent"), pk=community_id)
    members = queries.community_members(community)
    parts = queries.communities(place.project).filter(parent=community)
    return draw(
        request,
        place,
        "memories/community_detail.html",
        "communities",
        community=community,
        parts=parts,
        page=paginate(request, members),
    )
