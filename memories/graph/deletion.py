"""Deleting a memory takes only what nothing else supports, and says what it took."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from memories.graph import bearers, joining, placing, schema, time, upkeep, versions
from memories.models import Entity, FactSupport, Memory, Mention, Passage


def preview(memory: Memory) -> dict[str, int]:
    """The receipt that `delete` would give now; nothing is different afterwards."""
    support = FactSupport.objects.filter(memory=memory)
    ends = {id for pair in support.values_list("read_subject_id", "read_object_id") for id in pair if id}
    if bearers.doubtful(memory.project, ends | set(memory.mentions.values_list("read_as_id", flat=True))):
        return _tried(memory)
    foreseen = time.foresee(memory, set(support.values_list("fact_id", flat=True)))
    touched = Entity.every.filter(Exists(Mention.objects.filter(read_as=OuterRef("pk"), memory=memory)))
    kept = touched.filter(Exists(Mention.objects.filter(read_as=OuterRef("pk")).exclude(memory=memory)))
    return _receipt(
        foreseen,
        entities=touched.count() - kept.count(),
        passages=_published(memory),
        mentions=Mention.objects.filter(memory=memory).count(),
    )


def _tried(memory: Memory) -> dict[str, int]:
    """Who of several people of one name remains shows when it is decided anew, so it is, and then taken back."""
    with transaction.atomic():
        receipt = delete(Memory.objects.get(pk=memory.pk))
        transaction.set_rollback(True)
    return receipt


def delete(memory: Memory) -> dict[str, int]:
    """Deletes the memory and what only it supported, in the caller's transaction; returns the receipt."""
    versions.bump(memory.project)
    counted = _published(memory)
    mentions = Mention.objects.filter(memory=memory).count()
    said = schema.predicates_of(memory)
    touched, facts = upkeep.remove_passages(Passage.objects.filter(memory=memory))
    joined = joining.settle(memory.project, touched, facts=facts)
    schema.propose(memory.project_id, said)
    placing.place(memory.project, joined.shown, joined.left)
    placing.forget(memory)
    memory.delete()
    return _receipt(joined.time, entities=joined.removed, passages=counted, mentions=mentions)


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
