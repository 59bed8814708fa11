"""Makes the memories of an import, those among them that are addresses with the document they will be."""

from __future__ import annotations

from collections.abc import Sequence

from memories import intake
from memories.fetching.addresses import key_of
from memories.models import Memory, Project, SavedDocument, SourceKey
from memories.validation import NewMemory


def insert_many(project: Project, items: Sequence[NewMemory], user_id: int | None) -> list[Memory]:
    """Inserts them in the caller's transaction. An address that was saved since the import was read is left out."""
    keys = {number: key_of(new.source_url) for number, new in enumerate(items) if is_address(new)}
    known = set(SourceKey.objects.filter(project=project, key__in=keys.values()).values_list("key", flat=True))
    chosen = [number for number in range(len(items)) if keys.get(number) not in known]
    memories = intake.insert_many(project, [items[number] for number in chosen], user_id)
    pairs = [(memory, keys[number]) for memory, number in zip(memories, chosen, strict=True) if number in keys]
    documents = SavedDocument.objects.bulk_create([_document(memory) for memory, _ in pairs])
    SourceKey.objects.bulk_create(
        SourceKey(project=project, document=row, key=key) for row, (_, key) in zip(documents, pairs, strict=True)
    )
    return memories


def is_address(new: NewMemory) -> bool:
    return bool(new.source_url) and not new.content and not new.messages


def _document(memory: Memory) -> SavedDocument:
    return SavedDocument(
        memory=memory,
        origin=SavedDocument.Origin.ADDRESS,
        title=memory.title,
        reference_time=memory.reference_time,
        url=memory.source_url,
    )
