"""What one memory states, as rows of support and of facts; what follows from several is `memories.graph.time`'s."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Now
from uuid6 import uuid7

from memories.engine.temporal import ANYBODY, WITHIN
from memories.engine.types import FactDraft, Passage
from memories.graph import bulk, time
from memories.graph.documents import words
from memories.graph.relations import Relations, relations_of
from memories.graph.slots import Said, chunks
from memories.models import Entity, Fact, FactSupport, Memory, Project, SearchDocument

if TYPE_CHECKING:
    from memories.graph.episodes import Episode

# What makes two statements the same fact, before time comes into it: its ends, its mood, and its beginning where
# things are not one at a time.
Key: TypeAlias = tuple[object, ...]
KEY = ("id", "subject_id", "predicate", "object_id", "value", "polarity", "valid_at")
FACT = (
    "id", "project_id", "subject_id", "predicate", "object_id", "value", "sentence", "valid_at", "invalid_at",
    "valid_precision", "polarity", "confidence", "extractor", "created_at", "expired_at", "stated_invalid_at", "ends",
)  # fmt: skip
SUPPORT = (
    "id", "fact_id", "read_subject_id", "read_object_id", "memory_id", "passage_id", "start", "end", "extractor",
    "value", "valid_at", "valid_by", "invalid_at", "valid_precision", "confidence", "ends", "known_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Statement:
    """A fact of this memory with its entities, as they were read. `id` is that of its row of support."""

    id: UUID
    subject: Entity
    target: Entity | None
    draft: FactDraft
    passage: Passage
    extractor: str
    content: Key

    @property
    def ends(self) -> list[Entity]:
        return [self.subject, self.target] if self.target else [self.subject]

    @property
    def place(self) -> Key:
        draft = self.draft
        read = self.subject.pk, self.target.pk if self.target else None
        return (*self.content, *read, draft.valid_at, draft.invalid_at, draft.start, draft.end)

    @property
    def rank(self) -> Key:
        return -self.draft.confidence, self.draft.value or "", self.draft.ends


@dataclass
class Stated:
    """The rows that the memory's statements become. `facts` are those whose times depend on what else is said, here or
    elsewhere, and are still to be derived; the others are inserted as they will stay."""

    facts: set[UUID] = field(default_factory=set)
    new: bulk.Waiting = field(default_factory=lambda: bulk.Waiting(Fact, FACT))
    support: bulk.Waiting = field(default_factory=lambda: bulk.Waiting(FactSupport, SUPPORT))
    documents: bulk.Waiting = field(
        default_factory=lambda: bulk.Waiting(SearchDocument, ("project_id", "kind", "fact_id", "text"))
    )

    def write(self) -> None:
        """Inserts them, in the caller's transaction."""
        for rows in (self.new, self.support, self.documents):
            rows.insert()


def prepare(episode: Episode, entities: Sequence[Entity], passages: dict[int, UUID]) -> Stated:
    """Support for all that the episode states, and facts that the graph does not have.

    A sentence that the memory stated before is known since then.
    """
    return _Preparing(episode, entities, passages).stated


