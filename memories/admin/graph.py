"""Entities, facts, communities, and what was decided on them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from memories.admin.base import TEXTS_OF_MEMORY, ReadOnlyAdmin, ReadOnlyInline
from memories.models import (
    Community,
    CommunityMembership,
    Entity,
    EntityAlias,
    Fact,
    FactBelief,
    FactDecision,
    FactSupport,
    Mention,
    Merge,
    NameKey,
    Review,
)


class AliasInline(ReadOnlyInline):
    model = EntityAlias
    fk_name = "entity"
    fields = ["name", "key"]


class SupportInline(ReadOnlyInline):
    model = FactSupport
    fields = ["memory", "start", "end", "extractor"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("memory").defer(*TEXTS_OF_MEMORY)


@admin.register(Entity)
class EntityAdmin(ReadOnlyAdmin):
    list_display = ["name", "type", "project", "mention_count", "fact_count", "last_seen_at", "extractor"]
    list_filter = ["type", "extractor"]
    list_select_related = ["project"]
    search_fields = ["name", "=id", "project__name"]
    inlines = [AliasInline]


@admin.register(EntityAlias)
class EntityAliasAdmin(ReadOnlyAdmin):
    list_display = ["name", "entity", "project"]
    list_select_related = ["entity", "project"]
    search_fields = ["name", "entity__name"]


@admin.register(NameKey)
class NameKeyAdmin(ReadOnlyAdmin):
    list_display = ["key", "short", "entity", "project"]
    list_select_related = ["entity", "project"]
    search_fields = ["=key", "entity__name"]


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "first_entity", "second_entity", "score", "project", "decided_by", "decided_at"]
    list_filter = ["kind", "state"]
    list_select_related = ["first_entity", "second_entity", "project", "decided_by"]
    search_fields = ["first_entity__name", "second_entity__name", "project__name", "=id"]


@admin.register(Merge)
class MergeAdmin(ReadOnlyAdmin):
    list_display = ["source", "target", "automatic", "by", "at", "undone_by", "undone_at"]
    list_filter = ["automatic"]
    list_select_related = ["source", "target", "by", "undone_by"]
    search_fields = ["source__name", "target__name", "project__name", "=id"]


@admin.register(Mention)
class MentionAdmin(ReadOnlyAdmin):
    list_display = ["text", "kind", "entity", "memory", "start", "end", "extractor"]
    list_filter = ["kind", "extractor"]
    list_select_related = ["entity", "memory"]
    search_fields = ["text", "entity__name", "=memory__id"]
    heavy = TEXTS_OF_MEMORY


@admin.register(Fact)
class FactAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "subject", "predicate", "object", "value", "valid_at", "invalid_at", "expired_at"]
    list_filter = ["polarity", "extractor", "valid_precision"]
    list_select_related = ["subject", "object"]
    search_fields = ["sentence", "predicate", "subject__name", "object__name", "=id"]
    date_hierarchy = "created_at"
    inlines = [SupportInline]


@admin.register(FactSupport)
class FactSupportAdmin(ReadOnlyAdmin):
    list_display = ["fact", "memory", "start", "end", "extractor"]
    list_select_related = ["fact", "memory"]
    search_fields = ["fact__sentence", "=memory__id"]
    heavy = TEXTS_OF_MEMORY


@admin.register(FactBelief)
class FactBeliefAdmin(ReadOnlyAdmin):
    list_display = ["fact", "valid_at", "invalid_at", "known_from", "known_until"]
    list_select_related = ["fact"]
    search_fields = ["=fact__id"]


@admin.register(FactDecision)
class FactDecisionAdmin(ReadOnlyAdmin):
    list_display = ["fact", "kind", "at", "made_at", "made_by"]
    list_filter = ["kind"]
    list_select_related = ["fact", "made_by"]
    search_fields = ["=fact__id", "made_by__username"]


@admin.register(Community)
class CommunityAdmin(ReadOnlyAdmin):
    list_display = ["name", "project", "generation", "member_count", "parent", "rebuilt_at"]
    list_select_related = ["project", "parent"]
    search_fields = ["name", "project__name", "=id"]


@admin.register(CommunityMembership)
class CommunityMembershipAdmin(ReadOnlyAdmin):
    list_display = ["entity", "community", "generation"]
    list_select_related = ["entity", "community"]
    search_fields = ["entity__name", "community__name"]
