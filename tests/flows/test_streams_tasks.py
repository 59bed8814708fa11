"""What readers see of tasks that a real worker runs: each stage as it happens, on the task's and project's stream."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from statistics import median
from typing import Any

import httpx
import pytest
import pytest_asyncio

from bench.streams_client import Stream, begin
from tests.flows.streams_parts import until
from tests.stack import Stack

pytestmark = pytest.mark.flow
TEXT = "\n\n".join(
    f"In {1900 + number % 100} Ada Lovelace met Person{number} Example in City{number}. She wrote him {number} letters."
    for number in range(200)
)
INGESTION = [
    (10, "Starting episode ingestion..."),
    (20, "Loading schema..."),
    (30, "Extracting entities and relationships..."),
    (50, "Syncing schema..."),
    (75, "Updating communities..."),
    (100, "Episode ingestion completed"),
]
REBUILD = [
    (10, "Removing existing communities..."),
    (30, "Detecting communities..."),
    (50, "Found {communities_count} communities..."),
    (75, "Saving community relationships..."),
    (90, "Calculating member counts..."),
    (100, "Communities rebuilt"),
]


@dataclass
class Seen:
    """The events of one task on one stream; `late`: seconds from the change to its arrival."""

    data: list[dict[str, Any]]
    kinds: list[str]
    late: list[float]


def seen(stream: Stream, task: str) -> Seen:
    blocks = [block for block in stream.body.decode().replace("\r\n", "\n").split("\n\n") if "\ndata: " in block]
    fields = [dict(line.split(": ", 1) for line in block.splitlines() if ": " in line) for block in blocks]
    wall = time.time() - time.monotonic()
    found = Seen([], [], [])
    for (_, arrival), field in zip(stream.events(), fields, strict=True):
        data = json.loads(field["data"])
        if data["id"] == task:
            found.data.append(data)
            found.kinds.append(field["event"])
            found.late.append(arrival + wall - datetime.fromisoformat(data["at"]).timestamp())
    return found


@pytest_asyncio.fixture
async def project(stack: Stack) -> AsyncIterator[tuple[str, Stream]]:
    """A project with something to read, and its stream."""
    made = stack.project("Stages")
    stream = await begin(stack.url, f"projects/{made}/stream", stack.key, f"project-{made}:0")
    yield made, stream
    stream.close()


async def post(stack: Stack, path: str, body: dict[str, Any]) -> Any:
    """Not by the stack's own client: the readers go on meanwhile."""
    headers = {"Authorization": f"Bearer {stack.key}"}
    async with httpx.AsyncClient(base_url=f"{stack.url}/api/v1", headers=headers, timeout=30) as client:
        return (await client.post(f"/{path}", json=body)).raise_for_status().json()


async def watched(stack: Stack, task: str, whole: Stream) -> Seen:
    """Watches a task on both streams to its end; both must tell the same, from its first event to the last."""
    stream = await begin(stack.url, f"tasks/{task}/stream", stack.key, f"task-{task}:0")
    await until(stream.ended.is_set, 180)
    one = seen(stream, task)
    await until(lambda: seen(whole, task).kinds[-1:] == ["completed"])
    other = seen(whole, task)
    assert one.data == other.data
    assert one.kinds == other.kinds == ["progress"] * (len(one.data) - 1) + ["completed"]
    assert [data["seq"] for data in one.data] == list(range(1, len(one.data) + 1))
    moving = other.late[:-1]  # the end's transaction begins with the change and publishes the whole graph then
    assert median(moving) < 0.25, "it comes later than it happens"
    assert max(moving) < 5, "it comes later than it happens"
    return other


def stages(found: Seen) -> list[tuple[int, str]]:
    """Each message once, at the progress with which it began; of those between the marks the mark's."""
    told = [(data["progress"], data["message"]) for data in found.data if data["status"] != "pending"]
    return [next(group) for _, group in groupby(told, key=lambda each: each[1])]


def marks(found: Seen, wanted: list[tuple[int, str]]) -> list[tuple[int, str]]:
    return [stage for stage in stages(found) if stage in wanted]


def spread(found: Seen) -> float:
    """Seconds between the changes at the first and the last stage; a burst at the end would come at once."""
    times = [datetime.fromisoformat(data["at"]).timestamp() for data in found.data]
    return times[-1] - times[0]


async def test_the_stages_of_real_tasks_come_as_they_happen(stack: Stack, project: tuple[str, Stream]) -> None:
    home, whole = project
    memory = await post(stack, "memories", {"project": home, "content": TEXT, "title": "Letters"})
    ingestion = await watched(stack, memory["task_id"], whole)
    assert marks(ingestion, INGESTION) == INGESTION
    assert spread(ingestion) > 1
    assert sum(data["done"] is not None for data in ingestion.data) > 3, "a long stage moves between its marks"
    rebuild = await watched(stack, (await post(stack, "communities/rebuild", {"project": home}))["task_id"], whole)
    result = rebuild.data[-1]["result"]
    wanted = [(progress, message.format(**result)) for progress, message in REBUILD]
    assert marks(rebuild, wanted) == wanted
    assert result["communities_count"] > 0
    progress = [data["progress"] for data in rebuild.data]
    assert progress == sorted(progress)
