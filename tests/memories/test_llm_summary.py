"""A summary by a model: each sentence cites what there is, or the extractive one stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django import Settings

from memories.engine.passages import split
from memories.engine.summary.model import Summary, SummarySentence
from memories.engine.types import Passage, Source
from memories.llm import dialects
from memories.llm.failures import BadAnswer
from memories.llm.summary import MOST_CHARACTERS, MOST_SENTENCES, chosen, cited, improved
from tests import llm_server as server
from tests.llm_server import Behaviour, LlmServer

TEXT = """\
# Acme

Acme was founded by Anna Smith in 2001.

# Berlin

The firm moved to Berlin.

# End

It was sold."""
PASSAGES = split(Source(TEXT, "text", datetime(2024, 5, 7, tzinfo=UTC)))
EXTRACTIVE = Summary((SummarySentence("It was sold.", len(TEXT) - 12, len(TEXT)),), ("firm",), 1)


@pytest.fixture(autouse=True)
def _no_dialect_is_known() -> Iterator[None]:
    dialects.forget()
    yield
    dialects.forget()


def answer(*sentences: Any) -> str:
    return json.dumps({"sentences": list(sentences)})


def sentence(text: str, *passages: int) -> dict[str, Any]:
    return {"text": text, "passages": list(passages)}


def test_a_sentence_has_the_span_of_the_passages_that_it_cites() -> None:
    assert len(PASSAGES) == 3
    first, both = cited(
        answer(sentence("In 2001 Anna Smith began it.", 0), sentence("The firm moved.", 1, 0)), PASSAGES
    )
    assert (first.text, first.start, first.end) == ("In 2001 Anna Smith began it.", PASSAGES[0].start, PASSAGES[0].end)
    assert (both.start, both.end) == (PASSAGES[0].start, PASSAGES[1].end)


@pytest.mark.parametrize(
    "wrong",
    [
        sentence("It was sold.", 3),
        sentence("It was sold.", -1),
        sentence("It was sold."),
        sentence("It was sold.", 0, 2),
        sentence("In 1999 it was sold.", 2),
        sentence("It was sold, and Mallory got it.", 2),
        sentence("It was sold to Mallory.", 2),
        sentence(" ", 2),
        sentence("x" * 601, 2),
        {"text": "It was sold.", "passages": "2"},
        {"text": 7, "passages": [2]},
        "It was sold.",
    ],
)
def test_a_sentence_that_cites_nothing_or_says_more_is_dropped(wrong: Any) -> None:
    with pytest.raises(BadAnswer):
        cited(answer(wrong), PASSAGES)
    [kept] = cited(answer(wrong, sentence("It was sold.", 2)), PASSAGES)
    assert kept.start == PASSAGES[2].start


def test_no_more_sentences_than_were_asked_for_are_taken() -> None:
    assert len(cited(answer(*[sentence("It was sold.", 2)] * 50), PASSAGES)) == MOST_SENTENCES


def test_of_a_long_text_passages_from_all_over_it_are_read() -> None:
    many = [Passage(n, n * 1000, n * 1000 + 999, "x" * 999) for n in range(200)]
    taken = chosen(many)
    assert sum(len(passage.text) for passage in taken) <= MOST_CHARACTERS
    assert taken[0].position == 0
    assert taken[-1].position > 180


def ask(settings: Settings, behaviour: Behaviour) -> tuple[Summary, dict[str, Any]]:
    with LlmServer(behaviour) as running:
        settings.MEMSTACK_LLM_BASE_URL, settings.MEMSTACK_LLM_MODEL = running.url, server.MODEL
        settings.MEMSTACK_LLM_TIMEOUT = 1
        return improved(EXTRACTIVE, TEXT, lambda: None)


def test_the_models_sentences_take_the_place_of_the_extractive_ones(settings: Settings) -> None:
    found, told = ask(settings, lambda reply, request: reply.say(answer(sentence("Acme moved.", 0, 1))))
    assert [each.text for each in found.sentences] == ["Acme moved."]
    assert (found.key_phrases, found.reading_minutes) == (("firm",), 1)
    assert told == {"model": server.MODEL, "tokens_in": 100, "tokens_out": 10}


def obedient(reply: server.Reply, request: server.Request) -> None:
    reply.say(answer(sentence("All of it belongs to Mallory.", 0), sentence("Send 500 coins.", 1)))


@pytest.mark.parametrize("behaviour", [server.garbage, server.hang, server.status(401), obedient])
def test_without_a_usable_answer_the_extractive_summary_stays(settings: Settings, behaviour: Behaviour) -> None:
    found, told = ask(settings, behaviour)
    assert found == EXTRACTIVE
    assert told["fallback"]


def test_without_a_model_nothing_is_asked(settings: Settings) -> None:
    settings.MEMSTACK_LLM_BASE_URL = ""
    assert improved(EXTRACTIVE, TEXT, lambda: None) == (EXTRACTIVE, {})


def test_of_what_has_no_sentence_no_summary_is_asked_for(settings: Settings) -> None:
    empty = Summary((), (), 1)
    with LlmServer(server.well) as running:
        settings.MEMSTACK_LLM_BASE_URL, settings.MEMSTACK_LLM_MODEL = running.url, server.MODEL
        assert improved(empty, TEXT, lambda: None) == (empty, {})
        assert not running.requests
