"""How long the server needs for the dashboard and the task API with many task rows. Prints a table in Markdown.

`python -m bench.dashboard [--rows 100000] [--repeat 9] [--explain]`: a SQLite file and a PostgreSQL of its own, filled
with tasks of two days; each request is answered in this process, without the network, and is warm. `--explain` prints
the plan of each query that takes more than a millisecond.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
Row = dict[str, Any]
PASSWORD = "correct horse battery"


def main() -> None:
    options = arguments()
    if options.inside:
        json.dump(measure(options), sys.stdout)
        return
    with tempfile.TemporaryDirectory(prefix="memstack-bench-") as folder:
        tables = [("SQLite", child(options, Path(folder) / "sqlite", "")), ("PostgreSQL", on_postgres(options, folder))]
    print_table(options, tables)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--explain", action="store_true")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def on_postgres(options: argparse.Namespace, folder: str) -> list[Row]:
    from tests.postgres import Server

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "memstack.settings")
    server = Server(Path(folder) / "postgres")
    try:
        return child(options, Path(folder) / "data", server.new_database("dashboard"))
    finally:
        server.stop()


def child(options: argparse.Namespace, folder: Path, url: str) -> list[Row]:
    """The measurements of one database, by a process of its own that has its settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MEMSTACK_", "DATABASE_"))}
    environment |= {"MEMSTACK_DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "memstack.settings"}
    environment |= {"DATABASE_URL": url} if url else {}
    command = [sys.executable, "-m", "bench.dashboard", "--inside", "--rows", str(options.rows)]
    command += ["--repeat", str(options.repeat), *(["--explain"] if options.explain else [])]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)
    rows: list[Row] = json.loads(done.stdout)
    return rows


# --- in the process that has the database


def measure(options: argparse.Namespace) -> list[Row]:
    import logging

    import django

    django.setup()
    logging.disable(logging.WARNING)
    from django.conf import settings
    from django.test import Client
    from django.test.utils import setup_test_environment

    setup_test_environment()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    project, user = prepared(options.rows)
    client = Client()
    client.force_login(user)
    found = [timed(client, name, path, options) for name, path in pages(project)]
    return [*found, *bulk(client, project)]


def prepared(count: int) -> tuple[Any, Any]:
    """A filled project and its owner, with a day of samples and counted costs, as after a day of service."""
    from datetime import timedelta

    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from bench.dashboard_rows import fill
    from memories import services
    from tasks_app import bookkeeping
    from tasks_app.models import QueueSample

    call_command("migrate", verbosity=0)
    user = User.objects.create_superuser("alice", password=PASSWORD)
    project = services.create_project(user, name="Apollo")
    fill(project, count)
    minute = timezone.now().replace(second=0, microsecond=0)
    QueueSample.objects.bulk_create(
        QueueSample(project=of, at=minute - timedelta(minutes=number), pending=number % 300, processing=2)
        for number in range(1440)
        for of in (None, project)
    )
    bookkeeping.count_costs()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")  # what autovacuum does to a table that grows
    return project, user


