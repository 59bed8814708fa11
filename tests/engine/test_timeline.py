"""What was so when: the order in which it became known does not matter, and what contradicts is closed in time."""

from __future__ import annotations

import random
import sys
from bisect import insort
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memories.engine.temporal import Decision, Rule, Saying, Thing, Timeline, history, key_of, timeline
from memories.engine.types import Precision

ONE = Rule("one")
MANY = Rule()
BERLIN, MUNICH, ROME = (("entity", name) for name in ("Berlin", "Munich", "Rome"))
numbers = iter(range(10**9))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def says(thing: Thing | None, said_at: str, **fields: Any) -> Saying:
    moods = {"holds": "affirmed", "denied": "negated", "closes": "", "idle": "reported"}
    said = fields.pop("said", "holds")
    for name in ("begins", "begins_by", "over"):
        if name in fields:
            fields[name] = at(fields[name])
    known = at(fields.pop("known_at", said_at))
    return Saying(
        id=next(numbers), thing=thing, said=said, said_at=at(said_at), known_at=known, mood=moods[said], **fields
    )


def told(line: Timeline) -> list[tuple[str, str, str]]:
    """Affirmed stretches as "name, from, to", by their beginning."""
    return sorted((one.thing[1], _day(one.start), _day(one.end)) for one in line.stretches if one.key[1] == "affirmed")


def _day(moment: datetime | None) -> str:
    return moment.date().isoformat() if moment else ""


def one(*sayings: Saying, rule: Rule = ONE, decisions: tuple[Decision, ...] = ()) -> list[tuple[str, str, str]]:
    return told(timeline(sayings, decisions, rule))


def test_a_month_in_which_the_old_home_was_still_told_of_is_no_way_back() -> None:
    """ "I live in Porto" of 15 April, and of 8 May "I moved to Lisbon last month"."""
    found = one(says(BERLIN, "2023-04-15"), says(MUNICH, "2023-05-08", begins="2023-04-01", begins_by="2023-05-01"))
    assert found == [("Berlin", "", "2023-04-15"), ("Munich", "2023-04-15", "")]


def test_where_one_used_to_live_ends_nothing() -> None:
    found = one(says(MUNICH, "2022-01-01"), says(BERLIN, "2023-05-08", over="2023-05-08"))
    assert found == [("Berlin", "", "2023-05-08"), ("Munich", "", "")]


def test_used_to_says_that_it_is_over_and_others_say_when() -> None:
    found = one(says(BERLIN, "2019-01-01"), says(MUNICH, "2021-01-01"), says(BERLIN, "2023-01-01", over="2023-01-01"))
    assert found == [("Berlin", "", "2021-01-01"), ("Munich", "2021-01-01", "")]


def test_a_stated_end_stands_against_later_things_that_began_before() -> None:
    found = one(
        says(BERLIN, "2022-01-01", begins="2016-01-01", over="2021-01-01"),
        says(MUNICH, "2022-01-01", begins="2018-01-01"),
    )
    assert found == [("Berlin", "2016-01-01", "2021-01-01"), ("Munich", "2018-01-01", "")]


def test_a_plan_that_was_given_up_never_was_so() -> None:
    plan = says(ROME, "2023-05-01", begins="2023-06-01", begins_by="2023-07-01")
    home = says(BERLIN, "2023-01-01")
    assert one(home, plan) == [("Berlin", "", "2023-06-01"), ("Rome", "2023-06-01", "")]
    given_up = says(ROME, "2023-05-20", said="denied", ends=True)
    assert one(home, plan, given_up) == [("Berlin", "", ""), ("Rome", "2023-06-01", "2023-06-01")]


def test_who_comes_back_after_an_ending_begins_anew() -> None:
    left = says(BERLIN, "2021-01-01", said="closes")
    assert one(says(BERLIN, "2019-01-01"), left, says(BERLIN, "2024-01-01")) == [
        ("Berlin", "", "2021-01-01"),
        ("Berlin", "2024-01-01", ""),
    ]


def test_of_many_things_each_has_its_own_time() -> None:
    found = one(
        says(BERLIN, "2019-01-01"), says(MUNICH, "2020-01-01"), says(BERLIN, "2021-01-01", said="closes"), rule=MANY
    )
    assert found == [("Berlin", "", "2021-01-01"), ("Munich", "", "")]


def test_an_event_that_happened_twice_is_two_facts() -> None:
    found = one(says(ROME, "2023-01-01", begins="2019-01-01"), says(ROME, "2023-01-01", begins="2021-01-01"), rule=MANY)
    assert found == [("Rome", "2019-01-01", ""), ("Rome", "2021-01-01", "")]


