"""What live streams cost: ours, django-eventstream's own view (with and without a storage) and a hand-written one.

`python -m bench.streams [--viewers 1000] [--streams 3000] [--quick]` prints Markdown. Each runs in a web process of its
own with the same uvicorn settings, table, broker, sender and readers, over the loopback, in turn; first on SQLite, then
on PostgreSQL. About eight minutes. `--quick` is a minute: fewer streams, shorter, and without PostgreSQL, the broker's
outage and the readers that come back.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import psycopg

from bench.streams_client import Faults, faults
from bench.streams_site import Site, Web, settle
from tests.postgres import Server

VARIANTS = ("ours", "stock", "bare", "plain")
KEEP_NOTHING = {"bare", "plain"}  # who comes back to them has missed what was sent
FEW = 90  # viewers that django-eventstream's view can serve where the database has 100 connections
ROUNDS = 3  # of what CPU is measured of: other work on the machine disturbs one more than another
LONGEST = 1800  # seconds that all of it may take
Figures = dict[str, float]
Sent = list[tuple[str, int, float, float]]


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything."""

    viewers: int
    streams: int
    seconds: float
    clients: int = 20
    quick: bool = False


@dataclass
class Results:
    """What was measured of one variant; a figure that could not be had is missing."""

    figures: Figures = field(default_factory=dict)
    faults: dict[str, Faults] = field(default_factory=dict)


class Failed(Exception):
    """The variant did not do what was to be measured."""


# --- one measurement each


def watch(site: Site, web: Web, tasks: list[str]) -> None:
    """Opens a stream for each of the tasks."""
    paths = [f"tasks/{task}/stream" for task in tasks]
    opened = site.readers("open", url=web.url, paths=paths, key=site.key, seconds=60)
    if opened["open"] < len(tasks):
        raise Failed(f"{opened['open']} of {len(tasks)} streams opened")
    settle()


def received(site: Site, sent: Sent, seconds: float = 10) -> tuple[Faults, list[list[tuple[int, float]]]]:
    """What came of the events that were sent, and what of it came wrongly."""
    settle(0.5)  # taking them apart would delay those that are still to come
    numbers = [number for _, number, _, _ in sent]
    report = site.readers("report", first=min(numbers), last=max(numbers), seconds=seconds)
    return Faults(*report["faults"]), report["arrivals"]


def one_channel(site: Site, web: Web, scale: Scale, results: Results) -> None:
    """CPU for each delivery: many viewers of one task."""
    cost_of_one_channel(site, web, scale, results, scale.viewers)


def one_channel_of_few(site: Site, web: Web, scale: Scale, results: Results) -> None:
    """The same with as many as django-eventstream can serve on a PostgreSQL with 100 connections."""
    cost_of_one_channel(site, web, scale, results, FEW)


def cost_of_one_channel(site: Site, web: Web, scale: Scale, results: Results, viewers: int) -> None:
    (task,) = site.sender("tasks", project=site.project, count=1)
    watch(site, web, [task] * viewers)
    rounds: list[tuple[float, range]] = []
    sent: Sent = []
    for _ in range(ROUNDS):
        before = web.cpu
        events: Sent = site.sender("send", tasks=[task], count=int(5 * scale.seconds), rate=10)
        settle(0.5)
        rounds.append((web.cpu - before, range(events[0][1], events[-1][1] + 1)))
        sent += events
    results.faults["one channel"], arrivals = received(site, sent)
    came = Counter(number for stream in arrivals for number, _ in stream)
    costs = [used / sum(came[number] for number in numbers) for used, numbers in rounds if came[numbers[-1]]]
    if not costs:
        raise Failed("nothing was delivered")
    results.figures["cpu"] = min(costs) * 1e6


