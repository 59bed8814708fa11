"""One MemStack with the worker of `bench.jobs`, measured from inside a process that has its settings.

`python -m bench.jobs_site <folder>` prints the figures of one database as JSON; `bench.jobs` starts it for each.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import django
import httpx
import redis

from bench.streams_site import end, start
from tests.stack import children, wait_for

PYTHON = [sys.executable]
WORKER = "-m celery -q -A bench.jobs_worker worker -Q ingest,graph,media --pool prefork --loglevel WARNING"
FLAGS = "--without-gossip --without-mingle --without-heartbeat --concurrency 2"
Process = subprocess.Popen[str]


def main() -> None:
    django.setup()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    sizes = json.loads(sys.argv[1])
    with broker() as client, running("manage.py", "dispatcher"):
        print(json.dumps(Measures(client, sizes).all()))


@contextmanager
def running(*arguments: str) -> Iterator[Process]:
    log = (Path(os.environ["MEMSTACK_DATA_DIR"]) / "bench.log").open("a")
    process = start([*PYTHON, *arguments], os.environ, stdout=log, stderr=log)
    try:
        yield process
    finally:
        end(process)
        log.close()


@contextmanager
def broker() -> Iterator[redis.Redis]:
    """Valkey as `manage.py up` runs it."""
    from django.conf import settings

    from memstack import embedded_broker

    settings.VALKEY_SOCKET.parent.mkdir(parents=True, exist_ok=True)
    process = start(list(embedded_broker.part().command), os.environ, stdout=subprocess.DEVNULL)
    try:
        assert embedded_broker.wait_until_it_listens()
        yield redis.Redis(unix_socket_path=str(settings.VALKEY_SOCKET))
    finally:
        end(process)


@contextmanager
def web() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        port = listening.getsockname()[1]
    with running("-m", "uvicorn", "memstack.asgi:application", "--port", str(port), "--no-access-log"):
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: _answers(url) or None, 30)
        yield url


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", headers={"Host": "localhost"}).is_success
    except httpx.HTTPError:
        return False


@contextmanager
def worker() -> Iterator[Process]:
    with running(*WORKER.split(), *FLAGS.split()) as process:
        yield process


class Measures:
    """The figures, each by its name, in milliseconds, seconds or a second's count as the name says."""

    def __init__(self, client: redis.Redis, sizes: dict[str, int]) -> None:
        from django.contrib.auth.models import User

        from memories import keys, services

        self.client, self.sizes = client, sizes
        self.user = User.objects.create_user("bench")
        self.key = keys.issue(self.user, "bench")[1]
        self.project = services.create_project(self.user, name="Bench")

    def all(self) -> dict[str, float]:
        figures = self.bare() | self.empty()
        with worker() as process, web() as url:
            self.until_there()
            steps: tuple[Callable[[], dict[str, float]], ...] = (
                lambda: self.pick_up(url),
                lambda: self.accept(url),
                lambda: self.recovery(process),
                self.fairness,
            )
            for step in steps:
                self.until_done(120)
                figures |= step()
        return figures

    def until_there(self) -> None:
        from tasks_app import presence

        wait_for(lambda: presence.alive("worker").exists() or None, 60)  # type: ignore[arg-type]

    def bare(self) -> dict[str, float]:
        """Empty Celery tasks on the same worker, from the first that leaves the queue to the last."""
        from celery import current_app

        count = self.sizes["bare"]
        with current_app.connection_for_write() as connection:
            for number in range(count):
                current_app.send_task("bench.bare", args=[str(number)], queue="ingest", connection=connection)
        with worker():
            began = self.queue_reaches(count - 1)
            return {"bare_per_second": (count - 1) / (self.queue_reaches(0) - began)}

    def queue_reaches(self, length: int) -> float:
        while int(self.client.llen("ingest")) > length:
            time.sleep(0.002)
        return time.monotonic()

    def empty(self) -> dict[str, float]:
        """Empty tasks of MemStack, from the first start to the last end by the database's clock."""
        from django.db.models import Max, Min

        from tasks_app import transitions
        from tasks_app.kinds import Kind

        for _ in range(self.sizes["empty"]):
            transitions.enqueue(self.project, Kind.INGEST_EPISODE)
        with worker() as process:
            self.until_done(300)
            cpu = sum(map(_cpu_seconds, children(process.pid)))
            span = self.project.tasks.aggregate(first=Min("started_at"), last=Max("finished_at"))
        seconds = (span["last"] - span["first"]).total_seconds()
        count = self.sizes["empty"]
        return {"empty_per_second": count / seconds, "empty_cpu_ms": cpu * 1000 / count}

    def until_done(self, seconds: float) -> None:
        active = self.project.tasks.filter(status__in=["pending", "processing"])
        wait_for(lambda: None if active.exists() else True, seconds)

    def post(self, client: httpx.Client) -> float:
        began = time.perf_counter()
        answer = client.post("/api/v1/memories", json={"project": str(self.project.pk), "content": "Said and done."})
        assert answer.status_code == 201, answer.text
        return time.perf_counter() - began

    def api(self, url: str) -> httpx.Client:
        return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {self.key}", "Host": "localhost"})

    def pick_up(self, url: str) -> dict[str, float]:
        """From the row's making to its start, one at a time, with two free slots."""
        with self.api(url) as client:
            for _ in range(self.sizes["single"]):
                self.post(client)
                time.sleep(0.15)
        self.until_done(30)
        rows = self.project.tasks.exclude(memory=None)
        return _quantiles("pick_up", [_milliseconds(row.created_at, row.started_at) for row in rows if row.started_at])

    def accept(self, url: str) -> dict[str, float]:
        """Four clients that save memories as fast as they are answered, while the worker runs their tasks."""
        until = time.monotonic() + self.sizes["accept_seconds"]

        def save() -> list[float]:
            with self.api(url) as client:
                return list(iter(lambda: self.post(client) if time.monotonic() < until else 0.0, 0.0))

        with ThreadPoolExecutor(4) as threads:
            futures = [threads.submit(save) for _ in range(4)]
            took = [seconds * 1000 for future in futures for seconds in future.result()]
        rate = len(took) / self.sizes["accept_seconds"]
        return {"accept_per_second": rate, **_quantiles("accept", took)}

    def recovery(self, process: Process) -> dict[str, float]:
        """From the SIGKILL of the pool process that runs a task to the task's next start."""
        task = self.waiting_task(self.project, seconds=4.0)
        wait_for(lambda: self.started(task), 10)
        time.sleep(1)
        for child in children(process.pid):
            os.kill(child, signal.SIGKILL)
        killed = time.monotonic()
        wait_for(lambda: True if self.attempt(task) == 2 else None, 60)
        found = {"recovery_seconds": time.monotonic() - killed}
        self.until_done(60)
        return found

    def fairness(self) -> dict[str, float]:
        """How long another project's one waits while ten thousand of one project do, in lengths of a task."""
        from bench.jobs_worker import SECONDS
        from memories import services
        from tasks_app import transitions
        from tasks_app.kinds import Kind

        busy = services.create_project(self.user, name="Busy")
        parent = transitions.enqueue(busy, Kind.REBUILD_COMMUNITIES)
        for _ in range(self.sizes["waiting"] // 500):
            transitions.enqueue_children(parent, Kind.IMPORT_MEMORIES, [None] * 500)  # type: ignore[list-item]
        time.sleep(3 * SECONDS)
        waited, began, before = [], time.monotonic(), self.completed(busy)
        for number in range(6):
            task = self.waiting_task(services.create_project(self.user, name=f"Quiet {number}"))
            created, started = wait_for(lambda task=task: self.started(task), 120)  # type: ignore[misc]
            waited.append(_milliseconds(created, started) / 1000)
            time.sleep(SECONDS * 0.7)
        length = 2 * (time.monotonic() - began) / (self.completed(busy) - before + len(waited))  # of one in a slot
        return {"fair_lengths": max(waited) / length}

    def completed(self, project: Any) -> int:
        return int(project.tasks.filter(status="completed").count())

    def waiting_task(self, project: Any, **payload: float) -> Any:
        from tasks_app import services
        from tasks_app.kinds import Kind

        return services.submit(project, Kind.IMPORT_MEMORIES, payload=dict(payload)).pk

    def started(self, task: Any) -> tuple[datetime, datetime] | None:
        from tasks_app.models import TaskLog

        row = TaskLog.objects.get(pk=task)
        return (row.created_at, row.started_at) if row.started_at else None

    def attempt(self, task: Any) -> int:
        from tasks_app.models import TaskLog

        return TaskLog.objects.values_list("attempt", flat=True).get(pk=task)


def _milliseconds(first: datetime, last: datetime) -> float:
    return (last - first).total_seconds() * 1000


def _quantiles(name: str, values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=20)
    return {f"{name}_p50_ms": statistics.median(values), f"{name}_p95_ms": cuts[18]}


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