@pytest.mark.parametrize("said", ["idle", "denied"])
def test_what_is_not_asserted_or_no_ending_closes_nothing(said: str) -> None:
    assert one(says(BERLIN, "2019-01-01"), says(BERLIN, "2020-01-01", said=said)) == [("Berlin", "", "")]
    assert one(says(BERLIN, "2019-01-01"), says(MUNICH, "2020-01-01", said=said)) == [("Berlin", "", "")]


def test_a_denial_is_over_when_it_holds_again() -> None:
    line = timeline([says(BERLIN, "2019-01-01", said="denied", ends=True), says(BERLIN, "2020-01-01")], (), ONE)
    denied = next(stretch for stretch in line.stretches if stretch.key[1] == "negated")
    assert denied.end == at("2020-01-01")


def test_messages_of_a_conversation_have_an_order_and_texts_of_one_day_have_none() -> None:
    here, there = says(BERLIN, "2020-01-01", talk=1, position=0), says(MUNICH, "2020-01-01", talk=1, position=4)
    assert one(here, there) == [("Berlin", "", "2020-01-01"), ("Munich", "2020-01-01", "")]
    line = timeline([says(BERLIN, "2020-01-01"), says(MUNICH, "2020-01-01")], (), ONE)
    assert told(line) == [("Berlin", "", ""), ("Munich", "", "")]
    assert len(line.unsure) == 1
    later = timeline([says(BERLIN, "2020-01-01"), says(MUNICH, "2020-01-01"), says(MUNICH, "2021-01-01")], (), ONE)
    assert told(later) == [("Berlin", "", "2021-01-01"), ("Munich", "", "")]
    assert not later.unsure


def test_what_can_be_true_once_is_a_question_and_nothing_is_closed() -> None:
    line = timeline([says(BERLIN, "2020-01-01"), says(MUNICH, "2021-01-01")], (), Rule("once"))
    assert told(line) == [("Berlin", "", ""), ("Munich", "", "")]
    assert len(line.unsure) == 1


def test_places_within_places() -> None:
    names = {BERLIN: "Berlin", MUNICH: "Germany", ROME: "Rome"}
    inside = Rule("one", places=True, names=names, within={BERLIN: {MUNICH}})
    assert one(says(BERLIN, "2020-01-01"), says(MUNICH, "2021-01-01"), rule=inside) == [
        ("Berlin", "", ""),
        ("Munich", "", ""),
    ]
    unknown = Rule("one", places=True, names=names)
    line = timeline([says(ROME, "2020-01-01"), says(MUNICH, "2021-01-01")], (), unknown)
    assert [stretch.end for stretch in line.stretches] == [None, None]
    assert len(line.unsure) == 1


def test_a_home_told_of_every_day_is_derived_quickly() -> None:
    start = at("2020-01-01")
    days = [
        Saying(n, BERLIN, "holds", start + timedelta(days=n), start + timedelta(days=n), mood="affirmed")
        for n in range(3000)
    ]
    began = datetime.now(UTC)
    held, _ = history([*days, says(MUNICH, "2030-01-01")], (), ONE)
    assert len(held) == 2
    assert datetime.now(UTC) - began < timedelta(seconds=3)


def test_what_is_wrong_counts_for_nothing_until_it_is_said_again() -> None:
    home, there = says(BERLIN, "2020-01-01"), says(MUNICH, "2021-01-01")
    wrong = Decision(key_of(there, MUNICH, ONE), "wrong", at("2021-06-01"))
    line = timeline([home, there], (wrong,), ONE)
    assert [(one.thing, one.end, one.expired) for one in line.stretches] == [
        (BERLIN, None, None), (MUNICH, None, wrong.made_at),
    ]  # fmt: skip
    again = says(MUNICH, "2022-01-01")
    assert one(home, again, decisions=(wrong,)) == [("Berlin", "", "2022-01-01"), ("Munich", "2022-01-01", "")]


def test_a_decision_is_about_what_was_said_until_then() -> None:
    home = says(BERLIN, "2020-01-01")
    ended = Decision(key_of(home, BERLIN, ONE), "ended", at("2021-01-01"))
    assert one(home, says(BERLIN, "2022-01-01"), decisions=(ended,)) == [
        ("Berlin", "", "2021-01-01"), ("Berlin", "2022-01-01", ""),
    ]  # fmt: skip


