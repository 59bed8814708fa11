"""Which names stand for which entity: within a memory, and how alike two names of a project are."""

from __future__ import annotations

from random import Random
from time import process_time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memories.engine.resolution import fold, resolve
from memories.engine.resolution.bearers import Reader, bearers
from memories.engine.resolution.blocking import blocking_keys, partner
from memories.engine.resolution.clustering import Link, Node, Web, cluster
from memories.engine.resolution.identity import key_of
from memories.engine.resolution.judging import Evidence, judge
from memories.engine.resolution.likeness import likeness
from memories.engine.resolution.shortening import Index
from memories.engine.types import Mention, Resolution


def mention(name: str, kind: str = "person", text: str = "") -> Mention:
    return Mention(text or name, 0, len(text or name), "name" if not text else "pronoun", name, kind)


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


# --- one key for what is one name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("José García", "Jose Garcia"),
        ("Dr. Anna Smith", "anna smith"),
        ("Smith, Anna", "Anna Smith"),
        ("J.R.R. Tolkien", "J. R. R. Tolkien"),
        ("Jean-Luc Picard", "Jean Luc Picard"),
        ("Sinead O'Connor", "Sinéad O\u2019Connor"),
        ("Łukasz Żak", "Lukasz Zak"),
    ],
)
def test_one_person(one: str, other: str) -> None:
    assert key_of(one, person=True) == key_of(other, person=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [("the Acme Corp.", "Acme"), ("U.S.A.", "USA"), ("Zürich", "Zurich"), ("Acme, Inc.", "ACME")],
)
def test_one_thing(one: str, other: str) -> None:
    assert key_of(one, person=False) == key_of(other, person=False)


@pytest.mark.parametrize(
    ("one", "other"),
    [("C", "C++"), ("C#", "C"), ("NET", ".NET"), ("Anna Smith", "Anna Smith Jr."), ("Мир", "Мыр"), ("Й", "И")],
)
def test_two_things(one: str, other: str) -> None:
    assert key_of(one, person=False) != key_of(other, person=False)


@given(st.text(min_size=1), st.booleans())
def test_every_name_has_a_key(name: str, person: bool) -> None:
    key = key_of(name, person=person)
    assert key[:2] == ("p:" if person else "t:")
    assert all(len(block) <= 200 for block, _ in blocking_keys(key))


# --- within a memory


def test_one_key_is_one_entity() -> None:
    resolution = resolve([mention("Beatles", "organization"), mention("the Beatles", "organization")])
    assert resolution.entity_of == (0, 0)
    assert resolution.entities[0].aliases == {"Beatles", "the Beatles"}


def test_other_types_are_other_entities() -> None:
    assert resolve([mention("Jordan"), mention("Jordan", "location")]).entity_of == (0, 1)


def test_a_first_name_joins_the_full_one() -> None:
    resolution = resolve([mention("Anna"), mention("Tom"), mention("Anna Smith"), mention("Mr. Smith")])
    assert groups(resolution) == [
        ("Anna Smith", frozenset({"Anna", "Anna Smith", "Mr. Smith"})),
        ("Tom", frozenset({"Tom"})),
    ]


def test_a_first_name_of_two_people_joins_neither() -> None:
    assert len(resolve([mention("Anna"), mention("Anna Smith"), mention("Anna Jones")]).entities) == 3


def test_initials_and_nicknames_of_people() -> None:
    assert len(resolve([mention("A. Smith"), mention("Anna Smith")]).entities) == 1
    assert len(resolve([mention("Bob Dylan"), mention("Robert Dylan")]).entities) == 1
    assert len(resolve([mention("B. Smith"), mention("Anna Smith")]).entities) == 2


def test_acronyms_and_legal_forms_of_organizations() -> None:
    names = ["IBM", "International Business Machines", "Acme", "Acme Corp.", "Acme Foods"]
    resolution = resolve([mention(name, "organization") for name in names])
    assert resolution.entity_of == (0, 0, 1, 1, 2)


def test_another_of_the_name_is_another() -> None:
    said = [mention("Anna"), mention("Anna"), mention("Anna", text="she"), mention("Anna")]
    resolution = resolve(said, ["", "I met another ", "Then ", "But "])
    assert resolution.entity_of == (0, 1, 1, 0)
    assert [entity.other for entity in resolution.entities] == [False, True]
    assert resolution.entities[0].key == resolution.entities[1].key