def distinct(site: Site, web: Web, scale: Scale, results: Results) -> None:
    """How long an event is on its way from the worker to its reader: as many tasks as viewers."""
    tasks = site.sender("tasks", project=site.project, count=scale.viewers)
    watch(site, web, tasks)
    sent: Sent = site.sender("send", tasks=tasks, count=int(100 * scale.seconds), rate=100)
    settle()  # taking them apart would delay those that are still to come
    report = site.readers("report", first=3, last=2 + len(sent) // len(tasks), seconds=2)
    came = {task: dict(stream) for task, stream in zip(tasks, report["arrivals"], strict=True)}
    latencies, whole = [], []
    for task, number, called, committed in sent:
        if number in came[task]:
            latencies.append(came[task][number] - committed)
            whole.append(came[task][number] - called)
    wanted: dict[str, list[int]] = {task: [] for task in tasks}
    for task, number, _, _ in sent:
        wanted[task].append(number)
    numbers = ([number for number, _ in stream] for stream in report["arrivals"])
    results.faults["distinct"] = sum(map(faults, numbers, wanted.values()), Faults())
    results.figures |= percentiles("distinct", latencies) | percentiles("whole", whole)


def many(site: Site, web: Web, scale: Scale, results: Results) -> None:
    """Threads and memory while very many streams are open."""
    memory, cpu = web.status("VmRSS"), web.cpu
    tasks = site.sender("tasks", project=site.project, count=100)
    opened = site.readers(
        "open",
        url=web.url,
        paths=[f"tasks/{tasks[index % 100]}/stream" for index in range(scale.streams)],
        key=site.key,
        seconds=90,
    )
    settle()
    if opened["open"] < scale.streams:
        raise Failed(f"{opened['open']} of {scale.streams} streams opened in 90 s")
    results.figures["opening"] = opened["seconds"]
    results.figures["opening cpu"] = (web.cpu - cpu) / scale.streams * 1000
    results.figures["threads"] = web.status("Threads")
    results.figures["memory"] = (web.status("VmRSS") - memory) / scale.streams


def outage(site: Site, web: Web, scale: Scale, results: Results) -> None:
    """From the moment that the broker answers again until every reader has what was sent after it."""
    (task,) = site.sender("tasks", project=site.project, count=1)
    watch(site, web, [task] * scale.clients)
    site.sender.ask("send", tasks=[task], count=int(60 + 10 * scale.seconds), rate=20)
    settle()
    site.stop_broker()
    settle(2)
    site.start_broker()
    back = time.monotonic()
    sent: Sent = site.sender.answer()
    results.faults["outage"], arrivals = received(site, sent)
    later = [number for _, number, called, _ in sent if called > back]
    first = [min((at for number, at in stream if number >= later[0]), default=None) for stream in arrivals]
    if late := [at - back for at in first if at is not None]:
        results.figures["resume"] = max(late)


def storm(site: Site, web: Web, scale: Scale, results: Results) -> None:
    """Readers who leave and come back all the time while four senders write to one project."""
    project = f"project-{site.project}"
    start = site.sender("number", project=site.project)
    site.readers(
        "flap",
        url=web.url,
        path=f"projects/{site.project}/stream",
        key=site.key,
        count=scale.clients,
        last_id=f"{project}:{start}",
    )
    senders = [site.helper("streams_sender") for _ in range(4)]
    for sender in senders:
        sender.ask("tasks", project=site.project, count=1)
    for sender in senders:
        sender.ask("send", tasks=sender.answer(), count=int(25 * scale.seconds), rate=50)
    for sender in senders:
        sender.answer()
        sender.close()
    last = site.sender("number", project=site.project)
    results.faults["storm"] = Faults(*site.readers("settle", first=start + 1, last=last))


def hundred(site: Site, web: Web, scale: Scale, results: Results) -> None:
    """The way of an event to a hundred viewers of one task."""
    (task,) = site.sender("tasks", project=site.project, count=1)
    watch(site, web, [task] * 100)
    sent: Sent = site.sender("send", tasks=[task], count=int(20 * scale.seconds), rate=20)
    results.faults["hundred"], arrivals = received(site, sent)
    committed = {number: at for _, number, _, at in sent}
    latencies = [at - committed[number] for stream in arrivals for number, at in stream if number in committed]
    results.figures |= percentiles("hundred", latencies)


def connections(site: Site, web: Web, scale: Scale, results: Results) -> None:
    """Database connections of the web process while 150 streams are open."""
    tasks = site.sender("tasks", project=site.project, count=10)
    with psycopg.connect(site.environment["DATABASE_URL"], autocommit=True) as connection:
        others = count_connections(connection)
        opened = site.readers(
            "open",
            url=web.url,
            paths=[f"tasks/{tasks[index % 10]}/stream" for index in range(150)],
            key=site.key,
            seconds=8,
        )
        results.figures["connections"] = count_connections(connection) - others
    results.figures["opened"] = opened["open"]


def count_connections(connection: psycopg.Connection[tuple[int]]) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    row = connection.execute(query).fetchone()
    return row[0] if row else 0


def percentiles(name: str, values: list[float]) -> Figures:
    if len(values) < 2:
        return {}
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {f"{name} p{part}": cuts[part - 1] * 1000 for part in (50, 95, 99)}


# --- all of them


Measurement = Callable[[Site, Web, Scale, Results], None]
QUICK: tuple[Measurement, ...] = (one_channel, distinct, many)
ON_SQLITE: tuple[Measurement, ...] = (*QUICK, hundred, outage, storm)
ON_POSTGRESQL: tuple[Measurement, ...] = (one_channel_of_few, distinct, hundred, connections)


def measure(site: Site, measurements: tuple[Measurement, ...], scale: Scale) -> dict[str, Results]:
    """Each measurement of each variant in a web process of its own: one that is crippled does not spoil the next."""
    every = {variant: Results() for variant in VARIANTS}
    for measurement in measurements:
        for variant in VARIANTS:
            if measurement is storm and variant in KEEP_NOTHING:
                continue
            with running(variant, site) as web:
                attempt(measurement, site, web, scale, every[variant])
    return every


@contextlib.contextmanager
def running(variant: str, site: Site) -> Iterator[Web]:
    web = Web(variant, site.environment)
    try:
        yield web
    finally:
        site.readers("close")
        web.close()


def attempt(measurement: Measurement, site: Site, web: Web, scale: Scale, results: Results) -> None:
    began = time.monotonic()
    try:
        measurement(site, web, scale, results)
    except Failed as failure:
        print(f"{web.variant}, {measurement.__name__}: {failure}", file=sys.stderr)
    print(f"{web.variant}, {measurement.__name__}: {time.monotonic() - began:.1f} s", file=sys.stderr)


@contextlib.contextmanager
def database() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="memstack-bench-pg-"))
    server = Server(folder / "data")
    try:
        yield server.new_database("bench")
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


