"""Which memories that speak of one name speak of one bearer of it.

Two memories that contradict each other about birth, or one that says "another Anna", speak of two. The outcome depends
on what is said alone, not on when it was saved.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Birth: TypeAlias = tuple[int, int, int]  # year, month, day; 0 where it is not known


@dataclass(frozen=True, slots=True)
class Reader:
    """What one memory says of somebody of the name. `near` are those it connects them with."""

    other: bool = False
    births: frozenset[Birth] = frozenset()
    places: frozenset[str] = frozenset()
    near: frozenset[Hashable] = frozenset()

    @property
    def tells(self) -> bool:
        return bool(self.other or self.births or self.places)


@dataclass
class _Bearer:
    readers: list[int]
    other: bool
    births: set[Birth] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    near: set[Hashable] = field(default_factory=set)


def bearers(readers: Sequence[Reader], may_be_one: Callable[[str, str], bool]) -> list[int]:
    """For each reader the number of the bearer that it speaks of, 0 the one that most speak of.

    `may_be_one` tells of two places whether somebody may be born in both: a town and its country.
    """
    found: list[_Bearer] = []
    telling = sorted((i for i, reader in enumerate(readers) if reader.tells), key=lambda i: _rank(readers[i]))
    for i in telling:
        _add(next((one for one in found if _fits(readers[i], one, may_be_one)), None), found, i, readers[i])
    found = found or [_Bearer([], other=False)]
    if all(one.other for one in found) and len(telling) < len(readers):
        found.append(_Bearer([], other=False))
    found.sort(key=lambda one: (one.other, -len(one.readers)))
    for i in set(range(len(readers))) - set(telling):
        plain = [one for one in found if not one.other]
        best = max(plain, key=lambda one: len(one.near & readers[i].near))
        best.readers.append(i)
    number = {i: place for place, one in enumerate(found) for i in one.readers}
    return [number[i] for i in range(len(readers))]


def conflict(one: Collection[Birth], other: Collection[Birth]) -> bool:
    """Whether nobody was born on both days."""
    return any(a and b and a != b for x in one for y in other for a, b in zip(x, y, strict=True))


def places_conflict(one: Collection[str], other: Collection[str], may_be_one: Callable[[str, str], bool]) -> bool:
    return bool(one and other) and not any(a == b or may_be_one(a, b) for a in one for b in other)


def _rank(reader: Reader) -> tuple[object, ...]:
    """Those first who say most; the rest settles ties by what is said."""
    birth = max(reader.births, default=(0, 0, 0))
    return (
        reader.other,
        not reader.births,
        not reader.places,
        tuple(-(part > 0) for part in birth),
        sorted(reader.births),
        sorted(reader.places),
    )


def _fits(reader: Reader, bearer: _Bearer, may_be_one: Callable[[str, str], bool]) -> bool:
    if reader.other != bearer.other or conflict(reader.births, bearer.births):
        return False
    return not places_conflict(reader.places, bearer.places, may_be_one)


def _add(bearer: _Bearer | None, found: list[_Bearer], place: int, reader: Reader) -> None:
    if bearer is None:
        bearer = _Bearer([], reader.other)
        found.append(bearer)
    bearer.readers.append(place)
    bearer.births |= reader.births
    bearer.places |= reader.places
    bearer.near |= reader.near
