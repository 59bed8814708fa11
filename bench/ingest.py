"""What ingestion costs beside the models that it can't do without. Prints a table in Markdown.

`python -m bench.ingest [--conversation FILE] [--megabytes 5] [--postgres]`: a MemStack in an empty data folder reads
the text with one worker process; before and after it a process that does nothing else tags, parses and embeds the same
passages with the same models (`bench.ingest_alone`). What counts is the ratio of the two in one run.

FILE has conversations as JSON: LoCoMo's form, or a list of messages `{speaker, content, at?}`. Of several conversations
each is one memory. The other text is made up: people, firms and towns, thousands, in `--megabytes` of sentences.
"""

from __future__ import annotations

import argparse
import csv
import json
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.imports import database
from bench.ingest_texts import conversations, made_up
from bench.startup import SAMPLE, pss_megabytes
from tests.stack import ROOT, Stack, wait_for

PROBE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of the processor and of the clock."""

    cpu: float
    wall: float


def main() -> None:
    options = arguments()
    bodies = dict(conversations(options.conversation)) if options.conversation else {}
    if options.megabytes:
        bodies[f"made up, {options.megabytes:g} MB"] = {"content": made_up(int(options.megabytes * 2**20))}
    print(f"{'PostgreSQL' if options.postgres else 'SQLite'}, one worker process, {time.strftime('%Y-%m-%d')}\n")
    print(
        "| text | passages | entities | facts | alone, CPU | ingestion, CPU | ratio | clock | ratio | memory | writer |"
    )
    print("|---|" + "---:|" * 10)
    with database(options.postgres) as url, Stack(workers=1, database_url=url) as stack:
        wait_for(lambda: stack.client.get("/readyz").json()["worker"]["ok"] or None, 60)
        ingest(stack, {"messages": SAMPLE["messages"]})  # loads the models
        for name, body in bodies.items():
            print(row(stack, name, body), flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversation", type=Path, help="a JSON file with conversations")
    parser.add_argument("--megabytes", type=float, default=5, help="of made up text; 0: none")
    parser.add_argument("--postgres", action="store_true")
    return parser.parse_args()


def row(stack: Stack, name: str, body: dict[str, Any]) -> str:
    before = alone(body)
    [child] = stack.pool()
    with watched(lambda: pss_megabytes(child)) as sizes, watched(writer_wait(stack.folder)) as waits:
        idle = pss_megabytes(child)
        spent, result = ingest(stack, body)
    after = alone(body)
    cpu, wall = statistics.fmean([before.cpu, after.cpu]), statistics.fmean([before.wall, after.wall])
    values = [
        name, *(f"{result[key]:,}" for key in ("passages", "entities", "facts")), f"{cpu:.1f} s", f"{spent.cpu:.1f} s",
        f"{spent.cpu / cpu:.2f}", f"{spent.wall:.1f} s", f"{spent.wall / wall:.2f}", f"+{max(sizes) - idle:.0f} MB",
        f"{1000 * max(waits):.0f} ms",
    ]  # fmt: skip
    return f"| {' | '.join(values)} |"


def alone(body: dict[str, Any]) -> Spent:
    command = [sys.executable, "-m", "bench.ingest_alone"]
    ran = subprocess.run(command, input=json.dumps(body), capture_output=True, text=True, check=True, cwd=ROOT)
    return Spent(**json.loads(ran.stdout))


def ingest(stack: Stack, body: dict[str, Any]) -> tuple[Spent, dict[str, Any]]:
    """Saves the memory in a project of its own; what its task spent, and its result."""
    project = stack.project("Bench")
    task = stack.post("memories", {"project": project, **body})["task_id"]
    ended = stack.wait_for_task(task, seconds=3600)
    if ended["status"] != "completed":
        raise RuntimeError(ended["error"])
    lines = stack.client.get("/api/v1/tasks.csv", params={"project": project}).text.splitlines()
    [told] = csv.DictReader(lines)
    return Spent(float(told["cpu_seconds"]), float(told["duration_seconds"])), ended["result"]


@contextmanager
def watched(ask: Any) -> Iterator[list[float]]:
    """What `ask` answers again and again until the block ends."""
    answers: list[float] = [ask()]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(PROBE_SECONDS):
            answers.append(ask())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield answers
    finally:
        ended.set()
        thread.join()


def writer_wait(folder: Path) -> Any:
    """Asks how many seconds it takes to become SQLite's one writer: as long as the longest transaction, at most."""
    path = folder / "memstack.sqlite3"

    def wait() -> float:
        if not path.exists():
            return 0.0
        begun = time.perf_counter()
        connection = sqlite3.connect(path, timeout=600, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
        connection.close()
        return time.perf_counter() - begun

    return wait


if __name__ == "__main__":
    main()
