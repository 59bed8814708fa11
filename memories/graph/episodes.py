"""Saves what one memory says: passages batch by batch, everything else in the transaction that publishes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar
from uuid import UUID

from django.db import transaction
from uuid6 import uuid7

from memories.engine import embedding, ranking
from memories.engine.resolution import fold
from memories.engine.types import FactDraft, KnownEntity, Reading, RelationRule, Resolution, Schema
from memories.engine.types import Passage as PassageValue
from memories.graph import bulk, placing, upkeep, versions
from memories.models import (
    Entity,
    EntityAlias,
    EntityType,
    Fact,
    FactSupport,
    Memory,
    Mention,
    Passage,
    Project,
    RelationType,
    SchemaType,
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


# --- reading what the extraction needs


def load_schema(project: Project) -> Schema:
    """The project's types. Names of other memories are no part of it: what a memory says does not depend on when."""
    types = EntityType.objects.filter(project=project).values_list("name", flat=True)
    relations = RelationType.objects.filter(project=project).values_list("name", "functional")
    return Schema(
        entity_types=frozenset(types),
        relation_types={name: RelationRule(name=name, functional=functional) for name, functional in relations},
    )


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
    _learn_relations(episode)
    entities = _write_entities(episode)
    passages = dict(Passage.objects.filter(memory=memory, generation=episode.generation).values_list("position", "pk"))
    _write_mentions(episode, entities, passages)
    _write_facts(episode, entities, passages)
    outdated = Passage.objects.filter(memory=memory, generation__lt=episode.generation)
    outdated_passages = outdated.exists()
    touched = set(entities) | upkeep.remove_passages(outdated)
    upkeep.recount(touched)
    _, left = upkeep.remove_orphans(touched)
    upkeep.prune_aliases(touched)
    upkeep.index_entities(Entity.objects.filter(pk__in=touched))
    placing.place(memory.project, touched, left)
    if outdated_passages:
        placing.forget(memory)


def _learn_relations(episode: Episode) -> None:
    """Predicates that the project has not seen become relation types of its schema."""
    predicates = {fact.predicate for reading in episode.readings for fact in reading.facts}
    RelationType.objects.bulk_create(
        [
            RelationType(project_id=episode.memory.project_id, name=name, origin=SchemaType.Origin.LEARNED)
            for name in sorted(predicates)
        ],
        ignore_conflicts=True,
    )


def _write_entities(episode: Episode) -> list[UUID]:
    """Inserts the new entities and all new names; returns the ids in the order of the resolution."""
    project_id = episode.memory.project_id
    rows = [
        Entity(project_id=project_id, name=entity.name, type=entity.type, extractor=episode.extractor)
        if entity.id is None
        else Entity(pk=entity.id)
        for entity in episode.resolution.entities
    ]
    bulk.create(row for row in rows if row.project_id)
    aliases = (
        (project_id, row.pk, name, fold(name))
        for row, entity in zip(rows, episode.resolution.entities, strict=True)
        for name in sorted({entity.name, *entity.aliases})
    )
    bulk.insert(EntityAlias, ("project_id", "entity_id", "name", "key"), aliases, ignore_conflicts=True)
    return [row.pk for row in rows]


def _write_mentions(episode: Episode, entities: Sequence[UUID], passages: dict[int, UUID]) -> None:
    place = iter(episode.resolution.entity_of)
    columns = ("id", "entity_id", "passage_id", "memory_id", "text", "kind", "type", "start", "end", "extractor")
    rows = (
        (
            uuid7(),
            entities[next(place)],
            passages[reading.passage.position],
            episode.memory.pk,
            mention.text,
            mention.kind,
            mention.type,
            mention.start,
            mention.end,
            reading.extractor or episode.extractor,
        )
        for reading in episode.readings
        for mention in reading.mentions
    )
    bulk.insert(Mention, columns, rows)


