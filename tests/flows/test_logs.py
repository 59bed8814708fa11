"""The logs of a whole MemStack as JSON: every line is one, requests and tasks can be followed, and no word leaks."""

from __future__ import annotations

import json
from itertools import dropwhile
from typing import Any

import httpx
import pytest

from tests.stack import Stack

pytestmark = [pytest.mark.flow, pytest.mark.slow]
CANARY = "kanarienvogel"
PARTS = ("web", "worker", "dispatcher")


def lines(stack: Stack, part: str) -> list[dict[str, Any]]:
    """The lines that a part has logged; one that is no JSON fails. Celery's own two go past all logging: that it runs
    as root, before, and that it ends, after."""
    begun = dropwhile(lambda line: not line.startswith("{"), stack.log(part).splitlines())
    return [json.loads(line) for line in begun if line and not line.startswith("worker: Warm shutdown")]


def use(stack: Stack) -> str:
    """All that carries words, with one in it that is found again wherever it goes; the task of a memory."""
    project = stack.project(CANARY)
    headers = {"X-Request-ID": "followed-1"}
    memory = stack.post(
        "memories",
        {"project": project, "content": f"Anna {CANARY} lives in Berlin.", "title": CANARY, "tags": [CANARY]},
        **headers,
    )
    stack.wait_for_task(memory["task_id"])
    stack.post("memories/import", {"project": project, "memories": [{"content": CANARY}, {"content": ""}]})
    stack.post("search", {"project": project, "query": CANARY})
    client = stack.client
    for path in (f"/api/v1/memories?q={CANARY}", f"/project/{project}/search?q={CANARY}", f"/nowhere?q={CANARY}"):
        client.get(path)
    client.post("/api/v1/memories", json={"project": project, "content": [CANARY]})
    client.post("/api/v1/memories", content=CANARY)
    httpx.get(f"{stack.url}/api/v1/memories", headers={"Authorization": f"Bearer ms_sk_{CANARY}"})
    httpx.post(f"{stack.url}/login", data={"username": CANARY, "password": CANARY})
    client.delete(f"/api/v1/memories/{memory['id']}")
    return str(memory["task_id"])


@pytest.mark.parametrize("form", ["json", "text"])
def test_requests_and_tasks_can_be_followed_and_no_word_leaks(form: str) -> None:
    environment = {"MEMSTACK_LOG_FORMAT": form, "MEMSTACK_LOG_LEVEL": "DEBUG"}
    with Stack(environment=environment) as stack:
        task = use(stack)
        stack.stop()
        written = {part: stack.log(part) for part in PARTS}
        for part, text in written.items():
            assert CANARY not in text, part
            assert stack.key not in text, part
            assert "ms_sk_" not in text, part
        if form == "text":
            assert f"request_id=followed-1 task_id={task}" in written["web"]
            assert f"task_id={task} task_kind=ingest_episode attempt=1" in written["worker"]
            return
        [accepted] = [line for line in lines(stack, "web") if line["message"] == "Accepted" and line["task_id"] == task]
        assert accepted["request_id"] == "followed-1"
        told = [line for line in lines(stack, "worker") if line.get("task_id") == task]
        assert {"Attempt begins"} < {line["message"] for line in told}
        assert {line["attempt"] for line in told} == {1}
        assert lines(stack, "dispatcher") is not None
