"""Ranking: normalisation, the recipe for conversations, diversity; the words to index and to highlight."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memories.engine.ranking import (
    conversation_scores,
    embedding_text,
    fuse,
    highlight,
    minmax,
    mmr,
    named_speaker,
    search_text,
    stem,
)
from memories.engine.types import Passage

AT = datetime(2023, 5, 8, tzinfo=UTC)


def test_minmax() -> None:
    assert minmax([2, 4, 3]).tolist() == [0, 1, 0.5]
    assert minmax([5, 5]).tolist() == [0, 0]
    assert minmax([]).tolist() == []
    assert minmax([1, float("nan"), 3, -float("inf")]).tolist() == [0, 0, 1, 0]


def test_fuse_weighs_normalised_signals() -> None:
    assert fuse([[0, 10], [100, 0]], [0.6, 0.4]).tolist() == [0.4, 0.6]
    with pytest.raises(ValueError, match="argument 2"):
        fuse([[0, 1]], [1, 2])


def test_neighbours_help_only_within_their_session() -> None:
    lexical = [0, 10, 0, 0]
    scores = conversation_scores(lexical, [0] * 4, [0, 0, 0, 1], [0, 1, 2, 3])
    session = 0.7 * (0.1 + 0.5 + 0.05) / 3
    assert np.allclose(scores, [0.1 + session, 0.5 + session, 0.05 + session, 0])


def test_the_order_of_candidates_does_not_matter() -> None:
    random = np.random.default_rng(1)
    lexical, vector = random.random(40), random.random(40)
    memory, position = np.arange(40) // 10, np.arange(40) % 10
    order = random.permutation(40)
    straight = conversation_scores(lexical, vector, memory, position)
    mixed = conversation_scores(lexical[order], vector[order], memory[order], position[order])
    assert np.allclose(straight[order], mixed)


def test_the_named_speaker_counts_more() -> None:
    scores = conversation_scores([1, 1, 0], [0, 0, 0], [0, 1, 2], [0, 0, 0], [True, False, False])
    assert np.isclose(scores[0], 1.4 * scores[1])


def test_no_candidates() -> None:
    assert conversation_scores([], [], [], []).shape == (0,)
    assert mmr([], np.zeros((0, 3)), 5) == []


def test_named_speaker() -> None:
    speakers = ["Anna Smith", "Tom"]
    assert named_speaker("What did anna's dog eat?", speakers) == "Anna Smith"
    assert named_speaker("Did Anna meet Tom?", speakers) is None
    assert named_speaker("What happened tomorrow?", speakers) is None


def test_mmr_avoids_what_it_has() -> None:
    vectors = [[1, 0], [1, 0], [0, 1]]
    assert mmr([1.0, 0.9, 0.5], vectors, 2, 0.5) == [0, 2]
    assert mmr([1.0, 0.9, 0.5], vectors, 9, 1.0) == [0, 1, 2]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hiking", "hiked"),
        ("hikes", "hike"),
        ("stories", "story"),
        ("running", "run"),
        ("cities", "city"),
        ("Anna's", "anna"),
    ],
)
def test_stems_meet(one: str, other: str) -> None:
    assert stem(one) == stem(other)


def test_highlight_marks_the_words_of_the_query() -> None:
    text = "Anna hiked in the Alps; hiking is what she loves."
    spans = highlight(text, "When did Anna go hiking?")
    assert [text[start:end] for start, end in spans] == ["Anna", "hiked", "hiking"]
    assert highlight("我住在北京市。", "北京") == [(3, 5)]
    assert highlight("anything", "") == []


@given(st.text(max_size=80), st.text(max_size=40))
def test_highlights_are_spans_of_the_text(text: str, query: str) -> None:
    spans = highlight(text, query)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)
    assert all(text[start:end].strip() for start, end in spans)


def test_texts_to_index() -> None:
    before = Passage(0, 6, 17, "How are you?", speaker="Tom", at=AT)
    turn = Passage(1, 25, 30, "Fine.", speaker="Anna", at=AT)
    assert search_text(turn, before, "Chat") == "[8 May 2023] Tom: How are you? Anna: Fine."
    assert embedding_text(turn) == "[8 May 2023] Anna: Fine."
    assert search_text(Passage(0, 0, 3, "Tea"), None, "Drinks") == "Drinks\nTea"
    assert embedding_text(Passage(0, 0, 3, "Tea")) == "Tea"