def test_what_somebody_kept_is_ended_by_no_stated_end_and_no_denial_before() -> None:
    until = says(BERLIN, "2020-07-01", over="2020-06-01")
    kept = Decision(key_of(until, BERLIN, ONE), "kept", at("2021-01-01"))
    assert one(until, decisions=(kept,)) == [("Berlin", "", "")]
    plan = says(ROME, "2023-05-01", begins="2023-06-01", begins_by="2023-07-01")
    given_up = says(ROME, "2023-05-20", said="denied", ends=True)
    kept = Decision(key_of(plan, ROME, ONE), "kept", at("2023-06-10"))
    assert one(plan, given_up, decisions=(kept,)) == [("Rome", "2023-06-01", "")]


# --- in any order

THINGS = st.sampled_from([BERLIN, MUNICH, ROME])
MOMENTS = st.integers(0, 40).map(lambda n: at("2020-01-01") + timedelta(days=30 * n))


@st.composite
def sayings(draw: st.DrawFn) -> Saying:
    said = draw(st.sampled_from(["holds", "holds", "holds", "denied", "closes", "idle"]))
    begins = draw(st.none() | MOMENTS)
    later = st.integers(0, 20).map(lambda n: timedelta(days=30 * n))
    over = draw(st.none() | st.none() | MOMENTS)
    if begins and over and over < begins:
        over = None
    return Saying(
        id=next(numbers),
        thing=None if said == "closes" and draw(st.booleans()) else draw(THINGS),
        said=said,  # type: ignore[arg-type]
        said_at=draw(MOMENTS),
        known_at=draw(MOMENTS),
        ends=draw(st.booleans()),
        begins=begins,
        begins_by=begins + draw(later) if begins else None,
        over=over,
        talk=draw(st.none() | st.sampled_from(["a", "b"])),
        position=draw(st.integers(0, 5)),
        mood={"holds": "affirmed", "denied": "negated", "closes": "", "idle": "reported"}[said],
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Saying], list[Decision], Rule]:
    found = draw(st.lists(sayings(), max_size=8))
    rule = draw(st.sampled_from([ONE, MANY, Rule("once")]))
    about = [saying for saying in found if saying.said != "closes"]
    decided: list[Any] = []
    for saying in draw(st.lists(st.sampled_from(about), max_size=2)) if about else []:
        kind = draw(st.sampled_from(["ended", "wrong", "kept"]))
        moment = draw(MOMENTS) + timedelta(hours=len(decided) + 1)
        assert saying.thing is not None
        decided.append(Decision(key_of(saying, saying.thing, rule), kind, moment, draw(st.none() | MOMENTS)))  # type: ignore[arg-type]
    return found, decided, rule


@st.composite
def often_told(draw: st.DrawFn) -> tuple[list[Saying], list[Decision], Rule]:
    """A case in which the same is said again and again."""
    found, decided, rule = draw(cases())
    plain = [says(draw(THINGS), "2020-01-01") for _ in range(draw(st.integers(2, 7)))]
    told = [replace(one, said_at=draw(MOMENTS), known_at=draw(MOMENTS)) for one in plain]
    return found[: draw(st.integers(0, 4))] + told, decided, rule


