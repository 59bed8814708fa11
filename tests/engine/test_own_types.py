"""Types of a project's own: patterns, lists of names, nouns; and what becomes of what the schema does not allow."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memories.engine.extraction import conform, patterns
from memories.engine.extraction.vocabulary import Vocabulary
from memories.engine.types import FactDraft, Mention, Passage, Reading, RelationRule, Schema, TypeRule, WordList
from tests.engine.test_extraction import read, talk_with

BUILT_IN = frozenset(
    ["person", "organization", "location", "group", "event", "product", "work", "technology", "concept"]
)


def words(*names: str) -> WordList:
    return WordList(hashlib.sha256("\n".join(names).encode()).hexdigest(), names)


def own(*rules: TypeRule) -> Schema:
    return Schema(BUILT_IN | {rule.name for rule in rules}, type_rules=rules)


def test_a_pattern_finds_entities_of_its_type() -> None:
    schema = own(TypeRule("invoice", pattern=r"\bINV-\d{4}\b"))
    found = read("Anna paid INV-2041 in Berlin, and not inv-2041.", schema)
    assert found.types() == {"Anna": "person", "INV-2041": "invoice", "Berlin": "location"}
    assert ("Anna", "pay", "INV-2041") in found.triples()


def test_a_group_marks_the_name() -> None:
    schema = own(TypeRule("ticket", pattern=r"(?i)ticket (?P<name>[A-Z]{2,5}-\d+)"))
    assert read("See ticket OPS-12 for more.", schema).types() == {"OPS-12": "ticket"}


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("Northwind", "She joined Northwind in May.", {"Northwind"}),
        ("ibuprofen", "Ibuprofen helped, more ibuprofen did not.", {"Ibuprofen", "ibuprofen"}),
        ("Apple", "An apple a day keeps Apple away.", {"Apple"}),
        ("Blue Whale", "They sailed on the Blue\nWhale.", {"Blue\nWhale"}),
        ("C++", "I write C++ and C.", {"C++"}),
        ("C", "I write C++ daily.", set()),
        ("北京大学", "我在北京大学学习。", {"北京大学"}),
        ("กรุงเทพ", "ฉันอยู่กรุงเทพครับ", {"กรุงเทพ"}),
        ("תל אביב", "גרתי בתל אביב, תל אביב יפה", {"תל אביב"}),
        ("🚀 Launch", "The 🚀 Launch was fine.", {"🚀 Launch"}),
    ],
)
def test_a_listed_name_is_found_as_it_is_written(name: str, text: str, found: set[str]) -> None:
    hits = list(Vocabulary([("own", [name])]).find(text))
    assert {text[hit.start : hit.end] for hit in hits} == found
    mentioned = {mention.text for mention in read(text, own(TypeRule("own", words=words(name)))).mentions}
    assert found <= mentioned


def test_own_types_win_over_the_recogniser_and_over_what_is_said() -> None:
    schema = own(TypeRule("customer", words=words("London", "Berlin Partners")))
    found = read("Anna lives in London. Berlin Partners called. Tom was born in London.", schema)
    assert found.types()["London"] == found.types()["Berlin Partners"] == "customer"
    assert all(mention.given for mention in found.mentions if mention.type == "customer")


def test_the_longest_name_wins_and_the_first_type_by_name() -> None:
    names = Vocabulary([("a", ["New York", "York"]), ("b", ["New York Times", "York"])])
    text = "The New York Times and York."
    assert [(hit.name, hit.type) for hit in names.find(text)] == [("New York Times", "b"), ("York", "a")]


def test_phrases_that_end_with_a_noun() -> None:
    schema = own(TypeRule("allergy", words=words("allergy", "intolerance"), noun_phrases=True))
    found = read("Anna has a severe peanut allergy, and her brother has food allergies.", schema)
    assert {text for text, kind in found.types().items() if kind == "allergy"} == {
        "severe peanut allergy",
        "food allergies",
    }


def test_a_hundred_thousand_names_that_begin_alike_are_found_quickly() -> None:
    names = Vocabulary([("ship", [f"The Ship {number}" for number in range(100_000)])])
    text = "The the the The Ship 99999 sailed. " * 300
    start = time.process_time()
    found = list(names.find(text))
    assert len(found) == 300
    assert time.process_time() - start < 1


def test_a_list_of_every_word_ends_and_every_word_is_one() -> None:
    text = "it was a good day and we went out to see what there is to eat in the old town " * 40
    schema = own(TypeRule("anything", words=words(*sorted(set(text.split())))))
    found = read(text, schema)
    assert {mention.type for mention in found.mentions} == {"anything"}


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "😀" * 3_000,
        "العربية مكتوبة من اليمين إلى اليسار " * 50,
        "这是一个没有空格的很长的句子" * 200,
        "INV-1" * 20_000,
        "\u0301\u0301\u0301 \u200f\u202e",
        "",
    ],
)
def test_texts_that_are_no_prose_are_read_with_own_types(text: str) -> None:
    schema = own(
        TypeRule("code", pattern=r"INV-\d+"),
        TypeRule("word", words=words("العربية", "句子", "😀😀")),
        TypeRule("noun", words=words("day"), noun_phrases=True),
    )
    for mention in read(text, schema).mentions:
        assert text[mention.start : mention.end] == mention.text


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "missing"),
        ("[", "missing"),
        ("a{1001}", "repetition"),
        ("(?=a)b", "perl"),
        (r"(a)\1", "escape"),
        ("x*", "no letter"),
        (r"\b", "no letter"),
        ("^", "no letter"),
        ("|a", "no letter"),
        ("a?", "no letter"),
        (".+", "everything"),
        (r"\w+", "everything"),
        (r"[a-z]+", "everything"),
        (r"(?s).*", "no letter"),
        ("((a{100}){10}){10}", "repetition"),
        (r"\w{1,900}\w{1,900}", "repeats"),
        ("a" * 501, "500"),
    ],
)
def test_a_pattern_that_is_no_use_is_refused_with_a_reason(pattern: str, reason: str) -> None:
    with pytest.raises(patterns.BadPattern, match=reason):
        patterns.check(pattern)


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(x+x+)+y", r"(a|aa)+!", r"([A-Za-z]+)*\d", r"(.*)(.*)(.*)(.*)INV"])
def test_a_pattern_that_hangs_other_engines_is_quick(pattern: str) -> None:
    start = time.process_time()
    for text in ("a" * 4_000 + "b", "x" * 4_000, "INV " * 1_000):
        list(patterns.matches(pattern, text))
    assert time.process_time() - start < 2


def test_a_pattern_gives_a_bounded_number_of_names() -> None:
    assert len(list(patterns.matches("a", "a " * 5_000))) == patterns.MOST_MATCHES
    assert list(patterns.matches("x*", "abc")) == []
    assert list(patterns.matches(" a |b ", "x a b ")) == [(2, 3), (4, 5)]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_any_pattern_is_refused_or_finds_spans_with_a_letter(pattern: str) -> None:
    try:
        patterns.check(pattern)
    except patterns.BadPattern:
        return
    text = f"before {pattern} after 12"
    assert all(any(sign.isalnum() for sign in text[start:end]) for start, end in patterns.matches(pattern, text))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=12), max_size=5), st.text(max_size=60))
def test_any_list_finds_names_that_stand_there(names: list[str], text: str) -> None:
    last = 0
    for hit in Vocabulary([("own", names)]).find(text):
        assert last <= hit.start < hit.end <= len(text)
        last = hit.end


# --- what the schema does not allow


def reading() -> Reading:
    text = "Anna works for Acme in Rome."
    places = ((0, 4, "person"), (15, 19, "organization"), (23, 27, "location"))
    mentions = tuple(Mention(text[a:b], a, b, "name", text[a:b], kind) for a, b, kind in places)
    facts = (
        FactDraft(0, "works_for", 1, None, text, 0, len(text)),
        FactDraft(0, "works_in", 2, None, text, 0, len(text)),
        FactDraft(0, "role", None, "engineer", text, 0, len(text)),
    )
    return Reading(Passage(0, 0, len(text), text), mentions, facts)


def left(schema: Schema) -> list[tuple[str, str, str]]:
    (found,) = conform([reading()], schema)
    return [
        (
            found.mentions[fact.subject].name,
            fact.predicate,
            found.mentions[fact.object].name if fact.object is not None else str(fact.value),
        )
        for fact in found.facts
    ]


def test_nothing_changes_where_nothing_is_limited() -> None:
    assert conform([reading()], Schema(BUILT_IN)) == [reading()]


def test_a_disabled_type_goes_with_its_facts() -> None:
    schema = Schema(BUILT_IN - {"organization"}, disabled_types=frozenset({"organization"}))
    assert left(schema) == [("Anna", "works_in", "Rome"), ("Anna", "role", "engineer")]
    (found,) = conform([reading()], schema)
    assert [mention.name for mention in found.mentions] == ["Anna", "Rome"]


def test_a_disabled_relation_goes() -> None:
    schema = Schema(BUILT_IN, disabled_relations=frozenset({"works_for", "role"}))
    assert left(schema) == [("Anna", "works_in", "Rome")]


def test_a_relation_that_does_not_fit_its_pair_is_a_weak_one() -> None:
    rule = RelationRule("works_for", subject_types=frozenset({"person"}), object_types=frozenset({"group"}))
    schema = Schema(BUILT_IN, relation_types={"works_for": rule})
    assert left(schema)[0] == ("Anna", "related_to", "Acme")
    (found,) = conform([reading()], schema)
    assert found.facts[0].confidence == 0.4
    without = Schema(BUILT_IN, relation_types={"works_for": rule}, disabled_relations=frozenset({"related_to"}))
    assert left(without) == [("Anna", "works_in", "Rome"), ("Anna", "role", "engineer")]


def test_a_text_fits_any_object_but_not_any_subject() -> None:
    fits = RelationRule("role", subject_types=frozenset({"person"}), object_types=frozenset({"group"}))
    assert len(left(Schema(BUILT_IN, relation_types={"role": fits}))) == 3
    unfit = RelationRule("role", subject_types=frozenset({"organization"}))
    assert ("Anna", "role", "engineer") not in left(Schema(BUILT_IN, relation_types={"role": unfit}))


def test_a_symmetric_relation_fits_either_way() -> None:
    pair: dict[str, Any] = {"subject_types": frozenset({"organization"}), "object_types": frozenset({"person"})}
    assert RelationRule("partner_of", symmetric=True, **pair).fits("person", "organization")
    assert not RelationRule("partner_of", **pair).fits("person", "organization")


def test_own_words_for_a_relation() -> None:
    phrases = {"mentor": "mentors", "look_after": "cares_for", "coach_of": "mentors"}
    schema = Schema(BUILT_IN, phrases=phrases)
    assert ("Anna", "mentors", "Tom") in read("Anna mentored Tom for a year.", schema).triples()
    assert ("Anna", "mentors", "Tom") in read("Tom was mentored by Anna.", schema).triples()
    assert ("Anna", "cares_for", "Tom") in read("Anna looks after Tom.", schema).triples()
    assert ("Anna", "mentors", "Tom") in read("Anna is the coach of Tom.", schema).triples()
    assert ("Anna", "mentors", "Tom") not in read("Anna mentored Tom for a year.", Schema(BUILT_IN)).triples()


def test_a_speaker_is_a_person_whatever_lists_say_of_others() -> None:
    found = talk_with(own(TypeRule("pet", words=words("Max"))), ("Max", "I live in Rome."), ("Ida", "Max, I moved."))
    assert ("Max", "lives_in", "Rome") in found.triples()
