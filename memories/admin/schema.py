"""Types of entities and relations."""

from __future__ import annotations

from django.contrib import admin

from memories.admin.base import ReadOnlyAdmin
from memories.models import EntityType, RelationType, TypeWords


@admin.register(EntityType)
class EntityTypeAdmin(ReadOnlyAdmin):
    """Types are changed on the schema page or by the API, which check patterns, names and pairs."""

    list_display = ["name", "project", "origin", "state", "enabled", "created_at"]
    list_filter = ["origin", "state", "enabled"]
    list_select_related = ["project"]
    search_fields = ["name", "project__name"]


@admin.register(TypeWords)
class TypeWordsAdmin(ReadOnlyAdmin):
    list_display = ["entity_type", "count", "digest"]
    list_select_related = ["entity_type"]
    search_fields = ["entity_type__name", "=digest"]
    fields = ["entity_type", "count", "digest"]
    heavy = ("names",)


@admin.register(RelationType)
class RelationTypeAdmin(EntityTypeAdmin):
    list_display = ["name", "project", "functional", "origin", "state", "enabled", "created_at"]
    list_filter = ["origin", "state", "enabled", "functional"]
