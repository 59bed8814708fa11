"""What a memory says of a name outweighs what the parser made of it."""

from __future__ import annotations

from memories.engine.extraction import settled
from memories.engine.types import FactDraft, Mention, Passage, Reading


def reading(types: dict[str, str], *facts: tuple[str, str, str], confidence: float = 0.9) -> Reading:
    names = list(types)
    mentions = tuple(Mention(name, i, i + 1, "name", name, kind) for i, (name, kind) in enumerate(types.items()))
    drafts = tuple(
        FactDraft(names.index(one), predicate, names.index(other), None, "…", 0, 1, confidence=confidence)
        for one, predicate, other in facts
    )
    return Reading(Passage(0, 0, 1, "…"), mentions, drafts)


def types_of(readings: list[Reading]) -> dict[str, str]:
    return {mention.name: mention.type for found in readings for mention in found.mentions}


def test_whom_one_works_for_is_an_organization() -> None:
    first = reading({"Lena": "person", "Helvion": "event"}, ("Lena", "works_for", "Helvion"))
    second = reading({"Helvion": "event"})
    assert types_of(settled([first, second])) == {"Lena": "person", "Helvion": "organization"}


def test_a_sister_is_a_person_and_a_home_is_a_place() -> None:
    said = reading(
        {"Marta": "location", "Lena": "person", "Winterthur": "person"},
        ("Marta", "sibling_of", "Lena"),
        ("Lena", "lives_in", "Winterthur"),
    )
    assert types_of(settled([said])) == {"Marta": "person", "Lena": "person", "Winterthur": "location"}


def test_an_unsure_fact_settles_nothing() -> None:
    said = reading({"Lena": "person", "Basel": "location"}, ("Lena", "works_for", "Basel"), confidence=0.51)
    assert settled([said]) == [said]


def test_people_by_their_first_name_and_names_of_the_lists_stay() -> None:
    said = reading(
        {"Lena": "person", "Peter Jones": "person", "Python": "technology"},
        ("Lena", "works_for", "Peter Jones"),
        ("Lena", "works_for", "Python"),
    )
    assert settled([said]) == [said]


def test_a_speaker_stays_a_person() -> None:
    speaker = Mention("I", 0, 1, "pronoun", "Kolovna", "person")
    said = reading({"Lena": "person", "Kolovna": "person"}, ("Lena", "works_for", "Kolovna"))
    said = Reading(said.passage, (*said.mentions, speaker), said.facts)
    assert settled([said]) == [said]
