"""Every read of a project's types, for pages and API alike: with how often each is used."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import Count, F, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from memories.models import Entity, EntityType, Fact, Project, RelationType, TypeWords
from memories.queries import Scope, within

T = TypeVar("T", EntityType, RelationType)


def entity_types(scope: Scope, *, origin: str = "", state: str = "") -> QuerySet[EntityType]:
    """Newest first, annotated with `used`, the entities of the type, and `word_count`; the words are not read."""
    rows = _chosen(EntityType.objects.filter(within(scope)), origin, state)
    entities = Entity.objects.filter(project=OuterRef("project"), type=OuterRef("name"))
    return rows.annotate(used=_number(entities, "type"), word_count=Coalesce(F("word_list__count"), 0)).order_by("-id")


def relation_types(scope: Scope, *, origin: str = "", state: str = "") -> QuerySet[RelationType]:
    """Newest first, annotated with `used`, the facts of the relation, and `example`, a sentence that says it."""
    rows = _chosen(RelationType.objects.filter(within(scope)), origin, state)
    facts = Fact.objects.filter(project=OuterRef("project"), predicate=OuterRef("name"))
    best = facts.order_by("-confidence", "id")
    return rows.annotate(used=_number(facts, "predicate"), example=Subquery(best.values("sentence")[:1])).order_by(
        "-id"
    )


def _chosen(rows: QuerySet[T], origin: str, state: str) -> QuerySet[T]:
    if origin:
        rows = rows.filter(origin=origin)
    return rows.filter(state=state) if state else rows


def _number(rows: QuerySet[Any], column: str) -> Coalesce:
    counted = rows.order_by().values(column).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())


def words(row: EntityType) -> list[str]:
    """The names that the type lists."""
    text = TypeWords.objects.filter(entity_type=row).values_list("names", flat=True).first()
    return text.split("\n") if text else []


def type_names(project: Project) -> list[str]:
    """The entity types that relations may be limited to."""
    return list(EntityType.objects.filter(project=project).order_by("name").values_list("name", flat=True))


def most_used(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Types with their numbers, that which is used most first."""
    return rows.order_by("-used", "name")
