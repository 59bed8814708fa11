"""Packed readings are the same readings, one batch of objects at a time."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime

from memories.engine.packing import BATCH, Packed
from memories.engine.types import FactDraft, Mention, Passage, Reading


def reading(number: int) -> Reading:
    text = f"Anna Smith met Bruno Costa {number} times in “Graz”."
    passage = Passage(
        number, number * 100, number * 100 + len(text), text, None, "Anna", datetime(2024, 5, 7, tzinfo=UTC)
    )
    mentions = tuple(
        Mention(name, passage.start + place, passage.start + place + 5, "name", name, "person")
        for place, name in enumerate(["Anna Smith", "Bruno Costa", f"Person {number}"] * 5)
    )
    fact = FactDraft(
        0, "met", 1, None, text, passage.start, passage.end, valid_at=datetime(2020, 1, 1, tzinfo=UTC), ends=("knows",)
    )
    return Reading(passage, mentions, tuple(replace(fact, object=place) for place in range(1, 15)), "test-1")


def test_what_went_in_comes_out_as_often_as_one_likes() -> None:
    some = [reading(number) for number in range(2 * BATCH + 3)]
    packed = Packed(some)
    assert list(packed) == list(packed) == some
    assert (len(packed), packed.last) == (len(some), some[-1])
    packed.add([reading(99)])
    assert list(packed) == [*some, reading(99)]
    assert reading(99) in packed
    assert reading(100) not in packed


def test_nothing_is_nothing() -> None:
    packed = Packed()
    packed.add([])
    assert (list(packed), len(packed), packed.last) == ([], 0, None)


def test_a_long_memory_takes_a_small_part_of_the_room() -> None:
    def size(collect: type) -> int:
        tracemalloc.start()
        kept = collect(reading(number) for number in range(1000))
        found = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert len(kept) == 1000
        return found

    assert size(Packed) * 5 < size(list)
