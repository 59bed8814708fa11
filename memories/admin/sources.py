"""Imports and feeds."""

from __future__ import annotations

from django.contrib import admin

from memories.admin.base import TEXTS_OF_MEMORY, ReadOnlyAdmin
from memories.models import Feed, FeedEntry, Import, ImportPart, RejectedLine


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


@admin.register(Feed)
class FeedAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "project", "every", "paused", "next_at", "fetched_at", "failures"]
    list_filter = ["paused"]
    list_select_related = ["project"]
    search_fields = ["title", "url", "project__name", "=id"]


@admin.register(FeedEntry)
class FeedEntryAdmin(ReadOnlyAdmin):
    list_display = ["key", "feed", "memory", "seen_at"]
    list_select_related = ["feed", "memory"]
    search_fields = ["=key", "feed__title", "feed__url"]
    heavy = TEXTS_OF_MEMORY
