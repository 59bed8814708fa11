"""What was believed when: the timeline of a slot as it followed from what was known at each time.

Derived from the sayings that are there, like the timeline itself: a memory that is gone was never believed.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from memories.engine.temporal.relations import Rule
from memories.engine.temporal.sayings import Decision, Saying, Stretch, Unsure
from memories.engine.temporal.timeline import timeline
from memories.engine.types import Precision

Span: TypeAlias = tuple[datetime | None, datetime | None, Precision | None]


@dataclass(frozen=True, slots=True)
class Belief:
    """What was believed from `since` up to `until`, before it was believed as it is now."""

    since: datetime
    until: datetime
    span: Span


@dataclass(frozen=True, slots=True)
class Held:
    """A stretch with the beliefs about it: first `created`, in its present form `since`, before that `earlier`."""

    stretch: Stretch
    created: datetime
    since: datetime
    earlier: tuple[Belief, ...] = ()


def history(sayings: Sequence[Saying], decisions: Sequence[Decision], rule: Rule) -> tuple[list[Held], list[Unsure]]:
    """The stretches as they follow from everything, with what was believed before all of it was known."""
    now = timeline(sayings, decisions, rule)
    place = {saying.id: index for index, stretch in enumerate(now.stretches) for saying in stretch.sayings}
    told: dict[int, list[tuple[datetime, Span | None]]] = defaultdict(list)
    for moment, found in _course(sayings, decisions, rule):
        spans = {place[one.sayings[0].id]: one.span for one in found if one.expired is None}
        for index in range(len(now.stretches)):
            told[index].append((moment, spans.get(index)))
    return [_held(stretch, told[index]) for index, stretch in enumerate(now.stretches)], list(now.unsure)


def _held(stretch: Stretch, told: Iterable[tuple[datetime, Span | None]]) -> Held:
    changes = _changes(told)
    present = [(moment, span) for moment, span in changes if span is not None]
    if not present:
        first = min(saying.known_at for saying in stretch.sayings)
        return Held(stretch, first, first)
    since, span = present[-1]
    if stretch.expired is not None:
        stretch.start, stretch.end, stretch.precision = span
    ends = [moment for moment, _ in changes[1:]]
    earlier = tuple(
        Belief(moment, until, span)
        for (moment, span), until in zip(changes, ends, strict=False)
        if span is not None and moment != since
    )
    return Held(stretch, present[0][0], since, earlier)


def _changes(told: Iterable[tuple[datetime, Span | None]]) -> list[tuple[datetime, Span | None]]:
    found: list[tuple[datetime, Span | None]] = []
    for moment, span in told:
        if span != (found[-1][1] if found else None):
            found.append((moment, span))
    return found


def _course(
    sayings: Sequence[Saying], decisions: Sequence[Decision], rule: Rule
) -> Iterable[tuple[datetime, Sequence[Stretch]]]:
    """The stretches at each time that brought something new."""
    decided_at = {decision.made_at for decision in decisions}
    simple = all(one.over is None or one.is_past for one in sayings)  # nothing ends between two times it is spoken of
    vague = [one for one in sayings if one.low < one.high]
    coming: dict[datetime, list[Saying]] = defaultdict(list)
    for saying in sayings:
        coming[saying.known_at].append(saying)
    known: list[Saying] = []
    for moment in sorted(coming.keys() | decided_at):
        repeated = [_adds_nothing(known, saying, decisions, vague) for saying in coming[moment]]
        if not (simple and moment not in decided_at and all(repeated)):
            decided = [decision for decision in decisions if decision.made_at <= moment]
            yield moment, timeline(known, decided, rule).stretches


def _adds_nothing(known: list[Saying], saying: Saying, decisions: Sequence[Decision], vague: Sequence[Saying]) -> bool:
    """Puts the saying among those known; whether it only says once more what the one before it says.

    A person's home is told a thousand times, and each of them would otherwise be a timeline to derive. It does say
    something new where what comes after it may be of the same time or an earlier one, and where the one before it left
    something open that is said of the same time.
    """
    insort(known, saying, key=lambda one: one.order)
    place = next(i for i, one in enumerate(known) if one is saying)
    before = known[place - 1] if place else None
    after = known[place + 1] if place + 1 < len(known) else None
    if before is None or not _repeats(before, saying) or (after is not None and after.high == saying.high):
        return False
    if any(one.low <= saying.high <= one.high for one in vague) or not _stands_alone(known, place - 1):
        return False
    return not any(before.said_at <= decision.made_at <= saying.said_at for decision in decisions)


def _stands_alone(known: Sequence[Saying], place: int) -> bool:
    """Whether all that is said of the same time before it is of the same thing."""
    one = known[place]
    while place and known[place - 1].high == one.high:
        place -= 1
        if known[place].thing != one.thing:
            return False
    return True


def _repeats(before: Saying, saying: Saying) -> bool:
    if before.said != "holds" or saying.said != "holds" or before.thing != saying.thing:
        return False
    undated = all(one.begins is None and one.over is None for one in (before, saying))
    return undated and before.high < saying.high
