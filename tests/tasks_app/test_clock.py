"""A process whose clock is an hour off: leases and order are the database's, which has one clock for all."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import uuid6
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now
from django.utils import timezone

from memories.models import Project
from tasks_app import dispatcher, presence, runner, transitions
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskEvent, TaskLog, WorkerHeartbeat
from tasks_app.runner import Outcome, Progress

pytestmark = pytest.mark.django_db(transaction=True)
ClockOff = Callable[[float], None]


@pytest.fixture
def clock_off(monkeypatch: pytest.MonkeyPatch) -> ClockOff:
    """Sets the clock of this process so many hours off; the database keeps its own."""
    seconds, nanoseconds, now = time.time, time.time_ns, timezone.now

    def set_off(hours: float) -> None:
        monkeypatch.setattr(time, "time", lambda: seconds() + hours * 3600)
        monkeypatch.setattr(time, "time_ns", lambda: nanoseconds() + int(hours * 3600e9))
        monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(hours=hours))
        monkeypatch.setattr(uuid6, "_last_v7_timestamp", None)  # the machine has always had this clock

    return set_off


def lease_left(task: TaskLog) -> float:
    left = ExpressionWrapper(F("lease_until") - Now(), output_field=DurationField())
    found: timedelta = TaskLog.objects.annotate(left=left).values_list("left", flat=True).get(pk=task.pk)
    return found.total_seconds()


@pytest.mark.parametrize("hours", [-1, 1])
def test_leases_are_fifteen_seconds_whatever_the_workers_clock_says(clock_off: ClockOff, hours: float) -> None:
    task = transitions.enqueue(Project.objects.create(name="Home"), Kind.INGEST_EPISODE)
    clock_off(hours)
    left = list[float]()

    def pipeline(progress: Progress) -> Outcome:
        left.append(lease_left(task))
        progress.stage("read", 30, "Reading...")
        transitions.renew(progress.task)
        left.append(lease_left(task))
        dispatcher.tick()
        return Outcome(result={}, message="Done")

    runner.run(task.pk, pipeline, "worker")
    row = TaskLog.objects.get(pk=task.pk)
    assert all(10 < seconds <= 15.001 for seconds in left), left
    assert (row.status, row.attempt, row.deaths) == (Status.COMPLETED, 1, 0)
    here = datetime.now(UTC)
    told = TaskEvent.objects.filter(task=task)
    assert all(abs((event.at - here).total_seconds()) < 60 for event in told)
    assert row.started_at is not None
    assert row.finished_at is not None
    assert row.created_at <= row.started_at <= row.finished_at


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_delay_and_a_dead_worker_are_timed_by_the_database(clock_off: ClockOff, hours: float) -> None:
    task = transitions.enqueue(Project.objects.create(name="Home"), Kind.INGEST_EPISODE)
    clock_off(hours)
    running = transitions.claim(task.pk, "worker")
    assert running is not None
    assert not transitions.expired_leases()
    transitions.put_back(running, 30, "again", failed=True)
    assert transitions.claim(task.pk, "worker") is None
    TaskLog.objects.filter(pk=task.pk).update(run_after=Now() - timedelta(seconds=1))
    assert transitions.claim(task.pk, "worker") is not None
    presence.beat("worker", WorkerHeartbeat.Kind.WORKER, {})
    assert presence.alive(WorkerHeartbeat.Kind.WORKER).exists()


def test_tasks_are_claimed_in_the_order_they_came_in(clock_off: ClockOff) -> None:
    """The ids of a machine whose clock is ahead are larger, and their tasks came first all the same."""
    home = Project.objects.create(name="Home")
    came = list[TaskLog]()
    for hours in (1, 0, -1):
        clock_off(hours)
        came.append(transitions.enqueue(home, Kind.INGEST_EPISODE))
        time.sleep(0.005)  # SQLite's clock counts milliseconds
    ids = [task.pk for task in came]
    assert ids == sorted(ids, reverse=True), "the clocks were not off"
    due = dispatcher._due([Kind.INGEST_EPISODE], 8, queue_is_empty=True)
    assert [task_id for _, task_id in due[home.pk]] == ids
