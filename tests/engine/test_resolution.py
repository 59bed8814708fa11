"""Which names stand for which entity, within a memory and against what is known."""

from __future__ import annotations

from random import Random
from time import process_time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memories.engine.resolution import fold, lookup_keys, resolve
from memories.engine.resolution.shortening import Index
from memories.engine.types import KnownEntity, Mention, Resolution


def mention(name: str, kind: str = "person", text: str = "") -> Mention:
    return Mention(text or name, 0, len(text or name), "name" if not text else "pronoun", name, kind)


def known(number: int, name: str, kind: str = "person", *aliases: str) -> KnownEntity:
    return KnownEntity(UUID(int=number), name, kind, frozenset(aliases))


def groups(resolution: Resolution) -> list[tuple[str, frozenset[str]]]:
    return [(entity.name, entity.aliases) for entity in resolution.entities]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("  The  Beatles ", "beatles"),
        ("Anna's", "anna"),
        ("ACME Corp.", "acme corp."),
        ("\uff21cme", "acme"),
        ("the", "the"),
        ("'s", "'s"),
        ("Straße", "strasse"),
    ],
)
def test_fold(name: str, key: str) -> None:
    assert fold(name) == key


@given(st.text(min_size=1))
def test_a_name_never_folds_to_nothing(name: str) -> None:
    assert fold(name)


def test_one_folded_name_is_one_entity() -> None:
    resolution = resolve([mention("Beatles", "organization"), mention("the Beatles", "organization")], [])
    assert resolution.entity_of == (0, 0)
    assert resolution.entities[0].aliases == {"Beatles", "the Beatles"}
    assert resolution.entities[0].id is None


def test_other_types_are_other_entities() -> None:
    assert resolve([mention("Jordan"), mention("Jordan", "location")], []).entity_of == (0, 1)


def test_a_first_name_joins_the_full_one() -> None:
    resolution = resolve([mention("Anna"), mention("Tom"), mention("Anna Smith"), mention("Mr. Smith")], [])
    assert groups(resolution) == [
        ("Anna Smith", frozenset({"Anna", "Anna Smith", "Mr. Smith"})),
        ("Tom", frozenset({"Tom"})),
    ]


def test_a_first_name_of_two_people_joins_neither() -> None:
    assert len(resolve([mention("Anna"), mention("Anna Smith"), mention("Anna Jones")], []).entities) == 3


def test_initials_and_nicknames_of_people() -> None:
    assert len(resolve([mention("A. Smith"), mention("Anna Smith")], []).entities) == 1
    assert len(resolve([mention("Bob Dylan"), mention("Robert Dylan")], []).entities) == 1
    assert len(resolve([mention("B. Smith"), mention("Anna Smith")], []).entities) == 2


def test_acronyms_and_legal_forms_of_organizations() -> None:
    names = ["IBM", "International Business Machines", "Acme", "Acme Corp.", "Acme Foods"]
    resolution = resolve([mention(name, "organization") for name in names], [])
    assert resolution.entity_of == (0, 0, 1, 1, 2)


def test_known_by_name_or_alias() -> None:
    anna = known(1, "Anna Smith", "person", "Annie")
    resolution = resolve([mention("annie"), mention("Anna Smith", text="she")], [anna])
    assert groups(resolution) == [("Anna Smith", frozenset({"Anna Smith", "annie", "Annie"}))]
    assert resolution.entities[0].id == anna.id


def test_known_of_another_type_is_another() -> None:
    assert resolve([mention("Jordan")], [known(1, "Jordan", "location")]).entities[0].id is None


def test_the_full_name_counts_before_the_short_one() -> None:
    people = [known(1, "Anna Jones", "person", "Anna"), known(2, "Anna Smith")]
    assert resolve([mention("Anna"), mention("Anna Smith")], people).entities[0].id == UUID(int=2)


def test_a_bare_firm_is_found_by_its_legal_name() -> None:
    assert resolve([mention("Acme Inc", "organization")], [known(1, "Acme", "organization")]).entities[0].id


def test_lookup_keys_find_what_resolve_matches() -> None:
    assert lookup_keys([mention("Acme Inc", "organization"), mention("Anna", text="she")]) == {
        "acme inc",
        "acme",
        "anna",
    }


names = st.sampled_from(
    ["Anna", "Anna Smith", "A. Smith", "Smith", "Tom Smith", "IBM", "Acme", "Acme Corp", "the Acme", "I"]
)
types = st.sampled_from(["person", "organization", "concept"])
mentions = st.lists(st.builds(mention, names, types), max_size=8)
entities = st.lists(st.tuples(names, types, st.frozensets(names, max_size=2)), max_size=6)


@given(mentions, entities, st.randoms())
def test_the_order_of_the_known_does_not_matter(
    found: list[Mention], rows: list[tuple[str, str, frozenset[str]]], random: Random
) -> None:
    people = [KnownEntity(UUID(int=i), name, kind, aliases) for i, (name, kind, aliases) in enumerate(rows)]
    shuffled = list(people)
    random.shuffle(shuffled)
    assert resolve(found, people) == resolve(found, shuffled)


@given(mentions, entities)
def test_every_mention_has_an_entity_and_every_entity_a_mention(
    found: list[Mention], rows: list[tuple[str, str, frozenset[str]]]
) -> None:
    people = [KnownEntity(UUID(int=i), name, kind, aliases) for i, (name, kind, aliases) in enumerate(rows)]
    resolution = resolve(found, people)
    assert set(resolution.entity_of) == set(range(len(resolution.entities)))
    assert len(resolution.entity_of) == len(found)
    ids = [entity.id for entity in resolution.entities if entity.id]
    assert len(ids) == len(set(ids))
    assert all(found[i].name in resolution.entities[place].aliases for i, place in enumerate(resolution.entity_of))


PARTS = ["Anna", "Bob", "Robert", "A.", "R.", "Dr.", "Mr", "J.", "James", "Smith", "Jones", "Weber", " "]
FIRMS = ["Acme", "Acme Corp.", "Acme Inc", "ACME", "World Health Organization", "WHO", "W.H.O.", "The Acme", "Inc"]
NAMES = st.lists(st.sampled_from(PARTS), min_size=1, max_size=3).map(" ".join) | st.sampled_from(FIRMS)
MENTIONS = st.lists(st.builds(mention, NAMES, st.sampled_from(["person", "person", "organization", "concept"])))


@given(MENTIONS)
def test_who_is_not_compared_would_not_have_been_joined(mentions: list[Mention]) -> None:
    expected = resolve(mentions, ())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Index, "candidates", lambda index, thing: list(index._things.values()))
        assert resolve(mentions, ()) == expected


def test_thousands_of_names_are_resolved_in_seconds() -> None:
    people = [f"{first}{n} {last}{n % 70}" for n, first in enumerate(["Anna", "Carl"] * 3000) for last in ["Smith"]]
    mentions = [mention(name) for name in people] + [mention(f"Smith{n}") for n in range(70)]
    begun = process_time()
    resolution = resolve(mentions, ())
    assert process_time() - begun < 10, "all were compared with all"
    assert len(resolution.entities) == 6070
