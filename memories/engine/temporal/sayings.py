"""What the timeline of a slot is made of: what was said, what people decided, and the stretches that follow."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from memories.engine.temporal.relations import Thing
from memories.engine.types import Precision

Said = Literal["holds", "denied", "closes", "idle"]
Decided = Literal["ended", "wrong", "kept"]


@dataclass(frozen=True, slots=True)
class Saying:
    """One sentence's word on a thing of the slot.

    `said` is `holds`, `denied` (a statement of its own that it does not hold; with `ends` it did before), `closes` (a
    statement of another relation ends this one, "she left Acme"; `thing` None: whatever there is) or `idle` (supposed,
    asked, reported: it has a place among the facts and no effect). `begins`, between `begins` and `begins_by`, and
    `over` are what the sentence states of the time; `talk` and `position` order the messages of a conversation.
    """

    id: Hashable
    thing: Thing | None
    said: Said
    said_at: datetime
    known_at: datetime
    ends: bool = False
    begins: datetime | None = None
    begins_by: datetime | None = None
    over: datetime | None = None
    precision: Precision | None = None
    talk: Hashable | None = None
    position: int = 0
    mood: str = ""

    @property
    def is_past(self) -> bool:
        """ "used to live", "until 2021": it is over, and nothing says since when it was."""
        return self.over is not None and self.begins is None

    @property
    def low(self) -> datetime:
        """The earliest time that it may speak of."""
        if self.begins is not None:
            return self.begins
        return self.over if self.over is not None else self.said_at

    @property
    def high(self) -> datetime:
        """The latest time that it may speak of: from then on it was so."""
        return max(self.low, self.begins_by) if self.begins is not None and self.begins_by is not None else self.low

    @property
    def order(self) -> tuple[object, ...]:
        """Its place in time; what ends comes after what begins. Nothing here depends on when it was saved."""
        rank = {"idle": 0, "holds": 0, "denied": 1, "closes": 2}[self.said]
        place = self.position if self.talk is not None else 0
        return self.high, place, rank, self.low, self.said_at, str(self.over), self.precision or ""

    def is_before(self, other: Saying) -> bool:
        """Whether it is certain that this came first."""
        if self.high != other.high:
            return self.high < other.high
        return self.talk is not None and self.talk == other.talk and self.position < other.position


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about the statements of a key at `made_at`; what is said later counts again."""

    key: Key
    decided: Decided
    made_at: datetime
    at: datetime | None = None


# What makes sayings one fact: the thing, the mood it is said in, and where things are not one at a time the beginning.
Key: TypeAlias = tuple[Thing, str, datetime | None]


@dataclass(slots=True)
class Stretch:
    """A time in which something was so, from `start` up to `end` (None: open), and the sayings it follows from.

    `stated` is the end that its own sentences state. `closed_by` is the saying that ended it.
    """

    key: Key
    sayings: list[Saying]
    start: datetime | None = None
    precision: Precision | None = None
    end: datetime | None = None
    stated: datetime | None = None
    stated_by: Saying | None = None
    closed_by: Hashable | None = None
    expired: datetime | None = None
    last: Saying | None = None

    @property
    def thing(self) -> Thing:
        return self.key[0]

    @property
    def span(self) -> tuple[datetime | None, datetime | None, Precision | None]:
        return self.start, self.end, self.precision


@dataclass(frozen=True, slots=True)
class Unsure:
    """Two stretches of a slot that can't both be so, and nothing says which came first."""

    one: Hashable
    other: Hashable
    reason: str


@dataclass(frozen=True, slots=True)
class Timeline:
    stretches: Sequence[Stretch] = field(default_factory=tuple)
    unsure: Sequence[Unsure] = field(default_factory=tuple)
