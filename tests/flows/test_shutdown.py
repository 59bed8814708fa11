"""A worker that is asked to stop gives its tasks back: nothing is counted as a death, nothing waits for a lease."""

from __future__ import annotations

import os
import signal
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import PATIENCE, Stack, wait_for

pytestmark = pytest.mark.flow
LEASE = 15.0
LONG = "\n\n".join(f"Anna Smith visited Berlin with Peter Jones in 20{n % 20:02d}." for n in range(900))


@pytest.fixture
def stack() -> Iterator[Stack]:
    with tempfile.TemporaryDirectory(prefix="memstack-stop-") as name, Stack(workers=2, folder=Path(name)) as running:
        yield running
        Path(f"{name}.out").unlink(missing_ok=True)


def busy(stack: Stack) -> list[str]:
    """Two tasks in the middle of their extraction, one for each process."""
    project = stack.project("Stopped")
    tasks = [stack.post("memories", {"project": project, "content": LONG})["task_id"] for _ in range(2)]
    wait_for(lambda: all(stack.get(f"tasks/{task}")["done"] for task in tasks) or None, PATIENCE)
    return tasks


def row(stack: Stack, task: str) -> tuple[str, int, int, int, str]:
    with sqlite3.connect(stack.folder / "memstack.sqlite3") as connection:
        found: tuple[str, int, int, int, str] = connection.execute(
            "SELECT status, attempt, deaths, retries, message FROM tasks_app_tasklog WHERE id = ?",
            [task.replace("-", "")],
        ).fetchone()
    return found


def read_by(stack: Stack, task: str, attempt: int) -> list[int]:
    """The counter of the extraction in an attempt's events."""
    events = [event["data"] for event in stack.get(f"tasks/{task}/events")["results"]]
    return [data["done"] for data in events if data["attempt"] == attempt and data["stage"] == "extract"]


@pytest.mark.parametrize(
    "to_all", [pytest.param(False, id="worker", marks=pytest.mark.slow), pytest.param(True, id="all its processes")]
)
def test_a_worker_that_is_stopped_gives_its_tasks_back(stack: Stack, to_all: bool) -> None:
    tasks = busy(stack)
    worker = stack.processes["worker"]
    asked = time.monotonic()
    if to_all:
        os.killpg(worker, signal.SIGTERM)
    else:
        os.kill(worker, signal.SIGTERM)
    for task in tasks:
        wait_for(lambda task=task: row(stack, task)[0] == "pending" or None, LEASE)  # type: ignore[misc]
        assert row(stack, task) == ("pending", 1, 0, 0, "Waiting: its worker was stopped")
    assert time.monotonic() - asked < LEASE - 3, "it waited for its lease"
    stack.wait_until_restarted("worker", worker)
    for task in tasks:
        done = stack.wait_for_task(task, seconds=2 * PATIENCE)
        assert (done["status"], done["attempt"]) == ("completed", 2)
        first, second = read_by(stack, task, 1), read_by(stack, task, 2)
        assert second[0] >= max(first) > 0, "it went on where the first attempt had got to"


def test_stopping_everything_keeps_what_was_done(stack: Stack) -> None:
    tasks = busy(stack)
    assert stack.stop() == 0
    for task in tasks:
        assert row(stack, task) == ("pending", 1, 0, 0, "Waiting: its worker was stopped")
    stack.start()
    for task in tasks:
        done = stack.wait_for_task(task, seconds=2 * PATIENCE)
        assert (done["status"], done["attempt"]) == ("completed", 2)
        assert row(stack, task)[2:4] == (0, 0)
