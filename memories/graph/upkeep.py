"""What must stay true of entities and facts after any change: counters, and no row without a reason."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from memories.graph import bulk
from memories.models import (
    Entity,
    EntityAlias,
    Erasure,
    Fact,
    FactSupport,
    Mention,
    Passage,
    SearchDocument,
)


def remove_passages(passages: QuerySet[Passage]) -> tuple[set[UUID], set[UUID]]:
    """Deletes passages with their mentions and support; returns the entities that these were read as, and the facts.

    The facts are still there: `memories.graph.time` says what becomes of them.
    """
    ids = list(passages.values_list("pk", flat=True))
    said = FactSupport.objects.filter(passage__in=ids)
    touched = set(Mention.objects.filter(passage__in=ids).values_list("read_as_id", flat=True))
    touched |= {id for ends in said.values_list("read_subject_id", "read_object_id") for id in ends}
    fact_ids = set(said.values_list("fact_id", flat=True))
    Passage.objects.filter(pk__in=ids).delete()
    hidden = Fact.every.filter(pk__in=fact_ids, subject=F("object"))
    hidden.filter(~Exists(FactSupport.objects.filter(fact=OuterRef("pk")))).delete()
    if ids:
        note_erasure()
    return {id for id in touched if id}, fact_ids


def note_erasure() -> None:
    """Leaves word, in the transaction of a deletion, that SQLite's files are to be swept (`search.sweeping`)."""
    if connection.vendor == "sqlite":
        Erasure.objects.create()


def recount(entity_ids: Collection[UUID]) -> None:
    """Brings the counters of the entities up to their mentions and facts."""
    mentions = Mention.objects.filter(entity=OuterRef("pk")).order_by().values("entity")
    facts = Fact.objects.filter(Q(subject=OuterRef("pk")) | Q(object=OuterRef("pk")), expired_at=None).order_by()
    when = Coalesce("passage__at", "memory__reference_time")
    Entity.objects.filter(pk__in=entity_ids).update(
        mention_count=Coalesce(Subquery(mentions.annotate(n=Count("pk")).values("n")), 0),
        fact_count=Coalesce(Subquery(facts.values("project").annotate(n=Count("pk")).values("n")), 0),
        first_seen_at=Subquery(mentions.annotate(t=Min(when)).values("t")),
        last_seen_at=Subquery(mentions.annotate(t=Max(when)).values("t")),
    )


def index_entities(entities: Collection[Entity]) -> None:
    """Writes what search looks up of the entities: their names."""
    SearchDocument.objects.filter(entity__in=[entity.pk for entity in entities]).delete()
    names: dict[UUID, list[str]] = {entity.pk: [entity.name] for entity in entities}
    for entity_id, name in EntityAlias.objects.filter(entity__in=names).order_by().values_list("entity_id", "name"):
        if name not in names[entity_id]:
            names[entity_id].append(name)
    bulk.insert(
        SearchDocument,
        ("project_id", "kind", "entity_id", "text"),
        (
            (one.project_id, "entity", one.pk, " · ".join([one.name, *sorted(names[one.pk][1:]), one.type]))
            for one in entities
        ),
    )
