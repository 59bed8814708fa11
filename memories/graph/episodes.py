"""Saves what one memory says: passages batch by batch, everything else in the transaction that publishes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from memories.engine import embedding, ranking
from memories.engine.resolution import fold
from memories.engine.types import KnownEntity, Reading, Resolution
from memories.engine.types import Passage as PassageValue
from memories.graph import placing, schema, statements, time, upkeep, versions
from memories.graph.documents import index_facts
from memories.models import (
    Entity,
    EntityAlias,
    Memory,
    Mention,
    Passage,
    Project,
    SearchDocument,
)

T = TypeVar("T")
BATCH = 500


@dataclass(frozen=True)
class Episode:
    """One memory's readings, resolved against the graph at `graph_version`."""

    memory: Memory
    generation: int
    readings: Sequence[Reading]
    resolution: Resolution
    graph_version: int
    extractor: str


# --- reading what the resolution needs


def known_entities(project: Project, keys: Iterable[str]) -> list[KnownEntity]:
    """The entities that go by one of the folded names, oldest first."""
    found: set[UUID] = set()
    for chunk in _chunks(sorted(set(keys))):
        rows = EntityAlias.objects.filter(project=project, key__in=chunk)
        found |= set(rows.values_list("entity_id", flat=True))
    aliases: dict[UUID, set[str]] = defaultdict(set)
    for entity_id, name in EntityAlias.objects.filter(entity__in=found).values_list("entity_id", "name"):
        aliases[entity_id].add(name)
    return [
        KnownEntity(id=entity.pk, name=entity.name, type=entity.type, aliases=frozenset(aliases[entity.pk]))
        for entity in Entity.objects.filter(pk__in=found).order_by("id")
    ]


# --- passages, which nobody reads before they are published


@dataclass(frozen=True)
class NewPassages:
    """A batch that is ready to be inserted."""

    rows: Sequence[Passage]
    documents: Sequence[SearchDocument]


def embedded_passages(
    memory: Memory, generation: int, passages: Sequence[PassageValue], previous: PassageValue | None
) -> NewPassages:
    """A batch with its vectors and search words; `previous` is the passage before the first. Takes its time, so it
    has no place in a transaction."""
    vectors = embedding.embed([ranking.embedding_text(passage) for passage in passages])
    rows = [_passage_row(memory, generation, passage) for passage in passages]
    before = [previous, *passages]
    documents = [
        SearchDocument(
            project_id=memory.project_id,
            kind="passage",
            passage=row,
            text=ranking.search_text(passage, last, memory.title),
            embedding=embedding.to_bytes(vector),
        )
        for row, passage, last, vector in zip(rows, passages, before, vectors, strict=False)
    ]
    return NewPassages(rows, documents)


def write_passages(new: NewPassages) -> None:
    with transaction.atomic():
        Passage.objects.bulk_create(new.rows)
        SearchDocument.objects.bulk_create(new.documents)


def _passage_row(memory: Memory, generation: int, passage: PassageValue) -> Passage:
    return Passage(
        memory=memory,
        generation=generation,
        position=passage.position,
        message_id=passage.message_id or "",
        speaker=passage.speaker or "",
        at=passage.at,
        text=passage.text,
        start=passage.start,
        end=passage.end,
    )


def retitle(memory: Memory) -> None:
    """Brings the words that the published passages are found by up to the memory's title, batch by batch."""
    rows = list(Passage.objects.filter(memory=memory, generation=memory.generation).order_by("position"))
    values = [_value(row) for row in rows]
    here = SearchDocument.objects.filter(passage__memory=memory).defer("embedding")
    documents = {row.passage_id: row for row in here}
    changed = []
    for row, value, before in zip(rows, values, [None, *values], strict=False):
        text = ranking.search_text(value, before, memory.title)
        document = documents.get(row.pk)
        if document is not None and document.text != text:
            document.text = text
            changed.append(document)
    for batch in _chunks(changed):
        SearchDocument.objects.bulk_update(batch, ["text"])


def _value(row: Passage) -> PassageValue:
    message, speaker = row.message_id or None, row.speaker or None
    return PassageValue(row.position, row.start, row.end, row.text, message, speaker, row.at)


def remove_unpublished(memory: Memory, generation: int) -> None:
    """Deletes passages that attempts before `generation` left behind."""
    Passage.objects.filter(memory=memory, generation__lt=generation).exclude(generation=memory.generation).delete()


# --- publishing


def publish(episode: Episode) -> None:
    """Writes the episode into the graph and its communities, in the caller's transaction.

    What the memory said before and does not say now goes. StaleGraph when the graph is not as it was resolved against,
    Memory.DoesNotExist when the memory was deleted, or a later attempt has published it.
    """
    memory = episode.memory
    versions.bump(memory.project, episode.graph_version)
    if not Memory.objects.filter(pk=memory.pk, generation__lt=episode.generation).update(generation=episode.generation):
        raise Memory.DoesNotExist
    said = schema.predicates_of(memory)
    entities = _write_entities(episode)
    passages = dict(Passage.objects.filter(memory=memory, generation=episode.generation).values_list("position", "pk"))
    _write_mentions(episode, entities, passages)
    stated = statements.write(episode, entities, passages)
    outdated = Passage.objects.filter(memory=memory, generation__lt=episode.generation)
    outdated_passages = outdated.exists()
    touched, facts = upkeep.remove_passages(outdated)
    settled = time.settle(memory.project, facts | stated)
    touched |= set(entities) | settled.entities
    index_facts(memory.project, stated)
    schema.propose(memory.project_id, said | schema.predicates_of(memory))
    upkeep.recount(touched)
    _, left = upkeep.remove_orphans(touched)
    upkeep.prune_aliases(touched)
    upkeep.index_entities(Entity.objects.filter(pk__in=touched))
    placing.place(memory.project, touched, left)
    if outdated_passages:
        placing.forget(memory)


def _write_entities(episode: Episode) -> list[UUID]:
    """Inserts the new entities and all new names; returns the ids in the order of the resolution."""
    project_id = episode.memory.project_id
    rows = [
        Entity(project_id=project_id, name=entity.name, type=entity.type, extractor=episode.extractor)
        if entity.id is None
        else Entity(pk=entity.id)
        for entity in episode.resolution.entities
    ]
    Entity.objects.bulk_create([row for row in rows if row.project_id], batch_size=BATCH)
    EntityAlias.objects.bulk_create(
        [
            EntityAlias(project_id=project_id, entity_id=row.pk, name=name, key=fold(name))
            for row, entity in zip(rows, episode.resolution.entities, strict=True)
            for name in sorted({entity.name, *entity.aliases})
        ],
        ignore_conflicts=True,
        batch_size=BATCH,
    )
    return [row.pk for row in rows]


def _write_mentions(episode: Episode, entities: Sequence[UUID], passages: dict[int, UUID]) -> None:
    place = iter(episode.resolution.entity_of)
    Mention.objects.bulk_create(
        [
            Mention(
                entity_id=entities[next(place)],
                passage_id=passages[reading.passage.position],
                memory=episode.memory,
                text=mention.text,
                kind=mention.kind,
                type=mention.type,
                start=mention.start,
                end=mention.end,
                extractor=episode.extractor,
            )
            for reading in episode.readings
            for mention in reading.mentions
        ],
        batch_size=BATCH,
    )


def _chunks(items: Sequence[T]) -> Iterable[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, BATCH)):
        yield chunk