ROWS: tuple[tuple[str, str, str], ...] = (
    ("cpu", "CPU per delivery, {viewers:,} viewers of one task", "{:.1f} µs"),
    ("distinct p50", "commit to reader, {distinct:,} distinct streams, p50", "{:.1f} ms"),
    ("distinct p95", "… p95", "{:.1f} ms"),
    ("distinct p99", "… p99", "{:.1f} ms"),
    ("whole p95", "worker's call (with its transaction) to reader, p95", "{:.1f} ms"),
    ("whole p99", "… p99", "{:.1f} ms"),
    ("hundred p50", "commit to reader, 100 viewers of one task, p50", "{:.1f} ms"),
    ("hundred p99", "… p99", "{:.1f} ms"),
    ("threads", "threads at {streams:,} streams", "{:,.0f}"),
    ("memory", "memory per stream at {streams:,} streams", "{:.1f} KB"),
    ("opening", "opening them, 40 at a time", "{:.1f} s"),
    ("opening cpu", "CPU per stream that is opened", "{:.2f} ms"),
    ("opened", "streams open of 150 (100 connections)", "{:,.0f}"),
    ("connections", "their database connections", "{:,.0f}"),
    ("resume", "events again after the broker is back", "{:.2f} s"),
)
FAULT_ROWS = (
    ("one channel", "{viewers:,} viewers of one task"),
    ("distinct", "{distinct:,} distinct streams"),
    ("hundred", "100 viewers of one task"),
    ("outage", "broker away for 2 s"),
    ("storm", "4 senders, {clients} readers that keep coming back"),
)


def table(every: dict[str, Results], scale: Scale, viewers: int) -> Iterator[str]:
    words = {"viewers": viewers, "distinct": scale.viewers, "streams": scale.streams, "clients": scale.clients}
    yield "| what | MemStack | django-eventstream | without storage | hand-written | to d.-e. | to hand-written |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for name, title, form in ROWS:
        values = [every[variant].figures.get(name) for variant in VARIANTS]
        if all(value is None for value in values):
            continue
        cells = [form.format(value) if value is not None else "-" for value in values]
        yield row(title.format(**words), *cells, ratio(values[0], values[1]), ratio(values[0], values[3]))
    for name, title in FAULT_ROWS:
        if not any(name in every[variant].faults for variant in VARIANTS):
            continue
        counts = [str(every[variant].faults.get(name, "-")) for variant in VARIANTS]
        yield row(f"lost / repeated / out of order: {title.format(**words)}", *counts, "", "")


def ratio(one: float | None, other: float | None) -> str:
    return f"{one / other:.2f}" if one is not None and other else ""


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def stop(number: int, _frame: object) -> NoReturn:
    """Ends by way of all that cleans up, also when something hangs."""
    sys.exit(128 + number)


def main() -> None:
    scale = arguments()
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, stop)
    signal.alarm(LONGEST)
    began = time.monotonic()
    print(f"{platform.machine()}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}", flush=True)
    with Site() as site:
        show("SQLite", table(measure(site, QUICK if scale.quick else ON_SQLITE, scale), scale, scale.viewers))
    if not scale.quick:
        with database() as url, Site(url) as site:
            show("PostgreSQL", table(measure(site, ON_POSTGRESQL, scale), scale, FEW))
    load = os.getloadavg()[2]
    print(f"\n{time.monotonic() - began:.0f} s; {load:.1f} processes wanted a core on average (the last 15 minutes)")


def show(name: str, rows: Iterator[str]) -> None:
    """At once: a later measurement that hangs takes nothing of it away."""
    print(f"\n{name}\n\n" + "\n".join(rows), flush=True)


def arguments() -> Scale:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=1000)
    parser.add_argument("--streams", type=int, default=3000)
    parser.add_argument("--quick", action="store_true", help="a minute: 200 viewers, 500 streams")
    given = parser.parse_args()
    if given.quick:
        return Scale(viewers=min(given.viewers, 200), streams=min(given.streams, 500), seconds=2, quick=True)
    return Scale(given.viewers, given.streams, seconds=6)


if __name__ == "__main__":
    main()
