"""Lists of tasks: filters that combine, and pages that do not shift while rows come and go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from memories.models import Project
from tasks_app.models import TaskLog

HEAVY = ("payload", "traceback", "memory__content", "memory__messages")  # megabytes, and no list shows them
SEARCHED = 20_000  # no index finds words in the middle of a text, so what a search reads has to end somewhere
Scope = Project | QuerySet[Project] | None


def within(scope: Scope) -> Q:
    """The tasks of a project, of several, or (None) of all."""
    if scope is None:
        return Q()
    return Q(project=scope) if isinstance(scope, Project) else Q(project__in=scope)


def tasks(
    scope: Scope,
    *,
    status: str = "",
    kind: str = "",
    q: str = "",
    parent: TaskLog | UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[TaskLog]:
    """Newest first, project and memory joined; a scope of None is every project.

    `q` looks in words, errors and titles of the newest SEARCHED tasks that fit the other filters, or is the id of a
    task, of its memory or its parent; `since` and `until` say when the task was asked for.
    """
    exact = {"status": status, "kind": kind, "parent": parent, "created_at__gte": since, "created_at__lte": until}
    rows = TaskLog.objects.filter(within(scope), **{name: value for name, value in exact.items() if value})
    if (identifier := uuid_or_none(q)) is not None:
        rows = rows.filter(Q(pk=identifier) | Q(memory=identifier) | Q(parent=identifier))
    elif q:
        said = Q(message__icontains=q) | Q(error__icontains=q) | Q(memory__title__icontains=q)
        floor = search_floor(rows)
        rows = rows.filter(said, **({} if floor is None else {"pk__gte": floor}))
    return rows.select_related("project", "memory").defer(*HEAVY).order_by("-id")


def search_floor(rows: QuerySet[TaskLog]) -> UUID | None:
    """The oldest task that words are looked for in; None when all of the rows are looked through."""
    return rows.order_by("-id").values_list("pk", flat=True)[SEARCHED - 1 : SEARCHED].first()


@dataclass(frozen=True, slots=True)
class CursorPage:
    """`newer` and `older` are the ids that the pages before and after this one go on from; None where there is none."""

    rows: list[TaskLog]
    newer: UUID | None
    older: UUID | None

    def __bool__(self) -> bool:
        return bool(self.rows)


def cursor_page(rows: QuerySet[TaskLog], size: int, *, before: str = "", after: str = "") -> CursorPage:
    """The newest `size` rows, those older than the id `before`, or those next newer than `after`.

    What is no id is taken for none.
    """
    if (place := uuid_or_none(after)) is not None:
        ids = _ids(rows.filter(pk__gt=place).order_by("id"), size + 1)
        shown = ids[:size][::-1]
        return _page(shown, newer=len(ids) > size, older=bool(shown))
    place = uuid_or_none(before)
    ids = _ids(rows.filter(pk__lt=place) if place else rows, size + 1)
    return _page(ids[:size], newer=place is not None, older=len(ids) > size)


def in_full(ids: Iterable[UUID]) -> list[TaskLog]:
    """The rows with what lists show, in the order of their ids."""
    wanted = list(ids)
    rows = TaskLog.objects.select_related("project", "memory").defer(*HEAVY)
    found = {row.pk: row for row in rows.filter(pk__in=wanted)} if wanted else {}
    return [found[pk] for pk in wanted if pk in found]


def count(rows: QuerySet[TaskLog]) -> int:
    return rows.order_by().count()


def _ids(rows: QuerySet[TaskLog], limit: int) -> list[UUID]:
    """The ids alone: they come out of an index, and only the rows that are shown are read."""
    return list(rows.values_list("pk", flat=True)[:limit])


def _page(ids: list[UUID], *, newer: bool, older: bool) -> CursorPage:
    return CursorPage(in_full(ids), ids[0] if newer and ids else None, ids[-1] if older and ids else None)


def uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
