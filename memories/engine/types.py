"""The values that pass between the stages of the engine.

Offsets (`start`, `end`) are Unicode code points of the memory's `content`, half open. Times are aware datetimes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

ContentType = Literal["text", "conversation", "json"]
MentionKind = Literal["name", "pronoun", "nominal"]
Polarity = Literal["affirmed", "negated", "hypothetical", "questioned", "reported"]
Precision = Literal["year", "month", "day", "time"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation, as the client sent it."""

    speaker: str
    content: str
    id: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """What the engine reads of one memory. `content` of a conversation is its messages as lines `speaker: text`."""

    content: str
    content_type: ContentType
    reference_time: datetime
    title: str = ""
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece that search returns: a message of a conversation, a chunk of a text. `text` is `content[start:end]`."""

    position: int
    start: int
    end: int
    text: str
    message_id: str | None = None
    speaker: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WordList:
    """Names that a project lists for a type; `digest` stands for them all, so that an index of them can be kept."""

    digest: str
    names: tuple[str, ...] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class TypeRule:
    """How a project finds entities of a type: a pattern in RE2 syntax, a list of names, or both.

    `noun_phrases`: the words are nouns, and the phrase that such a noun ends is the entity ("peanut allergy").
    """

    name: str
    pattern: str = ""
    words: WordList | None = None
    noun_phrases: bool = False


@dataclass(frozen=True, slots=True)
class RelationRule:
    """A relation type of the project's schema. `functional`: a subject has one object at a time (lives_in).

    `symmetric`: it holds in both directions (married_to). Types that are not given are any types.
    """

    name: str
    functional: bool = False
    symmetric: bool = False
    subject_types: frozenset[str] = frozenset()
    object_types: frozenset[str] = frozenset()

    def fits(self, subject: str, object_: str | None) -> bool:
        """Whether it may hold between entities of these types; None for a value, which is of no type."""
        if self._fits(subject, object_):
            return True
        return self.symmetric and object_ is not None and self._fits(object_, subject)

    def _fits(self, subject: str, object_: str | None) -> bool:
        return (not self.subject_types or subject in self.subject_types) and (
            object_ is None or not self.object_types or object_ in self.object_types
        )


@dataclass(frozen=True, slots=True)
class Schema:
    """What the project already knows: its types, and names of entities (name → entity type).

    `disabled_types` and `disabled_relations` are not to be found in its graph. `phrases` are the project's own words
    for relations (`look_after` → `cares_for`), as `predicates.slug` writes them.
    """

    entity_types: frozenset[str]
    relation_types: dict[str, RelationRule] = field(default_factory=dict)
    known_names: dict[str, str] = field(default_factory=dict)
    type_rules: tuple[TypeRule, ...] = ()
    disabled_types: frozenset[str] = frozenset()
    disabled_relations: frozenset[str] = frozenset()
    phrases: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mention:
    """A span that stands for an entity.

    `name` is what the entity is called in this memory: for "I" the speaker's name. A conversation's speaker is
    mentioned where the line begins, which is before the passage's own `start`. `given`: the project says that this is
    a name of the type, so nothing that the memory says makes it another.
    """

    text: str
    start: int
    end: int
    kind: MentionKind
    name: str
    type: str
    given: bool = False


@dataclass(frozen=True, slots=True)
class FactDraft:
    """A statement before resolution; `subject` and `object` are indices into the reading's mentions.

    Exactly one of `object` and `value` is set. `start`, `end` is the sentence's span. `valid_at` is the earliest time
    that the sentence can mean, `valid_by` the latest ("last month"). `ends` names the relations that are over by this
    statement: `works_for` between the same two, `works_for:*` of the subject with anybody.
    """

    subject: int
    predicate: str
    object: int | None
    value: str | None
    sentence: str
    start: int
    end: int
    valid_at: datetime | None = None
    invalid_at: datetime | None = None
    valid_precision: Precision | None = None
    polarity: Polarity = "affirmed"
    confidence: float = 1.0
    valid_by: datetime | None = None
    ends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What an extractor found in one passage."""

    passage: Passage
    mentions: tuple[Mention, ...]
    facts: tuple[FactDraft, ...]


class Reader(Protocol):
    """Reads one memory, some passages at a time and in their order."""

    def read(self, passages: Sequence[Passage]) -> Iterable[Reading]: ...

    def state(self) -> dict[str, Any]:
        """What it keeps from passage to passage, as JSON values: a reader begun with it goes on where this one is."""


class Extractor(Protocol):
    @property
    def version(self) -> str:
        """Stamped on every row it leads to, like `local-1`."""

    def begin(
        self, source: Source, passages: Sequence[Passage], schema: Schema, state: Mapping[str, Any] | None = None
    ) -> Reader:
        """A reader of the memory whose passages these all are; `state` is that of one which read the first of them."""


@dataclass(frozen=True, slots=True)
class KnownEntity:
    """An entity of the project that a new mention may stand for."""

    id: UUID
    name: str
    type: str
    aliases: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ResolvedEntity:
    """An entity of the graph after resolution; `id` is None when it is new. `aliases` includes every name used."""

    id: UUID | None
    name: str
    type: str
    aliases: frozenset[str]


@dataclass(frozen=True, slots=True)
class Resolution:
    """`entity_of[i]` is the index into `entities` of the i-th mention."""

    entities: tuple[ResolvedEntity, ...]
    entity_of: tuple[int, ...]
