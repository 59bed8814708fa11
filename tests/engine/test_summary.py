"""Summaries: whole sentences of the text, from all of it, none twice; phrases; reading time."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memories.engine import embedding
from memories.engine.documents.model import Block, BlockKind, Section
from memories.engine.summary import Summary, summarize
from memories.engine.summary import choosing as chooser
from memories.engine.summary.sentences import candidates, split
from memories.engine.summary.words import counted, minutes

FERRY = """Night ferries between the mainland and the Skerrin islands are to return in May, the operator Northline said.
The departure will run four times a week and take seven hours. Northline has chartered a second-hand ship.
The ferry was withdrawn nine years ago, because its crew could not be found.
Islanders want guarantees on winter fares for the ferry. A return ticket for the ferry costs 148 pounds.
The cat of the harbour master is called Smoke.
The transport department will pay a subsidy to the ferry operator. Fishing crews want the ferry to arrive earlier."""


def sentences(summary: Summary) -> list[str]:
    return [sentence.text for sentence in summary.sentences]


def are_exact(text: str, summary: Summary) -> bool:
    spans = [(one.start, one.end) for one in summary.sentences]
    return spans == sorted(spans) and all(text[one.start : one.end] == one.text for one in summary.sentences)


def test_central_sentences_with_exact_spans() -> None:
    found = summarize(FERRY)
    assert are_exact(FERRY, found)
    assert len(found.sentences) == 3
    assert not any("cat" in sentence for sentence in sentences(found))
    assert "Night ferries" in sentences(found)[0]


def test_the_same_text_has_the_same_summary() -> None:
    assert summarize(FERRY) == summarize(FERRY)


@pytest.mark.parametrize(("count", "wanted"), [(2, 2), (9, 3), (30, 4), (80, 5)])
def test_as_many_sentences_as_the_length_asks_for(count: int, wanted: int) -> None:
    chance = random.Random(3)  # noqa: S311
    things = [
        "bridges",
        "ferries",
        "maps",
        "lamps",
        "hedges",
        "bees",
        "ropes",
        "soups",
        "clocks",
        "mirrors",
        "rivers",
        "barns",
    ]
    text = " ".join(
        "In {} the {} near the {} of {} were sold.".format(1900 + i, *chance.sample(things, 3)) for i in range(count)
    )
    assert len(summarize(text).sentences) == wanted


def test_nothing_is_said_twice() -> None:
    again = "The old bridge over the river will be repaired in spring by the town."
    text = f"{again} {again} The old bridge over the river will be repaired this spring by the town. " + FERRY
    found = sentences(summarize(text))
    assert sum("bridge" in sentence for sentence in found) <= 1


def test_headings_items_rows_and_code_are_not_chosen() -> None:
    text = f"The Ferry Of The Night Is Back.\n\nferry | May | operator.\n\nferry = Ferry(). The ferry.\n\n{FERRY}"
    starts = [text.index(part) for part in ("The Ferry Of", "ferry | May", "ferry = ", "Night ferries")]
    kinds: tuple[BlockKind, ...] = ("heading", "table_row", "code", "paragraph")
    ends = [*(start - 2 for start in starts[1:]), len(text)]
    blocks = [Block(kind, start, end) for kind, start, end in zip(kinds, starts, ends, strict=True)]
    found = summarize(text, blocks=blocks)
    assert all(sentence.start >= starts[3] for sentence in found.sentences)


def test_lines_of_a_plain_text_without_full_stops_are_no_sentences() -> None:
    text = f"MINUTES OF THE MEETING\n\n- buy a lamp\n- mend the oar\n\n{FERRY}\n\nSee https://ferry.example/a for more."
    found = summarize(text)
    assert are_exact(text, found)
    assert not any(sign in sentence for sentence in sentences(found) for sign in ("MINUTES", "lamp", "https"))


def test_every_part_of_a_long_text_is_heard() -> None:
    filler = "The weather on the {} day was neither good nor bad for walking along the shore of the bay. "
    text = "".join(filler.format(i) for i in range(2_000))
    spans = candidates(text, (), ())
    heard = chooser._delegates(text, spans, counted(text))
    assert len(heard) == chooser.MOST
    shares = [
        sum(start <= span[0] < start + len(text) // 8 for span in heard)
        for start in range(0, len(text), len(text) // 8)
    ]
    assert min(shares[:8]) >= chooser.MOST // 8 - 2


def test_a_long_text_costs_no_more_embeddings(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    embed = embedding.embed

    def counting(texts: list[str]) -> embedding.Vectors:
        asked.append(len(texts))
        return embed(texts)

    monkeypatch.setattr(embedding, "embed", counting)
    text = " ".join(
        f"The committee of the year {i} decided to repair the bridge of the town by the sea." for i in range(3_000)
    )
    begun = time.process_time()
    assert len(summarize(text).sentences) in {1, 2, 3, 4, 5}
    assert time.process_time() - begun < 8
    assert max(asked) <= chooser.MOST


@pytest.mark.parametrize(
    "text", ["", " \n ", "word", "- a\n- b", "#### ####", "a" * 100_000, "." * 10_000, "?! " * 5_000]
)
def test_texts_without_sentences(text: str) -> None:
    found = summarize(text)
    assert found.sentences == ()
    assert (found.reading_minutes == 0) == (not text.strip())


@settings(max_examples=25, deadline=None)
@given(st.text(st.sampled_from("Ab. c!?\n-“”é漢。1"), max_size=300))
def test_any_text(text: str) -> None:
    assert are_exact(text, summarize(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Smith met Mr. J. R. Jones at 3.5 p.m. on Monday. They left.", 2),
        ("It was founded in the U.S. in 1912. It grew.", 2),
        ("We like fruit, e.g. apples. He said “No.” Then he left!", 3),
        ("Er kam am 12. September 2024 an. Dann ging er z. B. heim.", 2),
        ("“Is it true?” she asked. “Yes.”", 2),
        ("島に灯台がある。高さは十四メートルだ。", 2),
        ("One… two. Three", 2),
    ],
)
def test_where_sentences_end(text: str, expected: int) -> None:
    assert len(list(split(text, 0, len(text)))) == expected


def test_a_transcript_is_read_over_its_segments() -> None:
    segments = [
        "Night ferries to the islands are",
        "to return in May after nine years.",
        "The ferry will take seven hours to Holm.",
    ]
    text, sections, start = "\n".join(segments), [], 0
    for i, segment in enumerate(segments):
        sections.append(Section(start, start + len(segment), seconds=float(i), until=i + 1.0))
        start += len(segment) + 1
    assert sentences(summarize(text, sections)) == [f"{segments[0]}\n{segments[1]}", segments[2]]


def test_a_transcript_without_full_stops_gives_segments() -> None:
    segments = [
        "so the night ferry to the islands is back",
        "and it takes seven hours to get there",
        "which is why we all came here today",
    ]
    text, sections, start = " ".join(segments), [], 0
    for i, segment in enumerate(segments):
        sections.append(Section(start, start + len(segment), seconds=float(i), until=i + 1.0))
        start += len(segment) + 1
    assert sentences(summarize(text, sections)) == segments


def test_key_phrases_are_what_it_is_about() -> None:
    phrases = summarize(FERRY).key_phrases
    assert 3 <= len(phrases) <= 8
    assert any("ferry" in phrase.lower() or "ferries" in phrase.lower() for phrase in phrases[:3])
    assert all(phrase.casefold() in FERRY.casefold() for phrase in phrases)
    assert len({phrase.casefold() for phrase in phrases}) == len(phrases)


def test_other_languages_do_without_the_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "embed", None)
    text = (
        "Zwölf Jahre lang stand der Bahnhof in Wiesenau leer. Der Bahnhof gehörte einem Investor, der ihn nie betrat. "
        "Dann kauften die Bürger den Bahnhof von dem Investor zurück. Eine Katze schlief auf der Treppe am Fluss. "
        "Heute gehört der Bahnhof den Bürgern, und der Investor ist vergessen."
    )
    found = summarize(text, language="de")
    assert are_exact(text, found)
    assert len(found.sentences) == 3
    assert not any("Katze" in sentence for sentence in sentences(found))
    assert {"Bahnhof", "Investor"} <= set(found.key_phrases)


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("", "en", 0),
        ("One word.", "en", 1),
        ("word " * 2_380, "en", 10),
        ("wort " * 1_790, "de", 10),
        ("word " * 2_000, "", 10),
        ("字" * 3_570, "ja", 10),
        ("字" * 2_550, "zh", 10),
    ],
)
def test_minutes_of_reading(text: str, language: str, expected: int) -> None:
    assert minutes(text, language) == expected
