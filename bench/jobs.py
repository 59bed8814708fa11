"""What the job layer is fast at, beside bare Celery tasks on the same worker. Prints a table in Markdown.

`python -m bench.jobs [--quick] [--only sqlite|postgresql]`: real web, worker (two processes), dispatcher and broker.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgres import Server
from tests.stack import ROOT, clean_environment

FULL = {"bare": 5000, "empty": 1500, "single": 60, "accept_seconds": 10, "waiting": 10_000}
QUICK = {"bare": 2000, "empty": 300, "single": 30, "accept_seconds": 4, "waiting": 2000}
ROWS = (
    ("accept: POST of a memory, four clients, p50", "accept_p50_ms", "{:.0f} ms", ""),
    ("the same, p95", "accept_p95_ms", "{:.0f} ms", "≤ 100 ms"),
    ("accepted", "accept_per_second", "{:.0f} a second", "≥ 50"),
    ("pick-up with a free slot: row made to task started, p50", "pick_up_p50_ms", "{:.0f} ms", ""),
    ("the same, p95", "pick_up_p95_ms", "{:.0f} ms", "≤ 300 ms"),
    ("empty tasks", "empty_per_second", "{:.0f} a second", "≥ 40"),
    ("CPU of the worker's processes per empty task", "empty_cpu_ms", "{:.1f} ms", ""),
    ("bare Celery tasks, same worker and broker", "bare_per_second", "{:.0f} a second", ""),
    ("an empty task's cost in bare Celery tasks", "ratio", "{:.0f}", ""),
    ("a pool process killed at work: until the task runs again", "recovery_seconds", "{:.1f} s", "≤ 20 s"),
    (
        "one task beside 10,000 waiting of another project: begins after, in task lengths",
        "fair_lengths",
        "{:.1f}",
        "≤ 2",
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    options = parser.parse_args()
    names = [options.only] if options.only else ["sqlite", "postgresql"]
    found = {name: measured(name, QUICK if options.quick else FULL) for name in names}
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d')}\n")
    print(f"| what | {' | '.join(names)} | to reach |\n|---|{'---:|' * (len(names) + 1)}")
    for what, figure, form, goal in ROWS:
        print(f"| {what} | {' | '.join(form.format(found[name][figure]) for name in names)} | {goal} |")


def measured(name: str, sizes: dict[str, int]) -> dict[str, float]:
    """All figures of one database, from a process with its settings."""
    folder = Path(tempfile.mkdtemp(prefix="memstack-jobs-"))
    try:
        with database(name, folder) as url:
            environment = clean_environment() | {
                "MEMSTACK_DATA_DIR": str(folder / "data"),
                "MEMSTACK_WORKERS": "2",
                "OMP_NUM_THREADS": "1",
                **({"DATABASE_URL": url} if url else {}),
            }
            subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], env=environment, cwd=ROOT, check=True)
            command = [sys.executable, "-m", "bench.jobs_site", json.dumps(sizes)]
            done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return figures | {"ratio": figures["bare_per_second"] / figures["empty_per_second"]}


@contextmanager
def database(name: str, folder: Path) -> Iterator[str]:
    if name == "sqlite":
        yield ""
        return
    server = Server(folder / "postgresql")
    try:
        yield server.new_database("bench")
    finally:
        server.stop()


if __name__ == "__main__":
    main()
