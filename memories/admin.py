"""The admin of the domain: for looking, mostly. What the pipelines write is shown and not edited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from memories import queries, services
from memories.models import (
    ApiKey,
    Community,
    CommunityMembership,
    Entity,
    EntityAlias,
    EntityType,
    Erasure,
    Fact,
    FactBelief,
    FactDecision,
    FactSupport,
    IdempotencyKey,
    Import,
    ImportPart,
    Membership,
    Memory,
    MemoryTag,
    Mention,
    Passage,
    Project,
    RejectedLine,
    RelationType,
    SearchDocument,
    TypeWords,
)
from tasks_app.services import TooManyPending

EDITABLE = ["title", "metadata", "external_id", "source_url"]
SHOWN = [
    "project", "content_type", "content", "reference_time", "summary", "task", "generation", "created_by",
    "created_at", "updated_at",
]  # fmt: skip
TEXTS_OF_MEMORY = ("memory__content", "memory__messages")
admin.site.site_header = admin.site.site_title = "MemStack"
admin.site.index_title = "Administration"


class PlainAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Long tables: no count of all rows beside a search; `heavy` columns are read only for the row that shows them."""

    show_full_result_count = False
    list_per_page = 50
    heavy: ClassVar[Sequence[str]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer(*self.heavy)

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Of a row that is there, writes what the form has and not the rest: a worker may be writing that."""
        times = [column.name for column in obj._meta.fields if getattr(column, "auto_now", False)]
        obj.save(update_fields=[*form.cleaned_data, *times] if change else None)


class ReadOnlyAdmin(PlainAdmin):
    """Rows that the product alone writes: shown, never added, changed or deleted here."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0
    autocomplete_fields = ["user"]


class ReadOnlyInline(admin.TabularInline):  # type: ignore[type-arg]
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AliasInline(ReadOnlyInline):
    model = EntityAlias
    fields = ["name", "key"]


class SupportInline(ReadOnlyInline):
    model = FactSupport
    fields = ["memory", "start", "end", "extractor"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("memory").defer(*TEXTS_OF_MEMORY)


@admin.register(Project)
class ProjectAdmin(PlainAdmin):
    list_display = ["name", "id", "graph_version", "community_generation", "created_at"]
    search_fields = ["name", "description", "=id"]
    readonly_fields = ["id", "graph_version", "community_generation", "created_at", "updated_at"]
    inlines = [MembershipInline]

    def save_model(self, request: HttpRequest, obj: Project, form: Any, change: bool) -> None:
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


@admin.register(Memory)
class MemoryAdmin(PlainAdmin):
    """Content is changed on the pages or by the API, which read it again; deleting goes through the same service."""

    list_display = ["title", "project", "content_type", "state", "reference_time", "created_at"]
    list_filter = ["content_type", "task__status", "created_at"]
    list_select_related = ["project", "task"]
    search_fields = ["title", "=id", "=external_id", "project__name"]
    date_hierarchy = "created_at"
    fields = [*EDITABLE, *SHOWN]
    readonly_fields = SHOWN
    actions = ["read_again"]
    heavy = ("content", "messages", "task__traceback", "task__payload")

    @admin.display(description="state", ordering="task__status")
    def state(self, memory: Memory) -> str:
        return f"{memory.task.status}, {memory.task.progress} %" if memory.task else "completed"

    @admin.action(description="Read the selected memories again", permissions=["change"])
    def read_again(self, request: HttpRequest, rows: QuerySet[Memory]) -> None:
        asked = 0
        try:
            for memory in rows.select_related("project"):
                services.reprocess_memory(memory)
                asked += 1
        except TooManyPending as full:
            self.message_user(request, str(full), messages.ERROR)
        self.message_user(request, f"{asked} tasks were asked for.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """What goes is what the service says."""
        total: Counter[str] = Counter()
        for memory in objs:
            total.update(services.deletion_preview(memory))
        return [str(memory) for memory in objs], dict(total), set(), []

    def delete_model(self, request: HttpRequest, obj: Memory) -> None:
        services.delete_memory(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Memory]) -> None:
        for memory in queryset:
            services.delete_memory(memory)


@admin.register(MemoryTag)
class MemoryTagAdmin(PlainAdmin):
    list_display = ["name", "memory"]
    list_select_related = ["memory"]
    search_fields = ["name"]
    raw_id_fields = ["memory"]
    heavy = TEXTS_OF_MEMORY


@admin.register(Passage)
class PassageAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "memory", "generation", "position", "speaker"]
    list_select_related = ["memory"]
    search_fields = ["text", "=memory__id"]
    heavy = TEXTS_OF_MEMORY


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


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    list_display = ["id", "made_at"]


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


@admin.register(SearchDocument)
class SearchDocumentAdmin(ReadOnlyAdmin):
    list_display = ["id", "kind", "project", "words"]
    list_filter = ["kind"]
    list_select_related = ["project"]
    search_fields = ["=id"]
    fields = ["id", "project", "kind", "passage", "entity", "fact", "community", "text"]
    heavy = ["embedding"]

    @admin.display(description="words")
    def words(self, document: SearchDocument) -> str:
        return document.text[:80]


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin):
    list_display = ["name", "project", "accepted", "rejected", "task", "created_by", "created_at"]
    list_select_related = ["project", "task", "created_by"]
    search_fields = ["name", "project__name"]
    date_hierarchy = "created_at"


@admin.register(ImportPart)
class ImportPartAdmin(ReadOnlyAdmin):
    list_display = ["upload", "number", "count"]
    list_select_related = ["upload"]
    search_fields = ["upload__name"]
    heavy = ("items",)


@admin.register(RejectedLine)
class RejectedLineAdmin(ReadOnlyAdmin):
    list_display = ["upload", "line", "file", "error"]
    list_select_related = ["upload"]
    search_fields = ["upload__name"]
