"""The whole path with real processes: save, watch, search, rebuild, break it; on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.postgres import Server
from tests.stack import PATIENCE, ROOT, Stack, wait_for

pytestmark = pytest.mark.flow
LEASE = 15.0
TEXT = "Anna Smith works for Acme in Berlin. Acme was founded by Peter Jones in 2001."
LONG = "\n\n".join(f"Person{n} Example visited City{n} with Anna Smith in 20{n % 20:02d}." for n in range(250))


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def running(request: pytest.FixtureRequest) -> Iterator[Stack]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database("flows")
    with Stack(database_url=url, workers=2) as stack:
        yield stack


def save(stack: Stack, project: str, **memory: Any) -> dict[str, Any]:
    made: dict[str, Any] = stack.post("memories", {"project": project, **memory})
    return made


def events(stack: Stack, path: str, last: str = "", stop: int | None = None) -> list[tuple[str, str, dict[str, Any]]]:
    """(type, id, data) of a stream until it ends, or until `stop` events have come."""
    headers = {"Authorization": f"Bearer {stack.key}", **({"Last-Event-ID": last} if last else {})}
    found: list[tuple[str, str, dict[str, Any]]] = []
    fields: dict[str, str] = {}
    with httpx.stream("GET", f"{stack.url}/api/v1/{path}", headers=headers, timeout=60) as response:
        assert response.status_code == 200, response.status_code
        assert response.headers["content-type"].startswith("text/event-stream")
        for line in response.iter_lines():
            name, _, value = line.partition(":")
            if line and name:
                fields[name] = value.removeprefix(" ")
            elif not line and "data" in fields:
                found.append((fields["event"], fields.get("id", ""), json.loads(fields["data"])))
                fields = {}
                if len(found) == stop:
                    break
    return found


def test_a_memory_becomes_graph_and_is_found(running: Stack) -> None:
    follow_a_memory(running)


def test_the_path_on_postgresql(postgres: Server) -> None:
    """The first of these tests, where the others are slow."""
    with Stack(database_url=postgres.new_database("path")) as running:
        follow_a_memory(running)


def follow_a_memory(running: Stack) -> None:
    project = running.project("Path")
    memory = save(running, project, content=TEXT, title="Acme")
    told = events(running, f"tasks/{memory['task_id']}/stream")
    assert [data["seq"] for _, _, data in told] == list(range(told[0][2]["seq"], told[-1][2]["seq"] + 1))
    assert told[-1][0] == "completed"
    again = httpx.get(
        f"{running.url}/api/v1/tasks/{memory['task_id']}/stream",
        headers={"Authorization": f"Bearer {running.key}", "Last-Event-ID": told[-1][1]},
        timeout=60,
    )
    assert again.status_code == 204
    whole = running.get(f"memories/{memory['id']}")
    assert {"Anna Smith", "Acme", "Peter Jones"} <= {entity["name"] for entity in whole["entities"]}
    for fact in whole["facts"]:
        for support in fact["support"]:
            assert whole["content"][support["start"] : support["end"]] == fact["sentence"]
    results = running.post("search", {"project": project, "query": "Who founded Acme?"})["results"]
    assert "Peter Jones" in results[0]["text"]
    receipt = running.client.delete(f"{running.url}/api/v1/memories/{memory['id']}", headers=auth(running)).json()
    assert receipt["facts_removed"] == len(whole["facts"])
    assert running.post("search", {"project": project, "query": "Who founded Acme?"})["results"] == []


def test_the_web_process_goes_before_the_workers(running: Stack) -> None:
    niceness = [os.getpriority(os.PRIO_PROCESS, pid) for pid in (running.processes["web"], *running.pool())]
    assert niceness[0] < min(niceness[1:])


def auth(stack: Stack) -> dict[str, str]:
    return {"Authorization": f"Bearer {stack.key}"}


def test_communities_are_rebuilt_and_watched_on_the_project_stream(running: Stack) -> None:
    project = running.project("Communities")
    running.wait_for_task(save(running, project, content=TEXT)["task_id"])
    task = running.post("communities/rebuild", {"project": project})["task_id"]
    row = running.wait_for_task(task)
    assert row["result"].keys() == {"communities_count", "edges_count"}
    told = events(running, f"projects/{project}/stream", last=f"project-{project}:0", stop=12)
    assert [int(ident.rpartition(":")[2]) for _, ident, _ in told] == list(range(1, 13))
    communities = running.get("communities", project=project)
    assert communities["count"] == row["result"]["communities_count"]


def test_a_worker_killed_in_the_middle_changes_nothing_but_the_time(running: Stack) -> None:
    project = running.project("Killed")
    memory = save(running, project, content=LONG)
    task = memory["task_id"]
    wait_for(lambda: running.get(f"tasks/{task}")["stage"] == "extract" or None, PATIENCE)
    for child in running.pool():
        os.kill(child, signal.SIGKILL)
    killed = time.monotonic()
    wait_for(lambda: running.get(f"tasks/{task}")["attempt"] == 2 or None, PATIENCE)
    assert time.monotonic() - killed < LEASE + 45  # the dispatcher's round, and a new process on a busy machine
    row = running.wait_for_task(task)
    assert (row["status"], row["attempt"]) == ("completed", 2)
    once = running.project("Undisturbed")
    running.wait_for_task(save(running, once, content=LONG)["task_id"])
    stats, expected = running.get(f"projects/{project}/stats"), running.get(f"projects/{once}/stats")
    for count in ("entities", "facts", "passages", "mentions"):
        assert stats.get(count) == expected.get(count), count
    told = events(running, f"tasks/{task}/stream", last=f"task-{task}:0")
    assert [data["seq"] for _, _, data in told] == list(range(1, len(told) + 1))
    assert [kind for kind, _, _ in told if kind != "progress"] == ["completed"]


def test_a_running_task_is_cancelled_within_a_second(running: Stack) -> None:
    project = running.project("Cancelled")
    task = save(running, project, content=LONG)["task_id"]
    wait_for(lambda: running.get(f"tasks/{task}")["stage"] == "extract" or None, PATIENCE)
    running.post(f"tasks/{task}/cancel")
    began = time.monotonic()
    assert running.wait_for_task(task)["status"] == "cancelled"
    assert time.monotonic() - began < 20
    assert running.get("entities", project=project)["count"] == 0
    again = running.post(f"tasks/{task}/retry")["task_id"]
    assert running.wait_for_task(again)["status"] == "completed"


def test_work_is_accepted_and_done_without_the_broker(running: Stack) -> None:
    project = running.project("No broker")
    broker = running.send("valkey", signal.SIGSTOP)
    try:
        began = time.monotonic()
        memory = save(running, project, content=TEXT)
        assert time.monotonic() - began < 2
    finally:
        os.kill(broker, signal.SIGKILL)
    running.wait_until_restarted("valkey", broker)
    assert running.wait_for_task(memory["task_id"])["status"] == "completed"


def test_an_import_counts_its_children(running: Stack) -> None:
    project = running.project("Import")
    memories = [{"content": f"Bob{n} Miller lives in London."} for n in range(30)]
    accepted = running.post("memories/import", {"project": project, "memories": [*memories, {"content": ""}]})
    assert accepted["accepted"] == 30
    assert [row["line"] for row in accepted["rejected"]] == [31]
    row = running.wait_for_task(accepted["task_id"])
    assert (row["status"], row["result"]) == ("completed", {"completed": 30, "failed": 0})
    assert running.get("memories", project=project)["count"] == 30


def test_the_command_line_saves_follows_and_rebuilds(running: Stack) -> None:
    project = running.project("Terminal")
    shown = running.manage("ingest", "-", "--project", project, stdin=TEXT).stdout
    assert "100 %  completed" in shown
    shown = running.manage("rebuild_communities", project).stdout
    assert "Found" in shown
    task = running.get("tasks", project=project)["results"][0]["id"]
    assert "Communities rebuilt" in running.manage("watch_task", task).stdout
    for arguments in (
        ["watch_task", "00000000-0000-7000-8000-000000000000"],
        ["watch_task", "nonsense"],
        ["rebuild_communities", "no such project"],
        ["ingest", "/no/such/file", "--project", project],
        ["create_api_key", "--user", "nobody"],
    ):
        failed = running.manage(*arguments, check=False)
        assert failed.returncode == 1
        assert failed.stderr.startswith("CommandError: ")
        assert "Traceback" not in failed.stderr


QUICK = ["tasks_app/test_transitions.py", "memories/test_graph.py"]
OTHERS = ["tasks_app/test_runner.py", "tasks_app/test_dispatcher.py", "memories/test_search.py"]


@pytest.mark.parametrize("suites", [QUICK, pytest.param(OTHERS, marks=pytest.mark.slow)], ids=["quick", "others"])
def test_the_core_holds_on_postgresql(postgres: Server, suites: list[str]) -> None:
    """The same tests that run on SQLite."""
    environment = os.environ | {"TEST_DATABASE_URL": postgres.new_database(f"core{len(suites)}")}
    environment = {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--ds",
        "tests.settings",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
    ]
    done = subprocess.run(
        [*command, *(f"tests/{name}" for name in suites)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
