"""What must stay true of entities and facts after any change: counters, and no row without a reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from memories.models import (
    CommunityMembership,
    Entity,
    EntityAlias,
    Erasure,
    Fact,
    Mention,
    Passage,
    SearchDocument,
)


def remove_passages(passages: QuerySet[Passage]) -> tuple[set[UUID], set[UUID]]:
    """Deletes passages with their mentions and support; returns the entities and the facts that lost some.

    The facts are still there: `memories.graph.time` says what becomes of them.
    """
    ids = list(passages.values_list("pk", flat=True))
    facts = Fact.objects.filter(support__passage__in=ids)
    touched = set(Mention.objects.filter(passage__in=ids).values_list("entity_id", flat=True))
    touched |= set(facts.values_list("subject_id", flat=True))
    touched |= set(facts.exclude(object=None).values_list("object_id", flat=True))
    fact_ids = set(facts.values_list("pk", flat=True))
    Passage.objects.filter(pk__in=ids).delete()
    if ids:
        note_erasure()
    return touched, fact_ids


def note_erasure() -> None:
    """Leaves word, in the transaction of a deletion, that SQLite's files are to be swept (`search.sweeping`)."""
    if connection.vendor == "sqlite":
        Erasure.objects.create()


def recount(entity_ids: Collection[UUID]) -> None:
    """Brings counters and types of the entities up to their mentions and facts."""
    mentions = Mention.objects.filter(entity=OuterRef("pk")).order_by().values("entity")
    facts = Fact.objects.filter(Q(subject=OuterRef("pk")) | Q(object=OuterRef("pk")), expired_at=None).order_by()
    when = Coalesce("passage__at", "memory__reference_time")
    Entity.objects.filter(pk__in=entity_ids).update(
        mention_count=Coalesce(Subquery(mentions.annotate(n=Count("pk")).values("n")), 0),
        fact_count=Coalesce(Subquery(facts.values("project").annotate(n=Count("pk")).values("n")), 0),
        first_seen_at=Subquery(mentions.annotate(t=Min(when)).values("t")),
        last_seen_at=Subquery(mentions.annotate(t=Max(when)).values("t")),
    )
    _retype(entity_ids)


def _retype(entity_ids: Collection[UUID]) -> None:
    """An entity's type is what most of its names were taken for, so it does not depend on the order of saving."""
    votes: dict[UUID, list[tuple[int, str]]] = defaultdict(list)
    names = Mention.objects.filter(entity__in=entity_ids, kind=Mention.Kind.NAME).order_by()
    for entity_id, type_name, count in names.values_list("entity_id", "type").annotate(n=Count("pk")):
        votes[entity_id].append((-count, type_name))
    changed = []
    for entity in Entity.objects.filter(pk__in=votes):
        elected = min(votes[entity.pk])[1]
        if elected != entity.type:
            entity.type = elected
            changed.append(entity)
    Entity.objects.bulk_update(changed, ["type"], batch_size=500)


def remove_orphans(entity_ids: Collection[UUID]) -> tuple[int, set[UUID]]:
    """Deletes those of the entities that nothing mentions and no fact is about.

    Returns how many, and the communities that lost a member; those a rebuild has not shown yet are its own affair.
    """
    orphans = list(Entity.objects.filter(pk__in=entity_ids, mention_count=0, fact_count=0).values_list("pk", flat=True))
    shown = CommunityMembership.objects.filter(generation=F("community__project__community_generation"))
    left = set(shown.filter(entity__in=orphans).values_list("community_id", flat=True))
    Entity.objects.filter(pk__in=orphans).delete()
    return len(orphans), left


def prune_aliases(entity_ids: Collection[UUID]) -> None:
    """Deletes aliases that no mention of the entity uses any more; an entity's own name stays."""
    used = Mention.objects.filter(entity=OuterRef("entity"), kind=Mention.Kind.NAME, text=OuterRef("name"))
    own = Entity.objects.filter(pk=OuterRef("entity"), name=OuterRef("name"))
    EntityAlias.objects.filter(~Exists(used), ~Exists(own), entity__in=entity_ids).delete()


def index_entities(entities: Collection[Entity]) -> None:
    """Writes what search looks up of the entities: their names."""
    SearchDocument.objects.filter(entity__in=[entity.pk for entity in entities]).delete()
    names: dict[UUID, list[str]] = {entity.pk: [entity.name] for entity in entities}
    for entity_id, name in EntityAlias.objects.filter(entity__in=names).values_list("entity_id", "name"):
        if name not in names[entity_id]:
            names[entity_id].append(name)
    SearchDocument.objects.bulk_create(
        [
            SearchDocument(
                project_id=entity.project_id,
                kind="entity",
                entity=entity,
                text=" · ".join([*names[entity.pk], entity.type]),
            )
            for entity in entities
        ],
        batch_size=500,
    )
