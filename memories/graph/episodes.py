"""Saves what one memory says: passages batch by batch, everything else in the transaction that publishes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar
from uuid import UUID

from django.db import transaction
from uuid6 import uuid7

from memories.engine import embedding, ranking
from memories.engine.resolution.identity import digest
from memories.engine.types import Passage as PassageValue
from memories.engine.types import Reading, Resolution, ResolvedEntity
from memories.graph import bulk, joining, naming, placing, proposals, schema, statements, upkeep, versions
from memories.graph.statements import Stated
from memories.models import (
    Entity,
    Memory,
    Mention,
    Passage,
    SearchDocument,
)

T = TypeVar("T")
BATCH = 500


@dataclass(frozen=True)
class Episode:
    """One memory's readings, resolved against the graph at `graph_version`."""

    memory: Memory
    generation: int
    readings: Collection[Reading]
    resolution: Resolution
    graph_version: int
    extractor: str


# --- passages, which nobody reads before they are published


@dataclass(frozen=True)
class NewPassages:
    """A batch that is ready to be inserted."""

    rows: Sequence[Passage]
    documents: Sequence[SearchDocument]


def embedded_passages(
    memory: Memory, title: str, generation: int, passages: Sequence[PassageValue], previous: PassageValue | None
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
            text=ranking.search_text(passage, last, title),
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
        page=passage.page,
        seconds=passage.seconds,
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


@dataclass(frozen=True)
class Prepared:
    """The rows of an episode as they are to be inserted; they fit the graph while it is at the episode's version."""

    episode: Episode
    entities: Sequence[Entity]
    new: naming.New
    mentions: bulk.Waiting
    stated: Stated


def prepare(episode: Episode) -> Prepared:
    """Works out all that can be known before the transaction, in which nobody else writes. It takes its time.

    Memory.DoesNotExist when the memory was deleted.
    """
    rows = Passage.objects.filter(memory=episode.memory, generation=episode.generation)
    passages = dict(rows.order_by().values_list("position", "pk"))
    if len(passages) != len(episode.readings):
        raise Memory.DoesNotExist
    entities, said = _entities(episode)
    mentions = _mentions(episode, entities, passages, said)
    new = naming.New(said)  # facts are found by the names that it gives
    return Prepared(episode, entities, new, mentions, statements.prepare(episode, entities, passages))


def publish(prepared: Prepared) -> None:
    """Writes the episode into the graph and its communities, in the caller's transaction.

    What the memory said before and does not say now goes. StaleGraph when the graph is not as it was resolved against,
    Memory.DoesNotExist when the memory was deleted, or a later attempt has published it.
    """
    episode, memory = prepared.episode, prepared.episode.memory
    versions.bump(memory.project, episode.graph_version)
    if not Memory.objects.filter(pk=memory.pk, generation__lt=episode.generation).update(generation=episode.generation):
        raise Memory.DoesNotExist
    said = schema.predicates_of(memory)
    prepared.new.write()
    proposals.recognise(memory.project, prepared.new.entities)
    prepared.mentions.insert()
    prepared.stated.write()
    outdated = Passage.objects.filter(memory=memory, generation__lt=episode.generation)
    outdated_passages = outdated.exists()
    touched, facts = upkeep.remove_passages(outdated)
    touched |= {entity.pk for entity in prepared.entities}
    named = {entity.pk for entity in prepared.new.entities}
    joined = joining.settle(memory.project, touched, facts=facts | prepared.stated.facts, named=named)
    schema.propose(memory.project_id, said | schema.predicates_of(memory))
    placing.place(memory.project, joined.shown, joined.left)
    if outdated_passages:
        placing.forget(memory)


def _entities(episode: Episode) -> tuple[list[Entity], dict[Entity, naming.Said]]:
    """The entities of the resolution in its order, as they are read and not as they are shown, and those that are new,
    of whom nothing is said yet.

    Somebody else of a name that is there is a second bearer of it, until all that is said has been compared.
    """
    there = naming.index_key(episode.memory.project, (entity.key for entity in episode.resolution.entities))
    new: dict[Entity, naming.Said] = {}
    rows = []
    for entity in episode.resolution.entities:
        bearer = 1 if entity.other else 0
        row = next((row for row in there[entity.key] if row.bearer == bearer), None)
        if row is None:
            row = _entity_row(episode, entity, bearer)
            there[entity.key].append(row)
            new[row] = naming.Said()
        rows.append(row)
    return rows, new


def _entity_row(episode: Episode, entity: ResolvedEntity, bearer: int) -> Entity:
    return Entity(
        project_id=episode.memory.project_id,
        name=entity.name[:500],
        type=entity.type,
        key=entity.key,
        bearer=bearer,
        identity=digest(entity.key, bearer),
        extractor=episode.extractor,
    )


def _mentions(
    episode: Episode, entities: Sequence[Entity], passages: dict[int, UUID], said: Mapping[Entity, naming.Said]
) -> bulk.Waiting:
    """The rows of the mentions; what they call the new entities is added to what is said of these."""
    places = iter(zip(episode.resolution.entity_of, episode.resolution.called, strict=True))
    columns = (
        "id", "entity_id", "read_as_id", "name", "other", "passage_id", "memory_id", "text", "kind", "type", "start",
        "end", "extractor",
    )  # fmt: skip
    rows = bulk.Waiting(Mention, columns)
    for reading in episode.readings:
        for mention, (place, name) in zip(reading.mentions, places, strict=False):
            if entities[place] in said:
                said[entities[place]].add(name[:500] or mention.text, mention.kind, mention.type)
            rows.add(
                (
                    uuid7(),
                    entities[place].shown_id,
                    entities[place].pk,
                    name[:500],
                    episode.resolution.entities[place].other,
                    passages[reading.passage.position],
                    episode.memory.pk,
                    mention.text,
                    mention.kind,
                    mention.type,
                    mention.start,
                    mention.end,
                    reading.extractor or episode.extractor,
                )
            )
    return rows


def _chunks(items: Sequence[T]) -> Iterable[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, BATCH)):
        yield chunk
