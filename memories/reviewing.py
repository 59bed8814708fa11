"""Every read of reviews and merges, for pages and API alike; see `memories.queries` for what the functions return."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet

from memories.models import Entity, Fact, Merge, Project, Review
from memories.queries import Scope, with_support, within


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a review or a merge: `reasons` in words, the entities `shared` by both, and `quotes`."""

    reasons: list[str] = field(default_factory=list)
    shared: list[Entity] = field(default_factory=list)
    quotes: list[dict[str, Any]] = field(default_factory=list)


def reviews(scope: Scope, *, state: str = "", kind: str = "") -> QuerySet[Review]:
    """With both entities or facts; the surest first."""
    rows = Review.objects.filter(within(scope))
    if state:
        rows = rows.filter(state=state)
    if kind:
        rows = rows.filter(kind=kind)
    facts = with_support(Fact.every.all())
    rows = rows.prefetch_related(Prefetch("first_fact", queryset=facts), Prefetch("second_fact", queryset=facts))
    return rows.select_related("project", "first_entity", "second_entity", "decided_by").order_by("-score", "-id")


def open_reviews(project: Project) -> int:
    return Review.objects.filter(project=project, state=Review.State.OPEN).count()


def merges(scope: Scope, *, entity: UUID | None = None, undone: bool | None = None) -> QuerySet[Merge]:
    """Newest first, with both entities; `entity` is one of them, or what they are shown as."""
    rows = Merge.objects.filter(within(scope))
    if entity is not None:
        rows = rows.filter(_of(entity))
    if undone is not None:
        rows = rows.filter(undone_at__isnull=not undone)
    return rows.select_related("project", "source", "target", "by", "undone_by").order_by("-id")


def _of(entity: UUID) -> Q:
    ends = Q(source=entity) | Q(target=entity)
    return ends | Q(source__merged_into=entity) | Q(target__merged_into=entity)


def with_evidence(rows: Iterable[Review | Merge]) -> dict[UUID, Evidence]:
    """The evidence of each row, with the entities that its two are both connected with, in one query."""
    rows = list(rows)
    ids = {UUID(id) for row in rows for id in row.evidence.get("shared", ())}
    there = Entity.every.filter(pk__in=ids).select_related("merged_into").in_bulk() if ids else {}
    return {row.pk: _evidence(row, there) for row in rows}


def _evidence(row: Review | Merge, there: dict[UUID, Entity]) -> Evidence:
    found = [there[UUID(id)] for id in row.evidence.get("shared", ()) if UUID(id) in there]
    shown = {entity.shown_id: entity.merged_into or entity for entity in found}
    shared = sorted(shown.values(), key=lambda entity: entity.name)
    reasons = list(row.evidence.get("reasons", ()))
    if shared:
        reasons.append(f"Both are connected with {listed([entity.name for entity in shared])}.")
    return Evidence(reasons, shared, list(row.evidence.get("quotes", ())))


def listed(names: list[str]) -> str:
    """ "Acme, Berlin and 2 more"."""
    shown, more = names[:3], len(names) - 3
    if more > 0:
        shown = [*shown, f"{more} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
