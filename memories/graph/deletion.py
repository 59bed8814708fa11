"""Deleting a memory takes only what nothing else supports, and says what it took."""

from __future__ import annotations

from django.db.models import Count, F, Q

from memories.graph import placing, schema, upkeep, versions
from memories.models import Entity, Fact, Memory, Mention, Passage


def preview(memory: Memory) -> dict[str, int]:
    """The receipt that `delete` would give now."""
    alone = Fact.objects.filter(support__memory=memory).annotate(
        others=Count("support", filter=~Q(support__memory=memory))
    )
    going = set(alone.filter(others=0).values_list("pk", flat=True))
    touched = Entity.objects.filter(Q(mentions__memory=memory) | Q(facts_as_subject__in=going)).distinct()
    kept = touched.filter(
        Q(mentions__in=Mention.objects.exclude(memory=memory))
        | Q(facts_as_subject__in=Fact.objects.exclude(pk__in=going))
        | Q(facts_as_object__in=Fact.objects.exclude(pk__in=going))
    )
    return _receipt(
        facts=len(going),
        entities=touched.count() - kept.distinct().count(),
        passages=_published(memory),
        mentions=Mention.objects.filter(memory=memory).count(),
    )


def delete(memory: Memory) -> dict[str, int]:
    """Deletes the memory and what only it supported, in the caller's transaction; returns the receipt."""
    versions.bump(memory.project)
    counted = _published(memory)
    mentions = Mention.objects.filter(memory=memory).count()
    facts = Fact.objects.filter(project=memory.project).count()
    said = schema.predicates_of(memory)
    touched = upkeep.remove_passages(Passage.objects.filter(memory=memory))
    schema.propose(memory.project_id, said)
    facts -= Fact.objects.filter(project=memory.project).count()
    upkeep.recount(touched)
    entities, left = upkeep.remove_orphans(touched)
    upkeep.prune_aliases(touched)
    upkeep.index_entities(Entity.objects.filter(pk__in=touched))
    placing.place(memory.project, touched, left)
    placing.forget(memory)
    memory.delete()
    return _receipt(facts=facts, entities=entities, passages=counted, mentions=mentions)


def _published(memory: Memory) -> int:
    return Passage.objects.filter(memory=memory, generation=F("memory__generation")).count()


def _receipt(*, facts: int, entities: int, passages: int, mentions: int) -> dict[str, int]:
    return {
        "facts_removed": facts,
        "facts_restored": 0,  # no memory invalidates another one's facts yet
        "entities_removed": entities,
        "passages_removed": passages,
        "mentions_removed": mentions,
    }