@given(cases() | often_told(), st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_the_order_in_which_it_is_read_does_not_matter(
    case: tuple[list[Saying], list[Decision], Rule], chance: random.Random
) -> None:
    found, decided, rule = case
    mixed = list(found)
    chance.shuffle(mixed)
    assert _said(timeline(found, decided, rule)) == _said(timeline(mixed, decided[::-1], rule))


def _said(line: Timeline) -> list[tuple[str, ...]]:
    return sorted((str(one.key), str(one.span), str(one.expired), str(one.stated)) for one in line.stretches)


def test_of_two_at_one_time_neither_ends_what_goes_on() -> None:
    home, again, other = says(BERLIN, "2020-01-01"), says(BERLIN, "2020-02-01"), says(MUNICH, "2020-02-01")
    there = says(MUNICH, "2020-01-01")
    for mixed in ((home, again, other), (home, other, again), (home, there, again, other), (home, there, other, again)):
        assert one(*mixed) == [("Berlin", "", ""), ("Munich", "", "")]


@pytest.mark.parametrize("first", ["year", "day"])
def test_how_exact_a_beginning_is_does_not_depend_on_the_order(first: Precision) -> None:
    other: Precision = "day" if first == "year" else "year"
    exact = [says(BERLIN, "2021-01-01", begins="2020-01-01", precision=one) for one in (first, other)]
    assert timeline(exact, (), ONE).stretches[0].precision == "day"


@given(cases())
@settings(max_examples=300, deadline=None)
def test_every_saying_is_in_one_stretch_and_the_present_belief_is_the_timeline(
    case: tuple[list[Saying], list[Decision], Rule],
) -> None:
    found, decided, rule = case
    held, _ = history(found, decided, rule)
    rows = [saying.id for one in held for saying in one.stretch.sayings]
    assert sorted(rows) == sorted(saying.id for saying in found if saying.said != "closes")  # type: ignore[type-var]
    current = [one.stretch for one in held if one.stretch.expired is None]
    now = [one for one in timeline(found, decided, rule).stretches if one.expired is None]
    assert sorted(str((one.key, one.span)) for one in current) == sorted(str((one.key, one.span)) for one in now)
    for one in held:
        assert one.created <= one.since
        assert all(belief.since < belief.until for belief in one.earlier)


@given(cases())
@settings(max_examples=200, deadline=None)
def test_one_thing_at_a_time(case: tuple[list[Saying], list[Decision], Rule]) -> None:
    """Without decisions and stated ends, two of a kind are open only where nothing tells them apart in time."""
    found, _, _ = case
    plain = [saying for saying in found if saying.over is None]
    line = timeline(plain, (), ONE)
    still = [one for one in line.stretches if one.key[1] == "affirmed" and one.end is None]
    assert len(still) <= 1 or line.unsure


@given(cases() | often_told(), MOMENTS)
@settings(max_examples=300, deadline=None)
def test_what_was_believed_is_what_followed_from_what_was_known(
    case: tuple[list[Saying], list[Decision], Rule], moment: datetime
) -> None:
    """The memory that is gone was never believed: the history is the same as if it had not been there."""
    found, decided, rule = case
    held, _ = history(found, decided, rule)
    then = timeline(
        [saying for saying in found if saying.known_at <= moment],
        [one for one in decided if one.made_at <= moment],
        rule,
    )
    believed = {(one.stretch.key, span) for one in held if (span := _at(one, moment)) is not None}
    assert believed <= {(one.key, one.span) for one in then.stretches if one.expired is None}


def _at(held: Any, moment: datetime) -> Any:
    for belief in held.earlier:
        if belief.since <= moment < belief.until:
            return belief.span
    gone = held.stretch.expired is not None and held.stretch.expired <= moment
    return held.stretch.span if held.since <= moment and not gone else None


def _beliefs(found: list[Saying], decided: list[Decision], rule: Rule) -> list[tuple[object, ...]]:
    held, _ = history(found, decided, rule)
    return [(one.stretch.key, one.stretch.span, one.created, one.since, one.earlier) for one in held]


def _at_each_time(found: list[Saying], decided: list[Decision], rule: Rule) -> list[tuple[object, ...]]:
    """The beliefs without the short way for what is told again and again."""

    def derives(known: list[Saying], saying: Saying, *_: object) -> bool:
        insort(known, saying, key=lambda one: one.order)
        return False

    with patch.object(sys.modules["memories.engine.temporal.history"], "_adds_nothing", derives):
        return _beliefs(found, decided, rule)


@given(often_told())
@settings(max_examples=300, deadline=None)
def test_what_is_told_again_and_again_is_believed_since_it_followed(
    case: tuple[list[Saying], list[Decision], Rule],
) -> None:
    assert _beliefs(*case) == _at_each_time(*case)


HOME = says(BERLIN, "2020-01-01")


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(
            [HOME, says(MUNICH, "2020-01-01"), says(MUNICH, "2021-01-01")],
            id="after two at one time",
        ),
        pytest.param(
            [
                HOME,
                says(BERLIN, "2020-05-01", known_at="2022-01-01"),
                says(ROME, "2020-06-01", said="idle"),
                says(MUNICH, "2020-07-01", begins="2020-02-01", begins_by="2020-07-01"),
            ],
            id="within what nobody dates to the day",
        ),
        pytest.param(
            [
                HOME,
                says(BERLIN, "2020-05-01", known_at="2022-01-01"),
                says(MUNICH, "2020-05-01", talk="a", position=4),
            ],
            id="at the time of something else",
        ),
    ],
)
def test_what_is_told_again_may_say_something_new(found: list[Saying]) -> None:
    """It was passed over once, and its consequences were believed before it was said."""
    assert _beliefs(found, [], ONE) == _at_each_time(found, [], ONE)
    assert any(earlier for *_, earlier in _beliefs(found, [], ONE))


def test_a_decision_counts_though_something_is_told_again_at_the_same_moment() -> None:
    found = [HOME, says(BERLIN, "2020-05-01")]
    ended = Decision(key_of(HOME, BERLIN, ONE), "ended", at("2020-05-01"))
    later = replace(ended, made_at=at("2021-01-01"))
    again = [*found, says(BERLIN, "2020-06-01", known_at="2021-01-01")]
    for sayings_, decision in ((found, ended), (again, later)):
        assert _beliefs(sayings_, [decision], ONE) == _at_each_time(sayings_, [decision], ONE)
