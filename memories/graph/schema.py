"""The schema as the pipeline meets it: what it reads memories with, and what it proposes.

A relation type is proposed when facts have its name and nobody has made one: which are proposed depends on the facts
that there are, and not on the order in which they came.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from memories.engine.extraction.predicates import slug
from memories.engine.types import RelationRule, Schema, TypeRule, WordList
from memories.graph import placing, time, upkeep, versions
from memories.models import Entity, EntityType, Fact, Memory, Project, RelationType, SchemaType

PROPOSED_FROM = 0.5  # confidence: weaker facts have names that were put together from the words around
State = SchemaType.State


def load(project: Project) -> Schema:
    """The project's types. Names of other memories, and types nobody has accepted, are no part of it: what a memory
    says does not depend on when it is read."""
    types = list(EntityType.objects.filter(project=project).select_related("word_list").order_by("name"))
    relations = list(RelationType.objects.filter(project=project).exclude(state=State.PROPOSED).order_by("name"))
    read = [row for row in relations if row.is_read]
    return Schema(
        entity_types=frozenset(row.name for row in types if row.is_read and row.state == State.ACCEPTED),
        relation_types={row.name: _relation_rule(row) for row in read},
        type_rules=tuple(_type_rule(row) for row in types if row.is_read and _is_looked_for(row)),
        disabled_types=frozenset(row.name for row in types if not row.is_read),
        disabled_relations=frozenset(row.name for row in relations if not row.is_read),
        phrases=_phrases(read),
    )


def _relation_rule(row: RelationType) -> RelationRule:
    return RelationRule(
        row.name,
        functional=row.functional,
        symmetric=row.symmetric,
        subject_types=frozenset(row.subject_types.split()),
        object_types=frozenset(row.object_types.split()),
    )


def _is_looked_for(row: EntityType) -> bool:
    return bool(row.pattern) or hasattr(row, "word_list")


def _type_rule(row: EntityType) -> TypeRule:
    words = row.word_list if hasattr(row, "word_list") else None
    known = WordList(words.digest, tuple(words.names.split("\n"))) if words else None
    return TypeRule(row.name, row.pattern, known, noun_phrases=row.noun_phrases)


def _phrases(relations: Iterable[RelationType]) -> dict[str, str]:
    """The words of each relation, and the names of those that are the project's own."""
    found: dict[str, str] = {}
    for row in relations:
        own = [] if row.origin == SchemaType.Origin.BUILT_IN else [row.name]
        for phrase in (*row.phrases.split("\n"), *own):
            if phrase.strip():
                found.setdefault(slug(*phrase.split()), row.name)
    return found


def predicates_of(memory: Memory) -> set[str]:
    """The names of the relations that the memory's facts have."""
    return set(Fact.objects.filter(support__memory=memory).values_list("predicate", flat=True).distinct())


def propose(project_id: UUID, predicates: Iterable[str]) -> None:
    """Brings the proposals for relations of these names up to the facts, in the caller's transaction."""
    names = sorted(set(predicates))
    stated = set(_telling(project_id).filter(predicate__in=names).values_list("predicate", flat=True).distinct())
    RelationType.objects.bulk_create(
        [
            RelationType(project_id=project_id, name=name, origin=SchemaType.Origin.LEARNED, state=State.PROPOSED)
            for name in names
            if name in stated
        ],
        ignore_conflicts=True,
    )
    proposed = RelationType.objects.filter(project=project_id, state=State.PROPOSED, name__in=names)
    proposed.filter(~Exists(_telling(project_id).filter(predicate=OuterRef("name")))).delete()


def retime(project: Project, relation: str) -> None:
    """Derives the facts of a relation anew, when its subjects have one object at a time now, or several, or it
    holds in both directions now, or in one. In the caller's transaction."""
    versions.bump(project)
    settled = time.settle(project, predicates={relation})
    upkeep.recount(settled.entities)
    upkeep.index_entities(Entity.objects.filter(pk__in=settled.entities))
    placing.place(project, settled.entities)


def _telling(project_id: UUID) -> QuerySet[Fact]:
    return Fact.objects.filter(project=project_id, confidence__gte=PROPOSED_FROM).order_by()
