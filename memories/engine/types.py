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
class RelationRule:
    """A relation type of the project's schema. `functional`: a subject has one object at a time (lives_in)."""

    name: str
    functional: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """What the project already knows: its types and the names of its entities (name → entity type)."""

    entity_types: frozenset[str]
    relation_types: dict[str, RelationRule] = field(default_factory=dict)
    known_names: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mention:
    """A span that stands for an entity.

    `name` is what the entity is called in this memory: for "I" the speaker's name. A conversation's speaker is
    mentioned where the line begins, which is before the passage's own `start`.
    """

    text: str
    start: int
    end: int
    kind: MentionKind
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class FactDraft:
    """A statement before resolution; `subject` and `object` are indices into the reading's mentions.

    Exactly one of `object` and `value` is set. `start`, `end` is the sentence's span.
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


@dataclass(frozen=True, slots=True)
class Reading:
    """What an extractor found in one passage. `extractor` is its version where several read one memory."""

    passage: Passage
    mentions: tuple[Mention, ...]
    facts: tuple[FactDraft, ...]
    extractor: str = ""


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
