"""What one memory states, written as support of facts; what follows from it is `memories.graph.time`'s."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Now

from memories.engine.types import FactDraft
from memories.graph import bulk
from memories.graph.relations import Relations, relations_of
from memories.graph.slots import chunks
from memories.models import Entity, Fact, FactSupport, Memory, Project

if TYPE_CHECKING:
    from memories.graph.episodes import Episode

# What makes two statements the same fact, before time comes into it: its ends, its mood, and its beginning where
# things are not one at a time.
Key: TypeAlias = tuple[object, ...]


@dataclass(frozen=True)
class Statement:
    """A fact of this memory with its entities, as they were read."""

    subject: Entity
    target: Entity | None
    draft: FactDraft
    passage: UUID
    extractor: str

    @property
    def content(self) -> Key:
        value = self.draft.value.casefold() if self.draft.value is not None else None
        target = self.target.shown_id if self.target else None
        return self.subject.shown_id, self.draft.predicate, target, value, self.draft.polarity

    @property
    def place(self) -> Key:
        draft = self.draft
        read = self.subject.pk, self.target.pk if self.target else None
        return (*self.content, *read, draft.valid_at, draft.invalid_at, self.passage, draft.start, draft.end)

    @property
    def rank(self) -> Key:
        return -self.draft.confidence, self.draft.value or "", self.draft.ends


def write(episode: Episode, entities: Sequence[Entity], passages: dict[int, UUID]) -> set[UUID]:
    """Inserts support for all that the episode states, and facts that the graph does not have; returns their ids.

    A sentence that the memory stated before is known since then.
    """
    statements = _once(_statements(episode, entities, passages))
    known = _known_since(episode.memory)
    now = _now(episode.memory.project)
    relations = relations_of(episode.memory.project)
    facts = _existing_facts(statements, relations)
    new: dict[Key, Fact] = {}
    for statement in statements:
        key = _key(statement, relations)
        if key not in facts:
            facts[key] = new[key] = _fact_row(episode, statement, known.get(statement.content, now))
    bulk.create(new.values())
    support = [
        _support_row(episode, statement, facts[_key(statement, relations)], known.get(statement.content, now))
        for statement in statements
    ]
    bulk.create(support)
    return {row.fact_id for row in support}


def _now(project: Project) -> datetime:
    """The database's clock, which all workers share."""
    now: datetime = Project.objects.filter(pk=project.pk).values_list(Now(), flat=True).get()
    return now


def _once(statements: Iterable[Statement]) -> list[Statement]:
    """Without what one sentence states twice."""
    best: dict[Key, Statement] = {}
    for statement in statements:
        known = best.get(statement.place)
        if known is None or statement.rank < known.rank:
            best[statement.place] = statement
    return list(best.values())


def _statements(episode: Episode, entities: Sequence[Entity], passages: dict[int, UUID]) -> Iterable[Statement]:
    first = 0
    for reading in episode.readings:
        places = episode.resolution.entity_of[first : first + len(reading.mentions)]
        first += len(reading.mentions)
        for draft in reading.facts:
            subject = entities[places[draft.subject]]
            object_ = entities[places[draft.object]] if draft.object is not None else None
            if subject != object_:  # two mentions may turn out to be one entity
                extractor = reading.extractor or episode.extractor
                yield Statement(subject, object_, draft, passages[reading.passage.position], extractor)


def _key(statement: Statement, relations: Relations) -> Key:
    whole = relations.is_whole(statement.draft.predicate)
    return (*statement.content, None if whole else statement.draft.valid_at)


def _content(fact: Fact) -> Key:
    value = fact.value.casefold() if fact.value is not None else None
    return fact.subject_id, fact.predicate, fact.object_id, value, fact.polarity


def _known_since(memory: Memory) -> dict[Key, datetime]:
    """When what the memory stated until now was first known."""
    found: dict[Key, datetime] = {}
    rows: QuerySet[FactSupport] = FactSupport.objects.filter(memory=memory).select_related("fact")
    for row in rows.iterator(chunk_size=2000):
        key, since = _content(row.fact), row.known_at or row.fact.created_at
        found[key] = min(since, found.get(key, since))
    return found


def _existing_facts(statements: Sequence[Statement], relations: Relations) -> dict[Key, Fact]:
    subjects = {statement.subject.shown_id for statement in statements}
    predicates = {statement.draft.predicate for statement in statements}
    found: dict[Key, Fact] = {}
    for some in chunks(sorted(subjects)):
        for names in chunks(sorted(predicates)):
            for fact in Fact.every.filter(subject__in=some, predicate__in=names).order_by("-id"):
                whole = relations.is_whole(fact.predicate)
                found[(*_content(fact), None if whole else fact.valid_at)] = fact  # the oldest of equal ones stays
    return found


def _fact_row(episode: Episode, statement: Statement, known_at: datetime) -> Fact:
    draft = statement.draft
    return Fact(
        project_id=episode.memory.project_id,
        subject_id=statement.subject.shown_id,
        predicate=draft.predicate,
        object_id=statement.target.shown_id if statement.target else None,
        value=draft.value,
        sentence=draft.sentence,
        valid_at=draft.valid_at,
        invalid_at=draft.invalid_at,
        valid_precision=draft.valid_precision,
        polarity=draft.polarity,
        confidence=draft.confidence,
        extractor=statement.extractor,
        created_at=known_at,
        stated_invalid_at=draft.invalid_at,
        ends=_words(draft),
    )


def _support_row(episode: Episode, statement: Statement, fact: Fact, known_at: datetime) -> FactSupport:
    draft = statement.draft
    return FactSupport(
        fact=fact,
        read_subject=statement.subject,
        read_object=statement.target,
        memory=episode.memory,
        passage_id=statement.passage,
        start=draft.start,
        end=draft.end,
        extractor=statement.extractor,
        value=draft.value,
        valid_at=draft.valid_at,
        valid_by=draft.valid_by,
        invalid_at=draft.invalid_at,
        valid_precision=draft.valid_precision,
        confidence=draft.confidence,
        ends=_words(draft),
        known_at=known_at,
    )


def _words(draft: FactDraft) -> str:
    return " ".join(sorted(set(draft.ends)))[:300]
