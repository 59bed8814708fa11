"""What the admin's pages have in common: for looking, mostly. What the pipelines write is shown and not edited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

TEXTS_OF_MEMORY = ("memory__content", "memory__messages")


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


class ReadOnlyInline(admin.TabularInline):  # type: ignore[type-arg]
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
