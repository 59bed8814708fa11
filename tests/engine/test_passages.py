"""Passages: exact offsets, nothing lost, headings with their text, linear time."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memories.engine.documents.model import Section
from memories.engine.errors import InvalidSource
from memories.engine.passages import render_conversation, split
from memories.engine.types import Message, Passage, Source

NOW = datetime(2024, 5, 8, tzinfo=UTC)
speakers = st.text(st.characters(exclude_characters="\n", codec="utf-8"), min_size=1, max_size=8)


def text_source(content: str) -> Source:
    return Source(content, "text", NOW)


def conversation(messages: list[Message]) -> Source:
    return Source(render_conversation(messages), "conversation", NOW, messages=tuple(messages))


def exact(source: Source, passages: list[Passage]) -> bool:
    return all(source.content[p.start : p.end] == p.text and p.text.strip() for p in passages)


@given(st.lists(st.builds(Message, speaker=speakers, content=st.text(max_size=40)), max_size=8))
def test_a_passage_for_each_message_that_says_something(messages: list[Message]) -> None:
    source = conversation(messages)
    passages = split(source)
    assert exact(source, passages)
    assert [(p.speaker, p.text) for p in passages] == [(m.speaker, m.content) for m in messages if m.content.strip()]
    assert [p.position for p in passages] == list(range(len(passages)))


@settings(deadline=None)
@given(st.text(st.sampled_from("ab .!\n#-\t漢字。é💡"), max_size=600) | st.text(max_size=300))
def test_a_text_is_covered_in_order_and_without_overlap(content: str) -> None:
    source = text_source(content)
    passages = split(source)
    assert exact(source, passages)
    covered = [i for p in passages for i in range(p.start, p.end)]
    assert covered == sorted(set(covered))
    assert {i for i, sign in enumerate(content) if not sign.isspace()} <= set(covered)


@given(st.text(st.sampled_from("ab: \n"), max_size=80))
def test_a_transcript_without_messages_is_read_by_lines(content: str) -> None:
    source = Source(content, "conversation", NOW)
    assert exact(source, split(source))


def test_transcript_lines_have_speakers_and_go_on() -> None:
    passages = split(Source("Anna: Hi Tom.\nHow are you?\nTom: Fine.", "conversation", NOW))
    assert [(p.speaker, p.text) for p in passages] == [("Anna", "Hi Tom.\nHow are you?"), ("Tom", "Fine.")]


def test_messages_keep_their_ids_times_and_new_lines() -> None:
    source = conversation([Message("Anna", "one\ntwo: three", "m1", NOW), Message("Tom", " "), Message("Tom", "four")])
    first, second = split(source)
    assert (first.text, first.message_id, first.at) == ("one\ntwo: three", "m1", NOW)
    assert (second.text, second.position) == ("four", 1)


def test_messages_of_another_text_are_refused() -> None:
    with pytest.raises(InvalidSource):
        split(Source("Anna: Hi", "conversation", NOW, messages=(Message("Anna", "Hello"),)))


def test_headings_stay_with_what_follows() -> None:
    body = "This sentence has about ten words in it, I think. " * 30
    passages = split(text_source(f"# Berlin\n\n{body}\n\nThe second part\n\n{body}"))
    starts = [p.text.splitlines()[0] for p in passages]
    assert starts[0] == "# Berlin"
    assert "The second part" in starts
    assert not any(p.text.endswith(("# Berlin", "The second part")) for p in passages)


def test_paragraphs_are_packed_to_about_two_hundred_tokens() -> None:
    passages = split(text_source("\n\n".join(["Anna lives in Berlin and works there. " * 4] * 40)))
    lengths = [len(p.text.split()) for p in passages]
    assert max(lengths) <= 200
    assert min(lengths[:-1]) >= 84


def test_a_word_without_end_is_cut() -> None:
    passages = split(text_source("x" * 100_000))
    assert max(len(p.text) for p in passages) <= 2_000
    assert "".join(p.text for p in passages) == "x" * 100_000


@pytest.mark.parametrize("blank", ["", " \n\n\t ", "\u3000\n"])
def test_blank_text_has_no_passages(blank: str) -> None:
    assert split(text_source(blank)) == []


@pytest.mark.parametrize("unit", ["The quick brown fox, it is said, jumps. ", "a", "a\n\n", "# a\n", " ", "漢", "a. "])
def test_time_grows_with_length_only(unit: str) -> None:
    content = unit * (200_000 // len(unit))
    begin = time.process_time()
    split(text_source(content))
    assert time.process_time() - begin < 2  # quadratic would be minutes


@st.composite
def sectioned(draw: st.DrawFn) -> Source:
    content = draw(st.text(st.sampled_from("ab .!\n#é💡"), max_size=400))
    cuts = sorted(draw(st.sets(st.integers(0, len(content)), max_size=8)))
    pages = [Section(start, end, page=number) for number, (start, end) in enumerate(pairwise(cuts), 1)]
    kept = tuple(page for page in pages if draw(st.booleans()))
    return Source(content, "text", NOW, sections=kept)


@settings(deadline=None)
@given(sectioned())
def test_no_passage_leaves_its_section(source: Source) -> None:
    passages = split(source)
    assert exact(source, passages)
    assert [p.position for p in passages] == list(range(len(passages)))
    covered = [i for p in passages for i in range(p.start, p.end)]
    assert covered == sorted(set(covered))
    assert {i for i, sign in enumerate(source.content) if not sign.isspace()} <= set(covered)
    for passage in passages:
        inside = [s for s in source.sections if s.start < passage.end and passage.start < s.end]
        assert [s.page for s in inside] == ([passage.page] if passage.page else [])
        assert all(s.start <= passage.start and passage.end <= s.end for s in inside)


def test_a_passage_knows_its_page_or_its_time() -> None:
    content = "About the talk.\nHello there. How are you? Good day to all."
    sections = (Section(16, 41, seconds=0.0, until=2.5), Section(42, 58, seconds=2.5, until=4.0))
    passages = split(Source(content, "text", NOW, sections=sections))
    assert [(p.text, p.seconds) for p in passages] == [
        ("About the talk.", None),
        ("Hello there. How are you?", 0.0),
        ("Good day to all.", 2.5),
    ]


@pytest.mark.parametrize("sections", [(Section(0, 5), Section(4, 6)), (Section(0, 99),), (Section(5, 2),)])
def test_sections_that_do_not_fit_are_refused(sections: tuple[Section, ...]) -> None:
    with pytest.raises(InvalidSource):
        split(Source("Some words.", "text", NOW, sections=sections))
