"""An import with real processes: cancelled in the middle, its worker killed in the middle, watched in a terminal."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import zipfile
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.stack import PATIENCE, Stack, wait_for

pytestmark = pytest.mark.flow


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def running(request: pytest.FixtureRequest) -> Iterator[Stack]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database("imports")
    settings = {"MEMSTACK_MAX_UPLOAD_MB": "2"}
    with Stack(database_url=url, workers=2, environment=settings) as stack:
        yield stack


def hand_in(stack: Stack, project: str, count: int, **headers: str) -> dict[str, Any]:
    data = "\n".join(json.dumps({"content": f"Day {n}."}) for n in range(count))
    files = {"file": ("notes.jsonl", data)}
    answer = stack.client.post("/api/v1/memories/import", data={"project": project}, files=files, headers=headers)
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.json()
    assert told["accepted"] == count
    return told


def titles(stack: Stack, project: str) -> Counter[str]:
    """Of all memories of the project."""
    found, address = Counter[str](), f"/api/v1/memories?project={project}&page_size=200"
    while address:
        page = stack.client.get(address).json()
        found.update(memory["title"] for memory in page["results"])
        address = page["next"]
    return found


def once_each(count: int) -> Counter[str]:
    return Counter(f"Day {n}." for n in range(count))


def test_a_worker_killed_while_it_saves_makes_each_memory_once(running: Stack) -> None:
    project = running.project("Killed")
    task = hand_in(running, project, 400)["task_id"]
    wait_for(lambda: (running.get(f"tasks/{task}")["done"] or 0) >= 50 or None, PATIENCE)
    assert running.get(f"tasks/{task}")["stage"] == "accept", "it was over before it could be killed"
    for child in running.pool():
        os.kill(child, signal.SIGKILL)
    wait_for(lambda: running.get(f"tasks/{task}")["stage"] == "children" or None, PATIENCE)
    row = running.get(f"tasks/{task}")
    assert (row["attempt"], row["total"]) == (2, 400)
    assert titles(running, project) == once_each(400)
    assert running.get("tasks", parent=task)["count"] == 400
    running.client.post(f"/api/v1/tasks/{task}/cancel", timeout=120).raise_for_status()
    wait_for(lambda: active(running, task) == 0 or None, PATIENCE)
    told = running.get(f"tasks/{task}/events")["results"]
    assert [event["data"]["seq"] for event in told] == list(range(1, len(told) + 1))


@pytest.mark.slow
def test_killed_and_cancelled_in_the_middle_the_retry_does_the_rest_once(running: Stack) -> None:
    project = running.project("Cancelled")
    task = hand_in(running, project, 120)["task_id"]
    wait_for(lambda: completed(running, task) >= 5 or None, PATIENCE)
    os.kill(running.pool()[0], signal.SIGKILL)
    wait_for(lambda: completed(running, task) >= 10 or None, PATIENCE)
    running.post(f"tasks/{task}/cancel")
    assert running.wait_for_task(task)["status"] == "cancelled"
    wait_for(lambda: active(running, task) == 0 or None, PATIENCE)
    done = completed(running, task)
    assert 10 <= done < 120
    again = running.wait_for_task(running.post(f"tasks/{task}/retry")["task_id"], seconds=300)
    assert (again["status"], again["result"]["completed"]) == ("completed", 120 - done)
    assert titles(running, project) == once_each(120)
    stats = running.get(f"projects/{project}/stats")
    assert (stats["memories_by_status"]["completed"], stats["passages"]) == (120, 120)


def completed(stack: Stack, parent: str) -> int:
    return int(stack.get("tasks", parent=parent, status="completed")["count"])


def active(stack: Stack, parent: str) -> int:
    return sum(int(stack.get("tasks", parent=parent, status=status)["count"]) for status in ("pending", "processing"))


def test_a_web_process_killed_after_its_202_loses_nothing(running: Stack) -> None:
    project = running.project("Web killed")
    web = running.processes["web"]
    task = hand_in(running, project, 20)["task_id"]
    os.kill(web, signal.SIGKILL)
    running.wait_until_restarted("web", web)
    wait_for(lambda: ready(running) or None, PATIENCE)
    row = running.wait_for_task(task)
    assert row["result"]["completed"] == 20


def ready(stack: Stack) -> bool:
    try:
        return stack.client.get("/readyz").status_code == 200
    except httpx.HTTPError:
        return False


def test_the_terminal_shows_how_far_a_folder_is(running: Stack, tmp_path: Path) -> None:
    project = running.project("Terminal")
    for number in range(20):
        (tmp_path / f"{number}.txt").write_text(f"Day {number}.")
    told = running.manage("ingest", str(tmp_path), "--project", project)
    assert told.stdout.splitlines()[-1].split() == ["100", "%", "completed", "20", "of", "20"]
    assert "20 memories accepted, 0 not taken." in told.stderr
    (tmp_path / "bad.txt").write_bytes(b"\xff")
    again = running.manage("ingest", str(tmp_path), "--project", project, check=False)
    assert again.returncode == 3
    assert "bad.txt: This is not UTF-8" in again.stderr
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../evil.txt", "Ada")
    (tmp_path / "evil.zip").write_bytes(packed.getvalue())
    refused = running.manage("ingest", str(tmp_path / "evil.zip"), "--project", project, check=False)
    assert (refused.returncode, "leads out" in refused.stderr) == (1, True)
    lines = "\n".join(json.dumps({"content": f"Bob stayed {n} days."}) for n in range(5))
    piped = running.manage("ingest", "-", "--format", "jsonl", "--project", project, stdin=lines)
    assert "5 of 5" in piped.stdout


# --- too large


@pytest.mark.parametrize("path", ["/api/v1/memories/import", "/project/0/import"])
def test_an_upload_over_the_limit_is_refused_before_it_is_sent(running: Stack, path: str) -> None:
    """A client that waits for the answer need send nothing of its gigabyte."""
    where = urlsplit(running.url)
    with socket.create_connection((where.hostname, where.port), 60) as wire:
        wire.sendall(f"POST {path} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: {2**30}\r\n\r\n".encode())
        answer = HTTPResponse(wire)
        answer.begin()
        body = answer.read().decode()
    assert answer.status == 413
    assert "An upload may have 2 MB" in body
    assert (answer.headers["Content-Type"] == "application/problem+json") == path.startswith("/api/")


def test_a_gigabyte_without_a_length_is_refused_and_not_held(running: Stack) -> None:
    hand_in(running, running.project("Small"), 1)  # a new process has loaded what an import needs afterwards
    web = running.processes["web"]
    before = resident(web)

    def pieces() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * 2**20

    headers = {"Authorization": f"Bearer {running.key}", "Content-Type": "application/json"}
    answer = httpx.post(f"{running.url}/api/v1/memories/import", content=pieces(), headers=headers, timeout=60)
    assert answer.status_code == 413
    assert "2 MB" in answer.json()["detail"]
    assert resident(web) - before < 50
    assert running.processes["web"] == web


def resident(pid: int) -> float:
    """MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) / 1024
