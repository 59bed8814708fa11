"""Deleting a memory takes only what nothing else supports, and says what it took."""

from __future__ import annotations

from django.db.models import Count, F, Q

from memories.graph import joining, placing, upkeep, versions
from memories.models import Entity, Fact, Memory, Mention, Passage


def preview(memory: Memory) -> dict[str, int]:
    """The receipt that `delete` would give now."""
    alone = Fact.objects.filter(support__memory=memory).annotate(
        others=Count("support", filter=~Q(support__memory=memory))
    )
    going = set(alone.filter(others=0).values_list("pk", flat=True))
    touched = Entity.every.filter(readings__memory=memory).distinct()
    kept = touched.filter(readings__in=Mention.objects.exclude(memory=memory))
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
    touched = upkeep.remove_passages(Passage.objects.filter(memory=memory))
    facts -= Fact.objects.filter(project=memory.project).count()
    joined = joining.settle(memory.project, touched)
    placing.place(memory.project, joined.shown, joined.left)
    placing.forget(memory)
    memory.delete()
    return _receipt(facts=facts, entities=joined.removed, passages=counted, mentions=mentions)


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
