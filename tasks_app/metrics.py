"""What Prometheus is told: what the rows say at the moment of asking, and what this web process serves.

No project, user or text is a label: the numbers say how MemStack does, not what people keep in it.
"""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.models import Count, DurationField, ExpressionWrapper, F, Min, Q
from django.db.models.functions import Now
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tasks_app import doorbell, presence
from tasks_app.kinds import QUEUES, Kind
from tasks_app.models import Status, TaskEvent, TaskLog, WorkerHeartbeat
from tasks_app.streams import hub

logger = logging.getLogger(__name__)
RECENT = timedelta(hours=1)
MOST_RECENT_ROWS = 2000
QUANTILES = (0.5, 0.95)
ENDED = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)


class Rows(Collector):
    """The numbers of the database; without them only that it does not answer."""

    def collect(self) -> Iterator[Metric]:
        try:
            found = list(_from_the_database())
        except DatabaseError as error:
            logger.warning("Metrics without the database: %s", error)
            connection.close()
            found = []
        yield gauge("memstack_database_up", "Whether the database answers.", [((), float(bool(found)))])
        yield from found

    def describe(self) -> list[Metric]:
        return []  # so that registering does not ask the database


class Broker(Collector):
    """How many messages wait in the queues; without them only that the broker does not answer."""

    def collect(self) -> Iterator[Metric]:
        depth: dict[str, int] = {}
        for queue in sorted(set(QUEUES.values())):
            waiting = doorbell.queued(queue)
            if waiting is None:
                break
            depth[queue] = waiting
        answers = len(depth) == len(set(QUEUES.values()))
        yield gauge("memstack_broker_up", "Whether the broker answers.", [((), float(answers))])
        samples = [((queue,), float(number)) for queue, number in depth.items()]
        yield gauge(
            "memstack_queue_messages", "Messages that wait in a queue; rows may wait without.", samples, "queue"
        )

    def describe(self) -> list[Metric]:
        return []


class Streams(Collector):
    """What only this process knows."""

    def collect(self) -> Iterator[Metric]:
        yield gauge("memstack_streams_open", "Streams that this web process serves.", [((), float(hub.streams_open()))])

    def describe(self) -> list[Metric]:
        return []


def gauge(name: str, text: str, samples: Iterable[tuple[tuple[str, ...], float]], *labels: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _from_the_database() -> Iterator[Metric]:
    yield _tasks()
    yield _oldest_pending()
    yield from _recent()
    yield from _processes()
    events = CounterMetricFamily("memstack_task_events", "Events that were written.")
    events.add_metric([], _events_written())
    yield events


def _tasks() -> Metric:
    counts: dict[tuple[str, ...], float] = {(kind, status): 0 for kind in Kind.values for status in Status.values}
    for kind, status, number in TaskLog.objects.order_by().values_list("kind", "status").annotate(Count("pk")):
        counts[kind, status] = number
    return gauge("memstack_tasks", "Tasks that are kept, by kind and state.", counts.items(), "kind", "status")


def _oldest_pending() -> Metric:
    """A retry that waits for its time is not late."""
    due = Q(run_after=None) | Q(run_after__lte=Now())
    age = ExpressionWrapper(Now() - Min("created_at"), output_field=DurationField())
    rows = TaskLog.objects.filter(due, status=Status.PENDING).order_by().values("kind").annotate(age=age)
    ages: dict[tuple[str, ...], float] = {(kind,): 0 for kind in Kind.values}
    ages |= {(row["kind"],): max(0.0, row["age"].total_seconds()) for row in rows}
    return gauge("memstack_oldest_pending_seconds", "For how long the oldest due task waits.", ages.items(), "kind")


def _recent() -> Iterator[Metric]:
    """Of tasks that ended in the last hour, at most the newest few thousand, which the primary key finds."""
    newest = TaskLog.objects.filter(status__in=ENDED).order_by("-pk")[:MOST_RECENT_ROWS]
    recent = TaskLog.objects.filter(pk__in=newest.values("pk"), finished_at__gte=Now() - RECENT).order_by()
    counts: dict[tuple[str, ...], float] = {(kind, status): 0 for kind in Kind.values for status in ENDED}
    seconds: dict[str, list[float]] = defaultdict(list)
    for kind, status, started, finished in recent.values_list("kind", "status", "started_at", "finished_at"):
        counts[kind, status] = counts.get((kind, status), 0) + 1
        if status == Status.COMPLETED and started and finished:
            seconds[kind].append((finished - started).total_seconds())
    text = f"Tasks that ended in the last hour, of the newest {MOST_RECENT_ROWS}."
    yield gauge("memstack_tasks_ended_last_hour", text, counts.items(), "kind", "status")
    samples = [((kind, str(q)), quantile(values, q)) for kind, values in seconds.items() for q in QUANTILES]
    text = f"How long those of them took that completed ({' and '.join(map(str, QUANTILES))} quantile)."
    yield gauge("memstack_task_duration_last_hour_seconds", text, samples, "kind", "quantile")


def quantile(values: list[float], q: float) -> float:
    """The nearest rank; values must not be empty."""
    return sorted(values)[max(0, math.ceil(q * len(values)) - 1)]


def _processes() -> Iterator[Metric]:
    """Workers and dispatchers that gave a sign of life in the last day."""
    age = ExpressionWrapper(Now() - F("seen_at"), output_field=DurationField())
    found = list(WorkerHeartbeat.objects.annotate(age=age))
    running = TaskLog.objects.filter(status=Status.PROCESSING, lease_until__isnull=False).order_by()
    busy = dict(running.values_list("worker").annotate(Count("pk")))
    workers = [row for row in found if row.kind == WorkerHeartbeat.Kind.WORKER]
    alive = {kind: presence.alive(kind).count() for kind in WorkerHeartbeat.Kind}
    yield gauge(
        "memstack_processes_alive",
        "Workers and dispatchers that gave a sign of life in the last 20 seconds.",
        [((kind.value,), float(number)) for kind, number in alive.items()],
        "kind",
    )
    yield gauge(
        "memstack_heartbeat_age_seconds",
        "Since when a process has given no sign of life.",
        [((row.kind, row.name), max(0.0, row.age.total_seconds())) for row in found],
        "kind",
        "name",
    )
    slots = [((row.name,), float(row.detail.get("slots") or 0)) for row in workers]
    yield gauge("memstack_worker_slots", "Tasks that the worker can run at once.", slots, "name")
    used = [((row.name,), float(busy.get(row.name, 0))) for row in workers]
    yield gauge("memstack_worker_tasks", "Tasks that the worker runs.", used, "name")


def _events_written() -> float:
    """The last number that the table gave out: unlike a count it does not fall when old events are pruned."""
    table = TaskEvent._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_sequence_last_value(pg_get_serial_sequence(%s, 'id')::regclass)", [table])
        else:
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        row = cursor.fetchone()
    return float(row[0] or 0) if row else 0.0
