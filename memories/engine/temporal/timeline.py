"""What was so when: the stretches that follow from everything that was said of a slot and what people decided.

A pure function of the sayings: their order in time is that of what they speak of, so late news takes its place there,
and the order in which they were saved does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from memories.engine.temporal.relations import Rule, Thing
from memories.engine.temporal.sayings import Decision, Key, Saying, Stretch, Timeline, Unsure

_AT_ONCE = "Both are said of the same time."
_NESTED = "One may lie in the other."
_TWICE = "This can be true of one only."


def timeline(sayings: Iterable[Saying], decisions: Iterable[Decision], rule: Rule) -> Timeline:
    """The stretches of a slot, and the pairs of them that contradict each other without an order in time."""
    line = _Line(rule, _standing(decisions))
    counted = []
    for saying in sorted(sayings, key=lambda saying: saying.order):
        if saying.thing is not None and line.is_wrong(saying):
            line.withdraw(saying)
        else:
            counted.append(saying)
    line.read(counted)
    return line.result()


def _standing(decisions: Iterable[Decision]) -> dict[Key, list[Decision]]:
    """What holds of each key: the latest decision, after those before it in a row that said the same."""
    found: dict[Key, list[Decision]] = {}
    for one in sorted(decisions, key=lambda one: one.made_at):
        before = found.get(one.key, [])
        found[one.key] = [*before, one] if before and before[-1].decided == one.decided else [one]
    return found


def key_of(saying: Saying, thing: Thing, rule: Rule) -> Key:
    """Statements of one key are one fact as long as nothing ends it in between."""
    one = rule.kind != "many" and saying.said != "idle"
    return thing, saying.mood, None if one else saying.begins


class _Line:
    """The stretches of a slot while they are read in the order of time."""

    def __init__(self, rule: Rule, standing: Mapping[Key, Sequence[Decision]]) -> None:
        self.rule = rule
        self.standing = standing
        self.decided = {key: decisions[-1] for key, decisions in standing.items()}
        self.open: list[Stretch] = []
        self.done: list[Stretch] = []
        self.withdrawn: dict[Key, Stretch] = {}
        self.pairs: list[tuple[Stretch, Stretch, str]] = []
        self.cancelled: dict[object, Saying] = {}

    # --- decisions

    def is_wrong(self, saying: Saying) -> bool:
        decision = self._decision(saying)
        return decision is not None and decision.decided == "wrong" and saying.said_at <= decision.made_at

    def withdraw(self, saying: Saying) -> None:
        key = self._key(saying)
        stretch = self.withdrawn.setdefault(key, Stretch(key, [], saying.begins, saying.precision, saying.over))
        stretch.sayings.append(saying)
        at = next(one.made_at for one in self.standing[key] if saying.said_at <= one.made_at)
        stretch.expired = max(at, stretch.expired or at)

    def _decision(self, saying: Saying) -> Decision | None:
        return self.decided.get(self._key(saying)) if saying.said != "closes" else None

    def _is_kept(self, stretch: Stretch, against: Saying) -> bool:
        """Whether a person who knew of both has said that it holds."""
        return self._is_kept_key(stretch.key, against)

    def _is_kept_key(self, key: Key, against: Saying) -> bool:
        decision = self.decided.get(key)
        return decision is not None and decision.decided == "kept" and against.said_at <= decision.made_at

    def _ended_by_hand(self, sayings: Sequence[Saying]) -> dict[object, Decision]:
        """For each key that somebody ended the last saying that the decision is about."""
        last: dict[Key, Saying] = {}
        for saying in sayings:
            decision = self._decision(saying)
            if decision is not None and decision.decided == "ended" and saying.said_at <= decision.made_at:
                last[decision.key] = saying
        return {saying.id: self.decided[key] for key, saying in last.items()}

    # --- reading

    def read(self, sayings: Sequence[Saying]) -> None:
        ended = self._ended_by_hand(sayings)
        given_up = _cancelled(sayings)
        self.cancelled = {plan.id: by for plan, by in given_up if not self._is_kept_key(self._key(plan), by)}
        for _, tied in groupby(sayings, key=lambda saying: saying.order):
            together = list(tied)
            self._expire(together[0].high)
            self._go_on(together)
            for saying in together:
                self._take(saying)
                if saying.id in ended:
                    self._end_by_hand(saying, ended[saying.id])
        for stretch in self.open:
            stretch.end = self._own_end(stretch)

    def _go_on(self, together: Sequence[Saying]) -> None:
        """What goes on at a time is not ended by what else is said of it, or the order of reading would decide."""
        for saying in together:
            if saying.said == "holds" and not saying.is_past and saying.id not in self.cancelled:
                stretch = self._open(self._key(saying))
                if stretch is not None:
                    stretch.last = saying

    def _take(self, saying: Saying) -> None:
        if saying.said == "idle":
            self._idle(saying)
        elif saying.said == "closes":
            self._end_others(saying)
        elif saying.said == "denied":
            self._denied(saying)
        elif saying.id in self.cancelled:
            self.done.append(self._cancelled(saying))
        elif saying.is_past:
            self._past(saying)
        else:
            self._holds(saying)

    def _holds(self, saying: Saying) -> None:
        moment: datetime | None = None
        for stretch in [one for one in self.open if one.key[1] == "negated" and one.thing == saying.thing]:
            self._close(stretch, saying)
        mine = self._open(self._key(saying))
        for stretch in self._rivals(saying):
            verdict = self.rule.compare(stretch.thing, self._key(saying)[0])
            last = stretch.last or saying
            if self.rule.kind == "once" or verdict == "unsure" or not last.is_before(saying):
                mine = mine or self._begin(saying, None)
                self.pairs.append((stretch, mine, _reason(self.rule, verdict)))
            elif self._close(stretch, saying):
                moment = max(stretch.end or saying.low, moment or saying.low)
        self._join(mine or self._begin(saying, moment), saying)

    def _rivals(self, saying: Saying) -> list[Stretch]:
        if self.rule.kind == "many":
            return []
        thing = self._key(saying)[0]
        others = [one for one in self.open if one.key[1] == saying.mood and one.thing != thing]
        return [one for one in others if self.rule.compare(one.thing, thing) != "same"]

    def _past(self, saying: Saying) -> None:
        """It adds to the last stretch of its thing, which then is over, or is one by itself that ends nothing."""
        key = self._key(saying)
        stretch = self._open(key) or next((one for one in reversed(self.done) if one.key == key), None)
        if stretch is None:
            stretch = self._begin(saying, None)
        self._join(stretch, saying)
        if stretch.end is not None and stretch.stated is not None and stretch.stated == saying.over != saying.said_at:
            stretch.end = min(stretch.end, stretch.stated)

    def _denied(self, saying: Saying) -> None:
        ended = self._end_others(saying) if saying.ends else None
        self._join(self._open(self._key(saying)) or self._begin(saying, ended), saying)

    def _end_others(self, saying: Saying) -> datetime | None:
        """Closes what the saying says is over; returns when, or None where there was nothing."""
        moment = None
        for stretch in [one for one in self.open if one.key[1] == "affirmed"]:
            if saying.thing in (None, stretch.thing) and self._close(stretch, saying):
                moment = stretch.end
        return moment

    def _cancelled(self, saying: Saying) -> Stretch:
        """A plan that was given up before its day: it never was so."""
        by = self.cancelled[saying.id]
        return Stretch(self._key(saying), [saying], saying.begins, saying.precision, saying.begins, closed_by=by.id)

    def _idle(self, saying: Saying) -> None:
        key = self._key(saying)
        stretch = next((one for one in self.done if one.key == key), None)
        if stretch is None:
            stretch = Stretch(key, [], saying.begins, saying.precision, saying.over)
            self.done.append(stretch)
        stretch.sayings.append(saying)

    # --- stretches

    def _key(self, saying: Saying) -> Key:
        assert saying.thing is not None  # noqa: S101 - only what closes others may have none
        return key_of(saying, saying.thing, self.rule)

    def _open(self, key: Key) -> Stretch | None:
        return next((one for one in self.open if one.key == key), None)

    def _begin(self, saying: Saying, moment: datetime | None) -> Stretch:
        """`moment`: when what was there before it ended."""
        start = saying.begins if moment is None else max(moment, saying.begins or moment)
        precision = saying.precision if saying.begins is not None else "day" if start is not None else None
        stretch = Stretch(self._key(saying), [], start, precision)
        self.open.append(stretch)
        return stretch

    def _join(self, stretch: Stretch, saying: Saying) -> None:
        first = stretch.sayings[0] if stretch.sayings else saying
        if stretch.start is None and saying.begins is not None and saying.begins <= first.high:
            stretch.start, stretch.precision = saying.begins, saying.precision
        if stretch.start is None and saying.is_past:
            stretch.precision = stretch.precision or saying.precision
        stretch.sayings.append(saying)
        stretch.last = saying
        if saying.over is not None:
            _state_end(stretch, saying)

    def _close(self, stretch: Stretch, by: Saying) -> bool:
        moment = max(by.low, stretch.last.high if stretch.last else by.low)
        if self._is_kept(stretch, by) or _is_known_to_end_later(stretch, moment):
            return False
        stretch.end, stretch.closed_by = moment, by.id
        self._finish(stretch)
        return True

    def _expire(self, now: datetime) -> None:
        for stretch in list(self.open):
            end = self._own_end(stretch)
            if end is not None and end <= now:
                stretch.end = end
                self._finish(stretch)

    def _own_end(self, stretch: Stretch) -> datetime | None:
        if stretch.stated_by is not None and self._is_kept(stretch, stretch.stated_by):
            return None
        return stretch.stated

    def _end_by_hand(self, saying: Saying, decision: Decision) -> None:
        for stretch in [*self.open, *self.done]:
            if saying in stretch.sayings:
                stretch.end, stretch.closed_by = decision.at or decision.made_at, None
                self._finish(stretch)

    def _finish(self, stretch: Stretch) -> None:
        if stretch in self.open:
            self.open.remove(stretch)
            self.done.append(stretch)

    # --- the outcome

    def result(self) -> Timeline:
        found = [*self.done, *self.open]
        affirmed = [one for one in found if one.key[1] == "affirmed" and one.end is not None]
        for stretch in found:
            if stretch.start is None and stretch.key[1] == "affirmed" and not stretch.sayings[0].is_past:
                self._start_after(stretch, affirmed)
        found += self.withdrawn.values()
        pairs = {(id(a), id(b)): (a, b, why) for a, b, why in self.pairs if a.end is None and b.end is None}
        unsure = [Unsure(a.sayings[0].id, b.sayings[0].id, why) for a, b, why in pairs.values()]
        return Timeline(tuple(found), tuple(unsure))

    def _start_after(self, stretch: Stretch, ended: Sequence[Stretch]) -> None:
        """What came after something else, nobody says when, was so by the time it is spoken of."""
        known = stretch.sayings[0].high
        before = [one for one in ended if self.rule.kind == "one" or one.key == stretch.key]
        if any(one is not stretch and one.end is not None and one.end <= known for one in before):
            stretch.start, stretch.precision = known, "day"


def _cancelled(sayings: Sequence[Saying]) -> list[tuple[Saying, Saying]]:
    """Plans that were given up, said to begin later and denied in the meantime, each with the denial."""
    plans = [one for one in sayings if one.said == "holds" and one.begins is not None and one.begins > one.said_at]
    ending = [one for one in sayings if one.said == "closes" or (one.said == "denied" and one.ends)]
    return [(plan, by) for plan in plans for by in [by for by in ending if _gives_up(by, plan)][:1]]


def _gives_up(by: Saying, plan: Saying) -> bool:
    later = by.said_at > plan.said_at or (by.talk is not None and by.talk == plan.talk and by.position > plan.position)
    return later and by.thing in (None, plan.thing) and by.high < plan.low


def _state_end(stretch: Stretch, saying: Saying) -> None:
    """A stated end; one that only says "by now" gives way to one that says when, and of those the latest news
    counts."""
    old = stretch.stated_by
    if old is None or old.over is None or saying.over is None:
        better = True
    elif _is_vague(old) != _is_vague(saying):
        better = _is_vague(old)
    elif _is_vague(old):
        better = saying.over < old.over
    else:
        better = (saying.said_at, saying.over) > (old.said_at, old.over)
    if better:
        stretch.stated, stretch.stated_by = saying.over, saying


def _is_vague(saying: Saying) -> bool:
    """ "used to": it ended some time before it was said."""
    return saying.over == saying.said_at


def _is_known_to_end_later(stretch: Stretch, moment: datetime) -> bool:
    """Whether somebody who looked back said that it lasted longer."""
    by = stretch.stated_by
    return by is not None and by.over is not None and moment < by.over <= by.said_at and not _is_vague(by)


def _reason(rule: Rule, verdict: str) -> str:
    if rule.kind == "once":
        return _TWICE
    return _NESTED if verdict == "unsure" else _AT_ONCE
