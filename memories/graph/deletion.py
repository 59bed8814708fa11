"""Deleting a memory takes only what nothing else supports, and says what it took."""

from __future__ import annotations

from django.db.models import Exists, F, OuterRef

from memories.graph import placing, schema, time, upkeep, versions
from memories.models import Entity, Fact, FactSupport, Memory, Mention, Passage


def preview(memory: Memory) -> dict[str, int]:
    """The receipt that `delete` would give now."""
    said = set(FactSupport.objects.filter(memory=memory).values_list("fact_id", flat=True))
    foreseen = time.foresee(memory, said)
    about = Fact.objects.filter(pk__in=said).values_list("subject_id", "object_id")
    touched = {end for ends in about for end in ends if end is not None}
    touched |= set(Mention.objects.filter(memory=memory).values_list("entity_id", flat=True))
    kept = Entity.objects.filter(pk__in=touched).filter(
        Exists(Mention.objects.filter(entity=OuterRef("pk")).exclude(memory=memory))
        | Exists(Fact.objects.filter(expired_at=None, subject=OuterRef("pk")).exclude(pk__in=foreseen.removed))
        | Exists(Fact.objects.filter(expired_at=None, object=OuterRef("pk")).exclude(pk__in=foreseen.removed))
    )
    return _receipt(
        foreseen,
        entities=len(touched) - kept.count(),
        passages=_published(memory),
        mentions=Mention.objects.filter(memory=memory).count(),
    )


def delete(memory: Memory) -> dict[str, int]:
    """Deletes the memory and what only it supported, in the caller's transaction; returns the receipt."""
    versions.bump(memory.project)
    counted = _published(memory)
    mentions = Mention.objects.filter(memory=memory).count()
    said = schema.predicates_of(memory)
    touched, facts = upkeep.remove_passages(Passage.objects.filter(memory=memory))
    settled = time.settle(memory.project, facts)
    touched |= settled.entities
    schema.propose(memory.project_id, said)
    upkeep.recount(touched)
    entities, left = upkeep.remove_orphans(touched)
    upkeep.prune_aliases(touched)
    upkeep.index_entities(Entity.objects.filter(pk__in=touched))
    placing.place(memory.project, touched, left)
    placing.forget(memory)
    memory.delete()
    return _receipt(settled, entities=entities, passages=counted, mentions=mentions)


def _published(memory: Memory) -> int:
    return Passage.objects.filter(memory=memory, generation=F("memory__generation")).count()


def _receipt(settled: time.Settled, *, entities: int, passages: int, mentions: int) -> dict[str, int]:
    return {
        "facts_removed": len(settled.removed),
        "facts_restored": len(settled.restored),
        "entities_removed": entities,
        "passages_removed": passages,
        "mentions_removed": mentions,
    }