class _Preparing:
    def __init__(self, episode: Episode, entities: Sequence[Entity], passages: dict[int, UUID]) -> None:
        self.memory = episode.memory
        self.episode, self.entities, self.passages = episode, entities, passages
        self.known = _known_since(episode.memory)
        self.now = _now(episode.memory.project)
        self.relations = relations_of(episode.memory.project)
        self.lines = _Lines(self.relations)
        self.lines.add_statements(self._all())
        self.facts = self._existing_facts()
        self.stated = Stated()
        lines: dict[Key, list[Statement]] = defaultdict(list)
        for statement in self._all():
            line = self.lines.of(statement.content)
            lines[line].append(statement)
            if len(lines[line]) == self.lines.size(line):
                self._take(line, lines.pop(line))

    def _all(self) -> Iterator[Statement]:
        return _statements(self.episode, self.entities)

    def _existing_facts(self) -> dict[Key, UUID]:
        """The facts that statements may be another support of; the lines hear of all of them."""
        found: dict[Key, UUID] = {}
        there = {entity.shown_id for entity in self.entities if not entity._state.adding}
        for some in chunks(sorted(there & self.lines.subjects)):
            rows = Fact.every.filter(subject__in=some)
            for subject, ends in rows.exclude(ends="").values_list("subject_id", "ends"):
                self.lines.add_end(subject, ends.split())
            for names in chunks(sorted(self.lines.predicates)):
                for id, *content, valid_at in rows.filter(predicate__in=names).order_by("-id").values_list(*KEY):
                    key = _content(*content)
                    self.lines.add_fact(key)
                    found[self._key(key, valid_at)] = id  # the oldest of equal ones stays
        return found

    def _key(self, content: Key, valid_at: datetime | None) -> Key:
        whole = self.relations.is_whole(str(content[1]))
        return (*content, None if whole else valid_at)

    def _take(self, line: Key, statements: Sequence[Statement]) -> None:
        """Makes the rows of all that is said in a line."""
        own = self._own(line, statements)
        for one in statements:
            since = self.known.get(one.content, self.now)
            self.stated.support.add(self._support_row(one, own or self._shared(one, since), since))

    def _own(self, line: Key, statements: Sequence[Statement]) -> UUID | None:
        """The one fact of a line in which nobody else has a say, as it will stay; None where more follows from it."""
        first = statements[0]
        if any(end.merged_into_id for end in first.ends) or first.content in self.known:
            return None
        if not self.lines.is_alone(line, first) or not self._is_one_fact(statements):
            return None
        fact = self._fact_row(first, self.now)
        if not time.derive(fact, [self._said(one, fact) for one in statements], self.relations):
            return None
        self._add(fact)
        end = first.target.name if first.target else fact.value or ""
        text = words(first.subject.name, fact.predicate, end, fact.sentence)
        self.stated.documents.add((fact.project_id, "fact", fact.pk, text))
        return fact.pk

    def _is_one_fact(self, statements: Sequence[Statement]) -> bool:
        return len({self._key(one.content, one.draft.valid_at) for one in statements}) == 1

    def _shared(self, statement: Statement, since: datetime) -> UUID:
        """The fact that has this key, a new one where there is none."""
        key = self._key(statement.content, statement.draft.valid_at)
        if key not in self.facts:
            fact = self._fact_row(statement, since)
            self._add(fact)
            self.facts[key] = fact.pk
        self.stated.facts.add(self.facts[key])
        return self.facts[key]

    def _add(self, fact: Fact) -> None:
        self.stated.new.add([getattr(fact, name) for name in FACT])

    def _fact_row(self, statement: Statement, known_at: datetime) -> Fact:
        draft = statement.draft
        return Fact(
            project_id=self.memory.project_id,
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

    def _support_row(self, statement: Statement, fact: UUID, known_at: datetime) -> Sequence[Any]:
        draft = statement.draft
        return (
            statement.id,
            fact,
            statement.subject.pk,
            statement.target.pk if statement.target else None,
            self.memory.pk,
            self.passages[statement.passage.position],
            draft.start,
            draft.end,
            statement.extractor,
            draft.value,
            draft.valid_at,
            draft.valid_by,
            draft.invalid_at,
            draft.valid_precision,
            draft.confidence,
            _words(draft),
            known_at,
        )

    def _said(self, statement: Statement, fact: Fact) -> Said:
        """The statement as `slots.load` reads its row of support."""
        draft, passage = statement.draft, statement.passage
        return Said(
            id=statement.id,
            fact=fact.pk,
            memory=self.memory.pk,
            said_at=passage.at or self.memory.reference_time,
            position=passage.position,
            speaker=passage.speaker or "",
            start=draft.start,
            sentence=passage.text[max(draft.start - passage.start, 0) : draft.end - passage.start],
            extractor=statement.extractor,
            value=draft.value,
            valid_at=draft.valid_at,
            valid_by=draft.valid_by,
            invalid_at=draft.invalid_at,
            precision=draft.valid_precision,
            confidence=draft.confidence,
            ends=_words(draft),
            known_at=self.now,
        )


class _Lines:
    """What is said of each line, a stretch of time that the facts of a subject's relation divide between them."""

    def __init__(self, relations: Relations) -> None:
        self._relations = relations
        self._sizes: Counter[Key] = Counter()
        self._pairs: Counter[UUID] = Counter()  # of a symmetric relation, by each end
        self._there: set[Key] = set()
        self._ending: set[Key] = set()
        self._ended: set[tuple[UUID, str]] = set()
        self.subjects: set[UUID] = set()
        self.predicates: set[str] = set()

    def add_statements(self, statements: Iterable[Statement]) -> None:
        for one in statements:
            line, predicate = self.of(one.content), one.draft.predicate
            self._sizes[line] += 1
            self.subjects.add(one.subject.shown_id)
            self.predicates.add(predicate)
            if one.draft.ends:
                self._ending.add(line)
                self.add_end(one.subject.shown_id, one.draft.ends)
            if predicate in self._relations.symmetric:
                self._pairs.update(end.shown_id for end in one.ends)

    def add_fact(self, content: Key) -> None:
        self._there.add(self.of(content))

    def add_end(self, subject: UUID, ends: Iterable[str]) -> None:
        self._ended |= {(subject, word.removesuffix(ANYBODY)) for word in ends}

    def of(self, content: Key) -> Key:
        subject, predicate, target, value, _ = content
        whole = self._relations.is_whole(str(predicate))
        return (subject, predicate) if whole else (subject, predicate, target, value)

    def size(self, line: Key) -> int:
        """How many statements the memory has in it."""
        return self._sizes[line]

    def is_alone(self, line: Key, one: Statement) -> bool:
        """Whether nothing outside the line has a say in when its facts hold, nor these in when others do; `one` is a
        statement of it. Of things that come one after the other, and of pairs, only a single statement is."""
        ends = [end.shown_id for end in one.ends]
        if line in self._there or line in self._ending or len(set(ends)) < len(one.ends):
            return False
        if any((end, one.draft.predicate) in self._ended for end in ends):
            return False
        are_new = all(end._state.adding for end in one.ends)
        if one.draft.predicate in self._relations.symmetric:
            return are_new and all(self._pairs[end] == 1 for end in ends)
        if one.draft.predicate in WITHIN and not are_new:
            return False  # homes are compared by where a place lies
        return self._sizes[line] == 1 or not self._relations.is_whole(one.draft.predicate)


def _statements(episode: Episode, entities: Sequence[Entity]) -> Iterator[Statement]:
    """All that the memory states, without what one sentence states twice."""
    first = 0
    for reading in episode.readings:
        places = episode.resolution.entity_of[first : first + len(reading.mentions)]
        first += len(reading.mentions)
        best: dict[Key, Statement] = {}
        for draft in reading.facts:
            subject = entities[places[draft.subject]]
            target = entities[places[draft.object]] if draft.object is not None else None
            if subject != target:  # two mentions may turn out to be one entity
                content = _content(
                    subject.shown_id, draft.predicate, target and target.shown_id, draft.value, draft.polarity
                )
                extractor = reading.extractor or episode.extractor
                one = Statement(uuid7(), subject, target, draft, reading.passage, extractor, content)
                known = best.get(one.place)
                if known is None or one.rank < known.rank:
                    best[one.place] = one
        yield from best.values()


def _content(subject: object, predicate: object, target: object, value: str | None, polarity: object) -> Key:
    return subject, predicate, target, None if value is None else value.casefold(), polarity


def _now(project: Project) -> datetime:
    """The database's clock, which all workers share."""
    now: datetime = Project.objects.filter(pk=project.pk).values_list(Now(), flat=True).get()
    return now


def _known_since(memory: Memory) -> dict[Key, datetime]:
    """When what the memory stated until now was first known."""
    found: dict[Key, datetime] = {}
    rows: QuerySet[FactSupport] = FactSupport.objects.filter(memory=memory).order_by()
    columns = [f"fact__{name}" for name in ("subject_id", "predicate", "object_id", "value", "polarity")]
    for *content, known_at, created_at in rows.values_list(*columns, "known_at", "fact__created_at").iterator():
        key, since = _content(*content), known_at or created_at
        found[key] = min(since, found.get(key, since))
    return found


def _words(draft: FactDraft) -> str:
    return " ".join(sorted(set(draft.ends)))[:300]