def test_a_different_one_may_be_the_only_one() -> None:
    resolution = resolve([mention("Anna"), mention("Anna")], ["I met a different ", "Later "])
    assert (resolution.entity_of, resolution.entities[0].other) == ((0, 0), True)


def test_another_may_be_part_of_the_name_and_says_nothing_of_things() -> None:
    assert resolve([mention("Another John Smith")]).entities[0].name == "John Smith"
    assert resolve([mention("Google", "organization")], ["another "]).entities[0].other is False


names = st.sampled_from(
    ["Anna", "Anna Smith", "A. Smith", "Smith", "Tom Smith", "IBM", "Acme", "Acme Corp", "the Acme"]
)
types = st.sampled_from(["person", "organization", "concept"])
mentions = st.lists(st.builds(mention, names, types), max_size=8)


@given(mentions)
def test_every_mention_has_an_entity_and_every_entity_a_mention(found: list[Mention]) -> None:
    resolution = resolve(found)
    assert set(resolution.entity_of) == set(range(len(resolution.entities)))
    assert len(resolution.entity_of) == len(found) == len(resolution.called)
    assert all(found[i].name in resolution.entities[place].aliases for i, place in enumerate(resolution.entity_of))


# --- how alike two names are

PEOPLE_ALIKE = [
    ("Bill Smith", "William Smith"), ("Liz Warren", "Elizabeth Warren"), ("A. Smith", "Anna Smith"),
    ("John F. Kennedy", "John Fitzgerald Kennedy"), ("John Kennedy", "John Fitzgerald Kennedy"),
    ("JFK", "John Fitzgerald Kennedy"), ("Katherine Johnson", "Katherine Jonson"), ("Mohammed Ali", "Muhammad Ali"),
    ("Anna Müller", "Anna Mueller"), ("Jon Smith", "John Smith"), ("Barack Obama", "Barak Obama"),
    ("Anna", "Anna Smith"), ("Smith", "Anna Smith"), ("Liz", "Elizabeth Warren"), ("Liz", "Elizabeth"),
    ("Anna Schmidt", "Anna Schmitt"), ("Ivan Turgenev", "Иван Тургенев"), ("Smith John", "John Smith"),
    ("Fyodor Dostoevsky", "Fyodor Dostoyevsky"), ("Mahatma Gandhi", "Mahatma Ghandi"),
    ("J. Kennedy", "John F. Kennedy"),
]  # fmt: skip
PEOPLE_APART = [
    ("Mario Costa", "Maria Costa"), ("Daniel Smith", "Danielle Smith"), ("John Smith Jr.", "John Smith"),
    ("Henry VII", "Henry VIII"), ("Anna Smith", "Anna Jones"), ("Anna Smith", "Hanna Smith"), ("Li Wei", "Li Wen"),
    ("Kim Jong Un", "Kim Jong Il"), ("Julia Roberts", "Julian Roberts"), ("B. Smith", "Anna Smith"), ("Tom", "Tim"),
    ("Anna", "Ana"), ("Marie Curie", "Mario Curie"), ("John Smith Sr.", "John Smith Jr."), ("Ann Lee", "Ben Lee"),
]  # fmt: skip
THINGS_ALIKE = [
    ("Microsoft", "Microsft"), ("Open AI", "OpenAI"), ("University of Oxford", "Oxford University"),
    ("IBM", "International Business Machines"), ("Goldman Sachs", "Goldmann Sachs"), ("Düsseldorf", "Duesseldorf"),
    ("neural network", "neural networks"), ("Massachusetts", "Massachussetts"), ("data base", "database"),
]  # fmt: skip
THINGS_APART = [
    ("GPT-3", "GPT-4"), ("Windows 10", "Windows 11"), ("Austria", "Australia"), ("Iran", "Iraq"), ("Niger", "Nigeria"),
    ("North Korea", "South Korea"), ("Slovenia", "Slovakia"), ("Carolina", "Caroline"), ("Dominica", "Dominican"),
    ("Apollo 11", "Apollo 12"), ("Acme", "Acme Foods"), ("World War I", "World War II"), ("Germany", "German"),
    ("The Princess and the Frog", "The Frog Princess"), ("Cat", "Car"),
]  # fmt: skip


