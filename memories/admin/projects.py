"""Projects, their members, and keys."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from memories import queries, services
from memories.admin.base import PlainAdmin, ReadOnlyAdmin
from memories.models import ApiKey, IdempotencyKey, Membership, Project


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(Project)
class ProjectAdmin(PlainAdmin):
    list_display = ["name", "id", "graph_version", "community_generation", "created_at"]
    search_fields = ["name", "description", "=id"]
    readonly_fields = ["id", "graph_version", "community_generation", "created_at", "updated_at"]
    inlines = [MembershipInline]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            services.equip_project(obj)

    def delete_model(self, request: HttpRequest, obj: Project) -> None:
        services.delete_project(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Project]) -> None:
        for project in queryset:
            services.delete_project(project)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Counts of what goes with the projects; the rows themselves may be very many."""
        total: Counter[str] = Counter()
        for project in objs:
            stats = queries.project_stats(project)
            total.update({name: count for name, count in stats.items() if isinstance(count, int)})
        return [str(project) for project in objs], dict(total), set(), []


@admin.register(Membership)
class MembershipAdmin(PlainAdmin):
    list_display = ["user", "project", "role", "created_at"]
    list_filter = ["role"]
    list_select_related = ["user", "project"]
    search_fields = ["user__username", "project__name"]
    autocomplete_fields = ["user", "project"]


@admin.register(ApiKey)
class ApiKeyAdmin(PlainAdmin):
    """Keys are made on the settings page or with `create_api_key`, which show them once; here they are revoked."""

    list_display = ["name", "user", "prefix", "created_at", "last_used_at"]
    list_select_related = ["user"]
    search_fields = ["name", "prefix", "user__username"]
    readonly_fields = ["user", "prefix", "created_at", "last_used_at"]
    fields = ["name", *readonly_fields]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    """They go after 24 hours by themselves; with their user they must be deletable."""

    list_display = ["key", "user", "status", "created_at"]
    list_select_related = ["user"]
    search_fields = ["key", "user__username"]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)
