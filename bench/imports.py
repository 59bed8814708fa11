"""How an import of many short memories is accepted and done. Prints a table in Markdown.

`python -m bench.imports [--memories 10000] [--workers 2] [--postgres] [--accept-only]`: real processes, an empty data
folder. While the import is accepted and saved, another client saves single memories: what it waits at most shows how
long an import's transactions keep the database.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.postgres import Server
from tests.stack import Stack, wait_for

NAMES = ("Ada", "Bob", "Carla", "Dan", "Emma", "Finn", "Greta", "Hugo")
PLACES = ("Lisbon", "Turin", "Oslo", "Graz", "Lyon")


def main() -> None:
    options = arguments()
    with database(options.postgres) as url, Stack(workers=options.workers, database_url=url) as stack:
        wait_for(lambda: stack.client.get("/readyz").json()["worker"]["ok"] or None, 60)
        rows = measure(stack, options.memories, options.accept_only)
    name = "PostgreSQL" if options.postgres else "SQLite"
    print(f"\n| {options.memories:,} memories, {name}, {options.workers} worker processes | |\n|---|---:|")
    for what, value in rows:
        print(f"| {what} | {value} |")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memories", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--accept-only", action="store_true", help="stop before they are read")
    return parser.parse_args()


@contextmanager
def database(postgres: bool) -> Iterator[str]:
    if not postgres:
        yield ""
        return
    folder = Path(tempfile.mkdtemp(prefix="memstack-bench-"))
    server = Server(folder / "data")
    try:
        yield server.new_database("bench")
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def lines(count: int) -> bytes:
    """JSON Lines of short texts, each other than the rest."""
    texts = (f"{NAMES[n % 8]} was in {PLACES[n % 5]} on day {n} of the journey." for n in range(count))
    return "\n".join(json.dumps({"content": text, "external_id": f"note-{n}"}) for n, text in enumerate(texts)).encode()


def measure(stack: Stack, count: int, accept_only: bool) -> list[tuple[str, str]]:
    data, project, other = lines(count), stack.project("Import"), stack.project("Beside")
    send(stack, project, lines(10), "warm.jsonl")
    web = stack.processes["web"]
    before = peak(web, reset=True)
    with Saver(stack, other) as saver:
        begun = time.perf_counter()
        answer = send(stack, project, data, "many.jsonl")
        accepted = time.perf_counter() - begun
        assert answer["accepted"] == count, answer
        waits_accepting, saver.waits = saver.waits, []
        wait_for(lambda: stage(stack, answer["task_id"]) == "children" or None, 600)
        saved = time.perf_counter() - begun
        waits_saving = saver.waits
    rows = [
        ("file", f"{len(data) / 2**20:.1f} MB"),
        ("POST to 202", f"{accepted:.2f} s"),
        ("peak of the web process's memory over that before", f"{peak(web) - before:.0f} MB"),
        ("longest wait of another save meanwhile", longest(waits_accepting)),
        ("POST until every memory and its task are saved", f"{saved:.1f} s"),
        ("longest wait of another save meanwhile", longest(waits_saving)),
    ]
    if accept_only:
        return rows
    row = stack.wait_for_task(answer["task_id"], seconds=3600)
    assert row["result"]["completed"] == count, row
    total = time.perf_counter() - begun
    return [*rows, ("POST to `completed`", f"{total:.0f} s"), ("memories a second", f"{count / total:.0f}")]


def send(stack: Stack, project: str, data: bytes, name: str) -> dict[str, Any]:
    files = {"file": (name, data)}
    answer = stack.client.post("/api/v1/memories/import", data={"project": project}, files=files, timeout=300)
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told


def stage(stack: Stack, task_id: str) -> str:
    return str(stack.get(f"tasks/{task_id}")["stage"])


def peak(pid: int, *, reset: bool = False) -> float:
    """The process's peak of resident memory in MB; `reset` makes it what it is now."""
    if reset:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024


def longest(waits: list[float]) -> str:
    return f"{1000 * max(waits):.0f} ms of {len(waits)}" if waits else "none was made"


class Saver:
    """Another client, who saves a memory ten times a second; `waits` are the seconds that each took."""

    def __init__(self, stack: Stack, project: str) -> None:
        self.waits: list[float] = []
        self._stop = threading.Event()
        self._client = httpx.Client(base_url=stack.url, headers={"Authorization": f"Bearer {stack.key}"}, timeout=60)
        self._project = project
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Saver:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop.set()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            begun = time.perf_counter()
            body = {"project": self._project, "content": "Ada met Bob."}
            self._client.post("/api/v1/memories", json=body).raise_for_status()
            self.waits.append(time.perf_counter() - begun)


if __name__ == "__main__":
    main()