def both_ways(one: str, other: str, *, person: bool) -> bool:
    """Whether two names are alike, asked either way, and whether they meet where names are compared."""
    a, b = key_of(one, person=person), key_of(other, person=person)
    found = likeness(a, b)
    assert found == likeness(b, a)
    if found is not None:
        assert any(partner(*block) in blocking_keys(b) for block in blocking_keys(a)), "they never meet"
    return found is not None


@pytest.mark.parametrize(("one", "other"), PEOPLE_ALIKE)
def test_people_that_may_be_one(one: str, other: str) -> None:
    assert both_ways(one, other, person=True)


@pytest.mark.parametrize(("one", "other"), PEOPLE_APART)
def test_people_that_are_two(one: str, other: str) -> None:
    assert not both_ways(one, other, person=True)


@pytest.mark.parametrize(("one", "other"), THINGS_ALIKE)
def test_things_that_may_be_one(one: str, other: str) -> None:
    assert both_ways(one, other, person=False)


@pytest.mark.parametrize(("one", "other"), THINGS_APART)
def test_things_that_are_two(one: str, other: str) -> None:
    assert not both_ways(one, other, person=False)


def test_people_and_things_never_meet() -> None:
    assert likeness("p:jordan", "t:jordan") is None


# --- whether two are one


def sure(one: str, other: str, evidence: Evidence = Evidence()) -> bool | None:  # noqa: B008 - a frozen value
    like = likeness(key_of(one, person=True), key_of(other, person=True))
    assert like is not None
    found = judge(like, evidence)
    return found.sure if found else None


def test_another_script_is_sure_and_a_nickname_is_with_something_in_common() -> None:
    assert sure("Anna Müller", "Anna Mueller") is True
    assert sure("Bill Smith", "William Smith") is False
    assert sure("Bill Smith", "William Smith", Evidence(shared=1)) is True


def test_a_short_name_of_several_is_never_sure() -> None:
    assert sure("A. Smith", "Anna Smith", Evidence(shared=3)) is True
    assert sure("A. Smith", "Anna Smith", Evidence(shared=3, candidates=2)) is False
    assert sure("Anna", "Anna Smith", Evidence(candidates=3)) is None


def test_what_speaks_against_it() -> None:
    assert sure("Bill Smith", "William Smith", Evidence(shared=3, together=1)) is False
    assert sure("Bill Smith", "William Smith", Evidence(shared=3, connected=True)) is None
    assert sure("Bill Smith", "William Smith", Evidence(shared=3, contradicted=True)) is None
    assert sure("Anna Müller", "Anna Mueller", Evidence(same_type=False)) is False


# --- two of one name


def never(one: str, other: str) -> bool:
    return False


def test_born_apart_are_two() -> None:
    readers = [Reader(births=frozenset({(1950, 0, 0)})), Reader(births=frozenset({(1982, 5, 3)})), Reader()]
    assert bearers(readers, never) in ([0, 1, 0], [1, 0, 0])
    assert bearers(readers[:1] + readers[2:], never) == [0, 0]


def test_a_year_and_a_day_of_it_are_one() -> None:
    assert bearers([Reader(births=frozenset({(1982, 0, 0)})), Reader(births=frozenset({(1982, 5, 3)}))], never) == [
        0,
        0,
    ]


def test_a_town_and_its_country_are_one() -> None:
    readers = [Reader(places=frozenset({"lyon"})), Reader(places=frozenset({"france"}))]
    assert len(set(bearers(readers, never))) == 2
    assert len(set(bearers(readers, lambda one, other: True))) == 1


def test_who_says_nothing_of_birth_goes_where_the_company_is() -> None:
    leeds = Reader(births=frozenset({(1950, 0, 0)}), near=frozenset({"acme"}))
    boston = Reader(births=frozenset({(1982, 0, 0)}), near=frozenset({"globex"}))
    first, second, third, fourth = bearers(
        [leeds, boston, Reader(near=frozenset({"acme"})), Reader(near=frozenset({"globex"}))], never
    )
    assert (first, second) == (third, fourth)
    assert first != second