def pages(project: Any) -> list[tuple[str, str]]:
    from tasks_app.models import TaskLog

    page, scope = f"/project/{project.pk}/tasks", f"project={project.pk}"
    middle = TaskLog.objects.order_by("-id").values_list("pk", flat=True)[TaskLog.objects.count() // 2]
    failed = TaskLog.objects.filter(status="failed").values_list("pk", flat=True)[0]
    return [
        ("page", page),
        ("page, upper part alone", f"{page}?part=summary"),
        ("page, 24 hours in the chart", f"{page}?part=summary&hours=24"),
        ("page, state", f"{page}?status=failed"),
        ("page, state and kind, few fit", f"{page}?status=cancelled&kind=rebuild_communities"),
        ("page, time", f"{page}?range=24h"),
        ("page, time, state and kind", f"{page}?range=24h&status=failed&kind=ingest_episode"),
        ("page, words that few say", f"{page}?q=interview+777"),
        ("page, from the middle", f"{page}?before={middle}"),
        ("page of a task", f"{page}/{failed}"),
        ("staff page", "/tasks"),
        ("staff page, state", "/tasks?status=failed"),
        ("staff page, state and kind, few fit", "/tasks?status=cancelled&kind=rebuild_communities"),
        ("`tasks`", f"/api/v1/tasks?{scope}"),
        ("`tasks`, all of one's projects", "/api/v1/tasks"),
        ("`tasks`, state and kind, few fit", f"/api/v1/tasks?{scope}&status=cancelled&kind=rebuild_communities"),
        ("`tasks`, time", f"/api/v1/tasks?{scope}&since=2020-01-01&status=failed"),
        ("`tasks`, words", f"/api/v1/tasks?{scope}&q=interview+777"),
        ("`tasks/stats`", f"/api/v1/tasks/stats?{scope}"),
        ("`tasks/queue-depth`, 24 hours", f"/api/v1/tasks/queue-depth?{scope}&hours=24"),
        ("`tasks.csv`, its first 500 rows", f"/api/v1/tasks.csv?{scope}"),
    ]


def timed(client: Any, name: str, path: str, options: argparse.Namespace) -> Row:
    """Median and worst milliseconds, processor milliseconds and number of queries of a GET."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def ask() -> None:
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.content[:500])
        if answer.streaming:
            chunks = iter(answer.streaming_content)
            next(chunks)
            next(chunks)

    ask()
    with CaptureQueriesContext(connection) as captured:
        ask()
        number = len(captured)  # the next request empties the log
    if options.explain:
        explain(name, captured.captured_queries)
    walls, processor = [], time.process_time()
    for _ in range(options.repeat):
        begun = time.perf_counter()
        ask()
        walls.append(1000 * (time.perf_counter() - begun))
    cpu = 1000 * (time.process_time() - processor) / options.repeat
    return {"name": name, "ms": statistics.median(walls), "worst": max(walls), "cpu": cpu, "queries": number}


def explain(name: str, queries: list[dict[str, str]]) -> None:
    from django.db import connection

    word = "EXPLAIN (ANALYZE, BUFFERS OFF)" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    for query in queries:
        if float(query["time"]) < 0.001 or not query["sql"].startswith("SELECT"):
            continue
        with connection.cursor() as cursor:
            cursor.execute(f"{word} {query['sql']}".replace("%", "%%"), [])
            plan = "\n        ".join(str(row[-1]) for row in cursor.fetchall())
        print(f"{name}: {query['time']} s {query['sql'][:240]}\n        {plan}", file=sys.stderr)


def bulk(client: Any, project: Any) -> Iterator[Row]:
    """Cancels what waits and retries what failed, in as many requests as it takes; with the longest transaction."""
    for name, body in (
        ("cancel", {"action": "cancel", "filter": {"status": "pending"}}),
        ("retry", {"action": "retry", "filter": {"status": "failed"}}),
    ):
        done, requests, longest, begun, cursor = 0, 0, 0.0, time.perf_counter(), None
        with transactions() as lengths:
            while requests == 0 or cursor:
                sent = time.perf_counter()
                given = {"project": str(project.pk), **body, "cursor": cursor}
                answer = client.post("/api/v1/tasks/bulk", given, content_type="application/json").json()
                done, requests, cursor = done + answer["done"], requests + 1, answer["cursor"]
                longest = max(longest, time.perf_counter() - sent)
        took = time.perf_counter() - begun
        yield {"name": f"bulk {name}", "done": done, "requests": requests, "seconds": took, "longest": longest,
               "transaction_ms": 1000 * max(lengths)}  # fmt: skip


class transactions:
    """The seconds of each outermost transaction while it lasts."""

    def __enter__(self) -> list[float]:
        from django.db.transaction import Atomic

        self.lengths: list[float] = []
        self.enter, self.leave = Atomic.__enter__, Atomic.__exit__
        started: list[float] = []

        def enter(atomic: Any) -> None:
            started.append(time.perf_counter())
            self.enter(atomic)

        def leave(atomic: Any, *exception: Any) -> None:
            self.leave(atomic, *exception)
            begun = started.pop()
            if not started:
                self.lengths.append(time.perf_counter() - begun)

        Atomic.__enter__, Atomic.__exit__ = enter, leave  # type: ignore[method-assign]
        return self.lengths

    def __exit__(self, *exception: object) -> None:
        from django.db.transaction import Atomic

        Atomic.__enter__, Atomic.__exit__ = self.enter, self.leave  # type: ignore[method-assign]


def print_table(options: argparse.Namespace, tables: list[tuple[str, list[Row]]]) -> None:
    print(f"{options.rows:,} rows, median of {options.repeat} (worst), milliseconds; queries\n")
    print("| request |" + "".join(f" {name} | CPU |" for name, _ in tables) + " queries |")
    print("|---|" + "---:|---:|" * len(tables) + "---:|")
    for row in zip(*(rows for _, rows in tables), strict=True):
        if "ms" in row[0]:
            cells = "".join(f" {each['ms']:.0f} ({each['worst']:.0f}) | {each['cpu']:.0f} |" for each in row)
            print(f"| {row[0]['name']} |{cells} {row[0]['queries']} |")
    for name, rows in tables:
        for each in rows:
            if "done" in each:
                print(
                    f"\n{name}, {each['name']}: {each['done']:,} tasks in {each['requests']} requests, "
                    f"{each['seconds']:.1f} s; longest request {each['longest']:.1f} s, "
                    f"longest transaction {each['transaction_ms']:.0f} ms"
                )


if __name__ == "__main__":
    main()
