"""A real worker and a language model's server: killed, cancelled and out of budget while a question is under way."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests import llm_server as server
from tests.llm_server import KEY, Behaviour, LlmServer, Reply, Request, asked
from tests.stack import Stack, wait_for

pytestmark = pytest.mark.flow
TEXT = "\n\n".join(
    f"Anna Person{n} works for Firm{n % 3} in Berlin. {'It rained all day long. ' * 30}" for n in range(40)
)
BUDGET = 40_000


class Changing:
    """A server whose behaviour a test chooses."""

    def __init__(self) -> None:
        self.behaviour: Behaviour = server.well

    def __call__(self, reply: Reply, request: Request) -> None:
        self.behaviour(reply, request)


@pytest.fixture(scope="module")
def changing() -> Changing:
    return Changing()


@pytest.fixture(scope="module")
def llm(changing: Changing) -> Iterator[LlmServer]:
    with LlmServer(changing) as running:
        yield running


@pytest.fixture(scope="module")
def stack(llm: LlmServer) -> Iterator[Stack]:
    more = {"MEMSTACK_LLM_TIMEOUT": "60", "MEMSTACK_LLM_TASK_TOKENS": str(BUDGET), "MEMSTACK_LOG_LEVEL": "DEBUG"}
    with Stack(environment=llm.environment | more) as running:
        yield running


def save(stack: Stack, text: str = TEXT) -> str:
    project = stack.project("Read by a model")
    return str(stack.post("memories", {"project": project, "content": text})["task_id"])


def hanging_at(llm: LlmServer, changing: Changing, number: int) -> None:
    """From the question of that number on nothing is answered any more."""
    llm.requests.clear()

    def behave(reply: Reply, request: Request) -> None:
        (server.hang if len(llm.requests) >= number else server.well)(reply, request)

    changing.behaviour = behave


def assert_no_secret(stack: Stack) -> None:
    for name in ("web", "worker", "dispatcher"):
        assert KEY not in stack.log(name)
    with (stack.folder / "memstack.sqlite3").open("rb") as file:
        assert KEY.encode() not in file.read()


def test_a_model_reads_until_its_tokens_are_spent_and_the_task_tells(
    stack: Stack, llm: LlmServer, changing: Changing
) -> None:
    changing.behaviour = lambda reply, request: reply.say(json.dumps(server.noted(request)), 4000, 2000)
    task = stack.wait_for_task(save(stack))
    assert task["status"] == "completed", task["error"]
    told = task["result"]["llm"]
    assert task["result"]["extractor"] == "llm and local"
    assert 0 < told["parts_by_model"] < told["parts"]
    assert told["tokens_in"] + told["tokens_out"] == 6000 * told["parts_by_model"] <= BUDGET
    assert "40,000 tokens" in task["message"]
    assert_no_secret(stack)


def test_a_cancel_ends_a_task_whose_model_is_silent(stack: Stack, llm: LlmServer, changing: Changing) -> None:
    hanging_at(llm, changing, 3)
    task = save(stack)
    server.wait_until(lambda: len(llm.requests) >= 4)
    begun = time.monotonic()
    stack.post(f"tasks/{task}/cancel")
    assert stack.wait_for_task(task)["status"] == "cancelled"
    assert time.monotonic() - begun < 15  # and not after MEMSTACK_LLM_TIMEOUT
    changing.behaviour = server.well
    again = stack.post(f"tasks/{task}/retry")["task_id"]
    assert stack.wait_for_task(again)["result"]["extractor"] == "llm"


@pytest.mark.slow
def test_a_worker_killed_while_it_asks_is_followed_by_one_that_pays_only_for_the_rest(
    stack: Stack, llm: LlmServer, changing: Changing
) -> None:
    hanging_at(llm, changing, 5)
    task = save(stack)
    server.wait_until(lambda: len(llm.requests) >= 6)
    server.wait_until(lambda: stack.get(f"tasks/{task}")["done"] > 0)
    before = [first(request) for request in llm.requests]
    [child] = stack.pool()
    os.kill(child, signal.SIGKILL)
    changing.behaviour = server.well
    wait_for(lambda: stack.get(f"tasks/{task}")["attempt"] == 2 or None, 90)
    row = stack.wait_for_task(task)
    assert (row["status"], row["result"]["extractor"]) == ("completed", "llm"), row
    parts = row["result"]["llm"]["parts"]
    everything = [first(request) for request in llm.requests]
    assert len(set(everything)) == parts
    assert len(everything) - parts <= 2 * 4, "at most what was under way is asked again"
    assert before[0] not in everything[len(before) :]
    assert_no_secret(stack)


def first(request: Request) -> str:
    return str(asked(request)["passages"][0]["text"])
