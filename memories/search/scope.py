"""Which documents a search may return: by point in time and by filters, before anything is ranked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from memories.models import CommunityMembership, Entity, FactSupport, Mention, Passage, Project, SearchDocument
from memories.queries import current_memberships, holds
from memories.search.values import Filters, Kind, SearchQuery


def readable(project: Project, kind: Kind) -> QuerySet[SearchDocument]:
    """The documents of a kind that readers may see: published passages, current communities."""
    rows = SearchDocument.objects.filter(project=project, kind=kind)
    if kind == "passage":
        return rows.filter(passage__generation=F("passage__memory__generation"))
    if kind == "community":
        return rows.filter(community__generation=F("project__community_generation"))
    return rows


def allowed(project: Project, kind: Kind, query: SearchQuery) -> QuerySet[SearchDocument] | None:
    """Those of them that the question's times and filters leave; None when it leaves all."""
    condition = _in_time(kind, query.as_of, query.known_at) & _filtered(kind, query.filters)
    return readable(project, kind).filter(condition) if condition else None


def _in_time(kind: Kind, as_of: datetime | None, known_at: datetime | None) -> Q:
    if kind == "fact":
        return holds(as_of, known_at, path="fact__")
    if known_at is None:
        return Q()
    created = {"passage": "passage__memory__created_at", "entity": "entity__created_at"}
    return Q(**{f"{created.get(kind, 'community__formed_at')}__lte": known_at})


def _filtered(kind: Kind, filters: Filters) -> Q:
    condition = Q()
    if filters.types or filters.community:
        condition &= _about(kind, filters)
    said = _said(filters)
    if said is not None:
        condition &= _evidence(kind, said)
    return condition


def _about(kind: Kind, filters: Filters) -> Q:
    """The document is, mentions, states or groups an entity of the types and of the community."""
    entities = Entity.objects.all()
    if filters.types:
        entities = entities.filter(type__in=filters.types)
    if filters.community:
        place = Q(community=filters.community) | Q(community__parent=filters.community)
        entities = entities.filter(Exists(current_memberships().filter(place, entity=OuterRef("pk"))))
    ids = entities.values("pk")
    if kind == "entity":
        return Q(entity__in=ids)
    if kind == "fact":
        return Q(fact__subject__in=ids) | Q(fact__object__in=ids)
    if kind == "passage":
        return Q(Exists(Mention.objects.filter(passage=OuterRef("passage"), entity__in=ids)))
    return Q(Exists(CommunityMembership.objects.filter(community=OuterRef("community"), entity__in=ids)))


def _said(filters: Filters) -> QuerySet[Passage] | None:
    """The passages that tags, speaker and time leave; None when none of them is given."""
    conditions: dict[str, Any] = {}
    if filters.speaker:
        conditions["speaker__iexact"] = filters.speaker
    if filters.since:
        conditions["said_at__gte"] = filters.since
    if filters.until:
        conditions["said_at__lte"] = filters.until
    if filters.tags:
        conditions["memory__memory_tags__name__in"] = filters.tags
    if not conditions:
        return None
    rows = Passage.objects.filter(generation=F("memory__generation"))
    return rows.annotate(said_at=Coalesce("at", "memory__reference_time")).filter(**conditions)


def _evidence(kind: Kind, said: QuerySet[Passage]) -> Q:
    """The document is one of the passages, or is mentioned or stated in one."""
    ids = said.values("pk")
    if kind == "passage":
        return Q(passage__in=ids)
    if kind == "fact":
        return Q(Exists(FactSupport.objects.filter(fact=OuterRef("fact"), passage__in=ids)))
    if kind == "entity":
        return Q(Exists(Mention.objects.filter(entity=OuterRef("entity"), passage__in=ids)))
    members = current_memberships().filter(community=OuterRef("community"))
    return Q(Exists(members.filter(entity__mentions__passage__in=ids)))


def about_entity(kind: Kind, entity: UUID) -> Iterable[int]:
    """The ids of the documents that are, mention, state or group the entity."""
    condition = {
        "entity": Q(entity=entity),
        "fact": Q(fact__subject=entity) | Q(fact__object=entity),
        "passage": Q(Exists(Mention.objects.filter(passage=OuterRef("passage"), entity=entity))),
        "community": Q(community__memberships__in=current_memberships().filter(entity=entity)),
    }[kind]
    return SearchDocument.objects.filter(condition, kind=kind).values_list("id", flat=True)
