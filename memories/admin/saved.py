"""Memories and what is kept of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from memories import services
from memories.admin.base import TEXTS_OF_MEMORY, PlainAdmin, ReadOnlyAdmin
from memories.models import Erasure, Memory, MemoryTag, Passage, SavedDocument, SearchDocument, SourceKey
from tasks_app.services import TooManyPending

EDITABLE = ["title", "metadata", "external_id", "source_url"]
SHOWN = [
    "project", "content_type", "content", "reference_time", "summary", "task", "generation", "created_by",
    "created_at", "updated_at",
]  # fmt: skip


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


@admin.register(SavedDocument)
class SavedDocumentAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "memory", "origin", "media_type", "size", "fetched_at"]
    list_filter = ["origin", "media_type"]
    list_select_related = ["memory"]
    search_fields = ["url", "file_name", "site", "=memory__id"]
    heavy = ("blocks", "sections", *TEXTS_OF_MEMORY)


@admin.register(SourceKey)
class SourceKeyAdmin(ReadOnlyAdmin):
    list_display = ["key", "project", "document"]
    list_select_related = ["project", "document"]
    search_fields = ["=key", "document__url"]
    heavy = ("document__blocks", "document__sections")


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


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    list_display = ["id", "made_at"]