@dataclass(frozen=True)
class _Statement:
    """A fact of this memory with its entities; `key` is what makes two statements the same fact."""

    subject: UUID
    target: UUID | None
    draft: FactDraft
    passage: UUID
    extractor: str

    @property
    def key(self) -> tuple[object, ...]:
        value = self.draft.value.casefold() if self.draft.value is not None else None
        return self.subject, self.draft.predicate, self.target, value, self.draft.polarity, self.draft.valid_at


def _write_facts(episode: Episode, entities: Sequence[UUID], passages: dict[int, UUID]) -> None:
    """Inserts facts the graph does not have, and support for all."""
    statements = list(_statements(episode, entities, passages))
    facts = _existing_facts(statements)
    new: dict[tuple[object, ...], Fact] = {}
    for statement in statements:
        if statement.key not in facts:
            facts[statement.key] = new[statement.key] = _fact_row(episode, statement)
    bulk.create(new.values())
    _index_facts(list(new.values()), episode)
    columns = ("id", "fact_id", "memory_id", "passage_id", "start", "end", "extractor")
    support = (
        (
            uuid7(),
            facts[statement.key].pk,
            episode.memory.pk,
            statement.passage,
            statement.draft.start,
            statement.draft.end,
            statement.extractor,
        )
        for statement in statements
    )
    bulk.insert(FactSupport, columns, support, ignore_conflicts=True)


def _statements(episode: Episode, entities: Sequence[UUID], passages: dict[int, UUID]) -> Iterable[_Statement]:
    first = 0
    for reading in episode.readings:
        places = episode.resolution.entity_of[first : first + len(reading.mentions)]
        first += len(reading.mentions)
        for draft in reading.facts:
            subject = entities[places[draft.subject]]
            object_ = entities[places[draft.object]] if draft.object is not None else None
            if subject != object_:  # two mentions may turn out to be one entity
                extractor = reading.extractor or episode.extractor
                yield _Statement(subject, object_, draft, passages[reading.passage.position], extractor)


def _existing_facts(statements: Sequence[_Statement]) -> dict[tuple[object, ...], Fact]:
    subjects = {statement.subject for statement in statements}
    found: dict[tuple[object, ...], Fact] = {}
    for chunk in _chunks(sorted(subjects)):
        for fact in Fact.objects.filter(subject__in=chunk, expired_at=None).order_by("-id"):
            value = fact.value.casefold() if fact.value is not None else None
            key = (fact.subject_id, fact.predicate, fact.object_id, value, fact.polarity, fact.valid_at)
            found[key] = fact  # the oldest of equal ones stays
    return found


def _fact_row(episode: Episode, statement: _Statement) -> Fact:
    draft = statement.draft
    return Fact(
        project_id=episode.memory.project_id,
        subject_id=statement.subject,
        predicate=draft.predicate,
        object_id=statement.target,
        value=draft.value,
        sentence=draft.sentence,
        valid_at=draft.valid_at,
        invalid_at=draft.invalid_at,
        valid_precision=draft.valid_precision,
        polarity=draft.polarity,
        confidence=draft.confidence,
        extractor=statement.extractor,
    )


def _index_facts(facts: Sequence[Fact], episode: Episode) -> None:
    ids = {fact.subject_id for fact in facts} | {fact.object_id for fact in facts if fact.object_id}
    names = dict(Entity.objects.filter(pk__in=ids).values_list("pk", "name"))
    project = episode.memory.project_id
    bulk.insert(
        SearchDocument,
        ("project_id", "kind", "fact_id", "text"),
        ((project, "fact", fact.pk, _words(fact, names)) for fact in facts),
    )


def _words(fact: Fact, names: Mapping[UUID, str]) -> str:
    """What a fact is found by."""
    told = names[fact.object_id] if fact.object_id else fact.value or ""
    return " ".join((names[fact.subject_id], fact.predicate.replace("_", " "), told, fact.sentence))


def _chunks(items: Sequence[T]) -> Iterable[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, BATCH)):
        yield chunk
