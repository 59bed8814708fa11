"""Questions to a language model's server, which answers well, badly, late or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from memories.llm import dialects
from memories.llm.budget import Budget
from memories.llm.calls import Model, Question
from memories.llm.endpoint import Endpoint
from memories.llm.failures import BadAnswer, BudgetSpent, LlmFailure, Misconfigured, NoAnswer
from tests import llm_server as server
from tests.llm_server import KEY, MODEL, Behaviour, LlmServer

QUESTION = Question("Take notes.", '{"passages": []}', {"type": "object"})
OPTIONS = {"timeout": 20, "concurrency": 4, "task_tokens": 100_000, "task_seconds": 30}


@pytest.fixture(autouse=True)
def _no_dialect_is_known() -> Iterator[None]:
    dialects.forget()
    yield
    dialects.forget()


def nobody_stops() -> None:
    return None


def endpoint(running: LlmServer, **options: Any) -> Endpoint:
    return Endpoint(**{"base_url": running.url, "model": MODEL, "api_key": KEY, **OPTIONS, **options})


def answer(behaviour: Behaviour, **options: Any) -> tuple[str, Model, LlmServer]:
    """The text of the answer, the model that was asked and its server."""
    with LlmServer(behaviour) as running, Model(endpoint(running, **options), nobody_stops) as model:
        text = model.wait(model.ask(QUESTION)).text
    return text, model, running


def failure(behaviour: Behaviour, kind: type[LlmFailure], **options: Any) -> str:
    with pytest.raises(kind) as caught:
        answer(behaviour, **options)
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_an_answer_comes_with_what_it_cost_and_is_asked_for_the_same_each_time() -> None:
    text, model, running = answer(lambda reply, request: reply.say('{"passages": []}', 120, 7))
    assert text == '{"passages": []}'
    assert (model.budget.tokens_in, model.budget.tokens_out, model.budget.reserved) == (120, 7, 0)
    [request] = running.requests
    assert (request["model"], request["temperature"], request["seed"]) == (MODEL, 0, dialects.SEED)
    assert request["response_format"]["json_schema"]["strict"] is True
    assert running.headers[0]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("mode", ["json_schema", "tool", "json_object", "plain"])
def test_a_server_is_asked_in_the_way_that_it_understands(mode: str) -> None:
    only = server.only({mode})
    with LlmServer(only) as running:
        for _ in range(2):
            with Model(endpoint(running), nobody_stops) as model:
                assert model.wait(model.ask(QUESTION)).text == '{"passages": []}'
    refused = dialects.MODES.index(mode)
    assert len(running.requests) == refused + 2, "what worked is remembered"


@pytest.mark.parametrize("parameter", ["temperature", "seed", "max_tokens"])
def test_a_parameter_that_the_server_refuses_by_name_is_left_out(parameter: str) -> None:
    _, _, running = answer(server.without(parameter))
    assert parameter in running.requests[0]
    assert parameter not in running.requests[-1]
    assert running.requests[-1]["response_format"]["type"] == "json_schema"
    assert ("max_completion_tokens" in running.requests[-1]) == (parameter == "max_tokens")


@pytest.mark.parametrize("parameter", ["model", "messages", "top_p", 7])
def test_a_server_that_refuses_what_can_not_be_left_out_is_not_asked_for_ever(parameter: object) -> None:
    with LlmServer(server.status(400, {"param": parameter})) as running:
        with Model(endpoint(running), nobody_stops) as model, pytest.raises(NoAnswer, match="HTTP 400"):
            model.wait(model.ask(QUESTION))
        assert len(running.requests) == len(dialects.MODES)


def test_a_way_that_worked_is_not_given_up_for_one_refusal() -> None:
    with LlmServer(server.in_turn(server.well, server.status(400), server.well)) as running:
        with Model(endpoint(running), nobody_stops) as model:
            model.wait(model.ask(QUESTION))
            with pytest.raises(NoAnswer, match="HTTP 400"):
                model.wait(model.ask(QUESTION))
            model.wait(model.ask(QUESTION))
        assert [request["response_format"]["type"] for request in running.requests] == ["json_schema"] * 3


@pytest.mark.parametrize("number", [401, 404])
def test_who_refuses_for_another_reason_is_asked_once(number: int) -> None:
    with LlmServer(server.status(number)) as running:
        with Model(endpoint(running), nobody_stops) as model, pytest.raises(Misconfigured):
            model.wait(model.ask(QUESTION))
        assert len(running.requests) == 1


def test_a_server_without_structured_output_is_asked_in_another_way() -> None:
    _, _, running = answer(server.without("response_format"))
    assert ["tools" in request for request in running.requests] == [False, True]


def test_questions_side_by_side_find_the_way_together() -> None:
    with LlmServer(server.only({"json_object"})) as running, Model(endpoint(running), nobody_stops) as model:
        asking = [model.ask(QUESTION) for _ in range(4)]
        assert [model.wait(each).text for each in asking] == ['{"passages": []}'] * 4


@pytest.mark.parametrize("number", [429, 500, 502, 503])
def test_a_server_that_is_busy_for_a_moment_is_asked_again(number: int) -> None:
    behaviour = server.in_turn(server.status(number, Retry_After="0.2"), server.well)
    text, _, running = answer(behaviour, timeout=5)
    assert text
    assert len(running.requests) == 2


def test_the_time_that_a_server_names_is_waited() -> None:
    begun = time.monotonic()
    answer(server.in_turn(server.status(429, Retry_After="1"), server.well), timeout=5)
    assert time.monotonic() - begun >= 1


SILENT = "within 1 seconds"
FAULTS: list[tuple[Behaviour, type[LlmFailure], str]] = [
    (server.status(429, Retry_After="0.05"), NoAnswer, "too much to do"),
    (server.status(500, Retry_After="0.05"), NoAnswer, "HTTP 500"),
    (server.status(401), Misconfigured, "MEMSTACK_LLM_API_KEY"),
    (server.status(403), Misconfigured, "MEMSTACK_LLM_API_KEY"),
    (server.status(404), Misconfigured, "MEMSTACK_LLM_MODEL"),
    (server.status(400), NoAnswer, "HTTP 400"),
    (server.hang, NoAnswer, SILENT),
    (server.trickling, NoAnswer, SILENT),
    (server.huge, BadAnswer, "far longer"),
    (server.no_protocol, BadAnswer, "nothing that can be read"),
    (lambda reply, request: reply.send(200, {"choices": None}), BadAnswer, "nothing that can be read"),
    (lambda reply, request: reply.send(200, {"choices": [{"message": {"content": 7}}]}), BadAnswer, "nothing that"),
    (lambda reply, request: reply.send(200, b"\x1f\x8b", Content_Encoding="gzip"), BadAnswer, "far longer"),
    (server.cut_off, BadAnswer, "cut off"),
]


@pytest.mark.parametrize(("behaviour", "kind", "words"), FAULTS)
def test_what_goes_wrong_is_told_in_our_words(behaviour: Behaviour, kind: type[LlmFailure], words: str) -> None:
    begun = time.monotonic()
    assert words in failure(behaviour, kind, timeout=1 if words == SILENT else 20)
    assert time.monotonic() - begun < 30


def test_a_server_that_is_not_there_is_told_of() -> None:
    with LlmServer(server.well) as running:
        gone = endpoint(running)
    with Model(replace(gone, timeout=2), nobody_stops) as model, pytest.raises(NoAnswer, match="can't be reached"):
        model.wait(model.ask(QUESTION))


@pytest.mark.parametrize("behaviour", [server.hang, server.trickling, server.status(503, Retry_After="60")])
def test_who_stops_is_heard_within_a_second_while_the_server_is_silent(behaviour: Behaviour) -> None:
    class Stopped(Exception):
        pass

    begun = time.monotonic()

    def stop() -> None:
        if time.monotonic() - begun > 0.5:
            raise Stopped

    with LlmServer(behaviour) as running:
        with pytest.raises(Stopped), Model(endpoint(running, timeout=600), stop) as model:
            model.wait(model.ask(QUESTION))
        assert time.monotonic() - begun < 15
        if behaviour is server.trickling:  # who hangs does not notice
            server.wait_until(lambda: running.running == 0)


def test_no_more_tokens_are_asked_for_than_a_task_may_use() -> None:
    most = QUESTION.tokens * 2
    with (
        LlmServer(lambda reply, request: reply.say("{}", QUESTION.tokens, 0)) as running,
        Model(endpoint(running, task_tokens=most), nobody_stops) as model,
    ):
        first = model.ask(QUESTION)
        second = model.ask(QUESTION)
        with pytest.raises(BudgetSpent, match="tokens"):
            model.ask(QUESTION)
        model.wait(first), model.wait(second)
        with pytest.raises(BudgetSpent):
            model.ask(QUESTION)
        assert model.budget.tokens == most
        assert len(running.requests) == 2


def test_what_cannot_be_used_is_paid_for_as_well() -> None:
    with LlmServer(server.cut_off) as running, Model(endpoint(running), nobody_stops) as model:
        with pytest.raises(BadAnswer):
            model.wait(model.ask(QUESTION))
        assert model.budget.tokens == 110


@pytest.mark.parametrize(("usage", "cost"), [(None, "guessed"), ({"prompt_tokens": -900, "completion_tokens": -9}, 0)])
def test_what_a_server_does_not_count_is_guessed_and_never_given_back(usage: Any, cost: object) -> None:
    def behave(reply: server.Reply, request: server.Request) -> None:
        reply.send(200, {**server.completion("x" * 300), "usage": usage})

    _, model, _ = answer(behave)
    assert model.budget.tokens == (QUESTION.tokens - dialects.MOST_OUTPUT + 100 if cost == "guessed" else 0)


def test_an_empty_answer_is_none() -> None:
    assert "nothing that can be read" in failure(lambda reply, request: reply.say(" \n"), BadAnswer)


def test_no_packed_answer_is_asked_for() -> None:
    _, _, running = answer(server.well)
    assert running.headers[0]["accept-encoding"] == "identity"


def test_a_spent_budget_is_spent_in_the_next_attempt_too() -> None:
    spent = Budget(1000, 10.0, tokens_in=600, tokens_out=300, seconds=10.0)
    again = Budget(1000, 10.0)
    assert again.allows(1000)
    again.restore(spent.state())
    assert (again.tokens, again.seconds) == (900, 10.0)
    assert not again.allows(1)
    with pytest.raises(BudgetSpent, match="10 seconds"):
        again.require(1)
    again.seconds = 0.0
    assert again.allows(100)
    assert not again.allows(101)


def test_a_task_waits_no_longer_than_it_may() -> None:
    begun = time.monotonic()
    sentence = failure(server.hang, NoAnswer, timeout=60, task_seconds=1)
    assert "1 seconds of a task" in sentence
    assert time.monotonic() - begun < 15


def test_an_endpoint_does_not_show_its_secrets() -> None:
    shown = repr(Endpoint("http://user:hidden@host/v1", MODEL, KEY))
    assert KEY not in shown
    assert "hidden" not in shown


def test_many_questions_are_under_way_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly() -> Callable[..., None]:
        return server.after(0.3)

    with LlmServer(slowly()) as running, Model(endpoint(running), nobody_stops) as model:
        for asking in [model.ask(QUESTION) for _ in range(3)]:
            model.wait(asking)
        assert running.most_at_once == 3
