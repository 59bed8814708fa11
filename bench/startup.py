"""How fast MemStack starts and reads a conversation, how much memory and disk it takes. Prints a table in Markdown.

`python -m bench.startup [--workers 2] [--ingestions 10]`: real processes, an empty data folder, SQLite.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from memstack import __version__
from tests.stack import ROOT, Stack, children, wait_for

SAMPLE = json.loads((ROOT / "memstack" / "samples" / "conversation.json").read_text(encoding="utf-8"))
Row = tuple[str, str]


def main() -> None:
    options = arguments()
    stack = Stack(workers=options.workers)
    rows: list[Row] = [("start on an empty data folder, to `ready`", seconds(start(stack)))]
    try:
        rows.append(("stop with SIGTERM", seconds(stop(stack))))
        rows.append(("start on that folder, to `ready`", seconds(start(stack))))
        rows.append(("from `ready` until a worker is there", seconds(until_worker(stack))))
        rows += ingestions(stack, options.ingestions)
        rows += memory(stack)
    finally:
        stack.close()
    rows.append(("environment (packages of requirements.txt)", f"{environment_megabytes():,.0f} MB"))
    print_table(rows, options.workers)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--ingestions", type=int, default=10)
    return parser.parse_args()


def start(stack: Stack) -> float:
    """Seconds to the `ready` line; the key is made after it."""
    begun = time.perf_counter()
    stack.launch()
    stack.wait_until_ready()
    took = time.perf_counter() - begun
    stack.connect()
    return took


def stop(stack: Stack) -> float:
    begun = time.perf_counter()
    stack.stop()
    return time.perf_counter() - begun


def until_worker(stack: Stack) -> float:
    begun = time.perf_counter()
    wait_for(lambda: stack.client.get("/readyz").json()["worker"]["ok"] or None, 60)
    return time.perf_counter() - begun


def ingestions(stack: Stack, count: int) -> list[Row]:
    """The first ingestion of the worker, and the median of the others, one after the other, as a client sees them."""
    project = stack.project("Bench")
    took = [ingest(stack, project) for _ in range(count)]
    said = f"conversation of {len(SAMPLE['messages'])} messages, POST to `completed`"
    return [
        (f"{said}: first", seconds(took[0])),
        (f"{said}: median of {count - 1}", seconds(statistics.median(took[1:]))),
    ]


def ingest(stack: Stack, project: str) -> float:
    begun = time.perf_counter()
    task_id = stack.post("memories", {"project": project, "messages": SAMPLE["messages"]})["task_id"]
    task: dict[str, Any] = stack.wait_for_task(task_id)
    if task["status"] != "completed":
        raise RuntimeError(task["error"])
    return time.perf_counter() - begun


def memory(stack: Stack) -> list[Row]:
    """Proportional set sizes: pages that processes share are counted once."""
    sizes = {
        name: sum(map(pss_megabytes, family(pid))) for name, pid in stack.processes.items() if name != "supervisor"
    }
    sizes["supervisor"] = pss_megabytes(stack.processes["supervisor"])
    rows = [(f"memory of {name} (PSS)", f"{size:,.0f} MB") for name, size in sizes.items()]
    return [*rows, ("memory of all processes (PSS)", f"{sum(sizes.values()):,.0f} MB")]


def family(pid: int) -> Iterator[int]:
    yield pid
    for child in children(pid):
        yield from family(child)


def pss_megabytes(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.findall(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)[0]) / 1024


def environment_megabytes() -> float:
    names = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    return sum(map(package_bytes, names)) / 1024**2


def package_bytes(name: str) -> int:
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        return 0
    paths = (Path(str(file.locate())) for file in files)
    return sum(path.stat().st_size for path in paths if path.is_file())


def seconds(value: float) -> str:
    return f"{value:.2f} s"


def print_table(rows: list[Row], workers: int) -> None:
    print(f"MemStack {__version__}, {os.cpu_count()} cores, {workers} workers, {time.strftime('%Y-%m-%d')}\n")
    print("| what | measured |\n|---|---:|")
    for what, measured in rows:
        print(f"| {what} | {measured} |")


if __name__ == "__main__":
    main()