readers = st.builds(
    Reader,
    st.booleans(),
    st.frozensets(st.sampled_from([(1950, 0, 0), (1950, 3, 1), (1982, 0, 0)]), max_size=1),
    st.frozensets(st.sampled_from(["leeds", "boston", "england"]), max_size=1),
    st.frozensets(st.sampled_from(["acme", "globex"]), max_size=2),
)


@given(st.lists(readers, max_size=6), st.randoms())
def test_bearers_do_not_depend_on_the_order(found: list[Reader], random: Random) -> None:
    shuffled = list(enumerate(found))
    random.shuffle(shuffled)
    numbers = bearers([reader for _, reader in shuffled], never)
    back = [number for _, number in sorted(zip([i for i, _ in shuffled], numbers, strict=True))]
    assert back == bearers(found, never)


# --- who is one


def node(number: int, key: str, weight: int = 1) -> Node:
    return Node(UUID(int=number), key, 0, weight)


def test_a_short_name_joins_the_one_that_is_called_so() -> None:
    anna, smith, jones = node(1, "p:anna"), node(2, "p:anna smith"), node(3, "p:anna jones")
    nodes = {one.id: one for one in (anna, smith, jones)}
    assert cluster(Web(nodes, calls={anna.id: {smith.id}})).root_of[anna.id] == smith.id
    assert cluster(Web(nodes, calls={anna.id: {smith.id, jones.id}})).root_of[anna.id] == anna.id
    together = [frozenset((anna.id, smith.id))]
    assert cluster(Web(nodes, calls={anna.id: {smith.id}}, doubtful=together)).root_of[anna.id] == anna.id
    one = Web(nodes, merges=[(jones.id, smith.id)], calls={anna.id: {smith.id, jones.id}})
    assert set(cluster(one).root_of.values()) == {smith.id}


def test_what_is_apart_is_not_joined_through_a_third() -> None:
    a, b, c = node(1, "p:ann lee", 3), node(2, "p:anne lee", 2), node(3, "p:annie lee", 1)
    nodes = {one.id: one for one in (a, b, c)}
    links = [Link(a.id, b.id, 0.95), Link(b.id, c.id, 0.91)]
    assert len(set(cluster(Web(nodes, links)).root_of.values())) == 1
    apart = [frozenset((a.id, c.id))]
    assert cluster(Web(nodes, links, apart=apart)).root_of == {a.id: a.id, b.id: a.id, c.id: c.id}


def test_a_merge_by_people_counts_more_than_what_is_apart() -> None:
    a, b = node(1, "p:ann"), node(2, "p:bob")
    web = Web({a.id: a, b.id: b}, merges=[(b.id, a.id)], apart=[frozenset((a.id, b.id))])
    assert set(cluster(web).root_of.values()) == {a.id}


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=6),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=3),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=6),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=3),
    st.randoms(),
)
def test_clusters_do_not_depend_on_the_order(
    links: list[tuple[int, int]],
    merges: list[tuple[int, int]],
    calls: list[tuple[int, int]],
    apart: list[tuple[int, int]],
    random: Random,
) -> None:
    nodes = {UUID(int=i): node(i, "p:" + " ".join("abcdef"[: i // 2 + 1]) + str(i), i) for i in range(6)}

    def web() -> Web:
        for some in (links, merges, calls, apart):
            random.shuffle(some)
        shuffled = list(nodes.items())
        random.shuffle(shuffled)
        called: dict[UUID, set[UUID]] = {}
        for one, other in calls:
            low, high = sorted((one, other))
            called.setdefault(UUID(int=low), set()).add(UUID(int=high))
        return Web(
            dict(shuffled),
            [Link(UUID(int=a), UUID(int=b), 0.9 + min(a, b) / 100) for a, b in links if a != b],
            [(UUID(int=a), UUID(int=b)) for a, b in merges if a != b],
            called,
            {frozenset((UUID(int=a), UUID(int=b))) for a, b in apart if a != b},
        )

    one, other = cluster(web()), cluster(web())
    assert one.root_of == other.root_of
    assert sorted(one.joined) == sorted(other.joined)
    assert all(one.root_of[root] == root for root in one.root_of.values())


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
