"""What is asked of search, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

Kind = Literal["passage", "fact", "entity", "community"]
KINDS: tuple[Kind, ...] = ("passage", "fact", "entity", "community")
Rerank = Literal["none", "mmr"]
MAX_LIMIT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Every one that is given must hold; `tags` and `types` (of entities) hold when one of them does.

    `speaker`, `since`, `until`: who said it, and when; of a fact or entity, who spoke of it, and when.
    """

    tags: Sequence[str] = ()
    types: Sequence[str] = ()
    speaker: str = ""
    since: datetime | None = None
    until: datetime | None = None
    community: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """A question to a project. `as_of` and `known_at` are as in `memories.queries.holds`."""

    query: str
    limit: int = 10
    kinds: Sequence[Kind] = KINDS
    as_of: datetime | None = None
    known_at: datetime | None = None
    center_entity: UUID | None = None
    rerank: Rerank = "none"
    filters: Filters = field(default_factory=Filters)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """One hit. `start`, `end` count in the memory's content, `highlight` in `text`; of a fact they are its support's.

    `why` gives the signals: `words`, `vector` (0 to 1), and what a kind has besides.
    """

    kind: Kind
    id: UUID
    score: float
    text: str
    highlight: list[tuple[int, int]]
    memory_id: UUID | None = None
    message_id: str | None = None
    speaker: str | None = None
    at: datetime | None = None
    start: int | None = None
    end: int | None = None
    valid_at: datetime | None = None
    invalid_at: datetime | None = None
    why: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """The results, best first, and how long it took."""

    results: list[SearchResult]
    took_ms: float
