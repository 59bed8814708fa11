"""One attempt from claim to end, with a real heartbeat thread."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
from django.db import IntegrityError

from memories.engine.errors import InvalidSource
from memories.graph.versions import StaleGraph
from memories.models import Project
from tasks_app import runner, services, stopping, transitions
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskEvent, TaskLog
from tasks_app.runner import Outcome, Progress

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def task() -> TaskLog:
    return transitions.enqueue(Project.objects.create(name="Home"), Kind.INGEST_EPISODE)


def again(task: TaskLog) -> TaskLog:
    return TaskLog.objects.get(pk=task.pk)


def test_a_pipeline_reports_and_completes(task: TaskLog) -> None:
    def pipeline(progress: Progress) -> Outcome:
        progress.stage("read", 30, "Reading...", total=2)
        progress.count(2, 2, low=30, high=50)
        return Outcome(result={"read": 2}, message="All read")

    runner.run(task.pk, pipeline, "worker")
    row = again(task)
    assert (row.status, row.result, row.message) == (Status.COMPLETED, {"read": 2}, "All read")
    assert row.cpu_seconds is not None
    assert row.peak_memory_mb is None or row.peak_memory_mb > 1
    shown = [event.data["progress"] for event in TaskEvent.objects.filter(task=task).order_by("seq")]
    assert shown == sorted(shown)
    assert shown[-1] == 100


def test_a_task_that_is_not_there_to_be_had_is_left_alone(task: TaskLog) -> None:
    services.cancel(task)

    def pipeline(progress: Progress) -> Outcome:
        raise AssertionError("must not run")

    runner.run(task.pk, pipeline, "worker")
    runner.run("00000000-0000-7000-8000-000000000000", pipeline, "worker")
    assert again(task).status == Status.CANCELLED


def test_an_expected_failure_ends_at_once_with_its_sentence(task: TaskLog) -> None:
    def pipeline(progress: Progress) -> Outcome:
        raise InvalidSource("The file has no text.")

    runner.run(task.pk, pipeline, "worker")
    row = again(task)
    assert (row.status, row.error, row.retryable, row.traceback) == (Status.FAILED, "The file has no text.", False, "")


class Exited(BaseException):
    """What `os._exit` is in a test."""


def test_a_process_that_ran_out_of_memory_ends_and_leaves_the_task_to_its_lease(
    task: TaskLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pipeline(progress: Progress) -> Outcome:
        raise MemoryError

    def leave(status: int) -> None:
        raise Exited(status)

    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(Exited, match=str(os.EX_OSERR)):
        runner.run(task.pk, pipeline, "worker")
    row = again(task)
    assert (row.status, row.retries, row.attempt) == (Status.PROCESSING, 0, 1)
    assert row.lease_until is not None


def test_an_unexpected_error_is_retried_and_its_details_stay_with_the_operator(task: TaskLog) -> None:
    def pipeline(progress: Progress) -> Outcome:
        raise ZeroDivisionError("secret detail")

    for number in range(1, transitions.MAX_RETRIES + 1):
        runner.run(task.pk, pipeline, "worker")
        row = again(task)
        assert (row.status, row.retries) == (Status.PENDING, number)
        assert row.run_after is not None
        TaskLog.objects.filter(pk=task.pk).update(run_after=None)
    runner.run(task.pk, pipeline, "worker")
    row = again(task)
    assert (row.status, row.retryable) == (Status.FAILED, True)
    assert "ZeroDivisionError" in row.error
    assert "secret detail" in row.traceback
    told = [str(event.data) for event in TaskEvent.objects.filter(task=task)]
    assert not any("secret detail" in words for words in told)


def test_cancel_is_seen_within_a_second(task: TaskLog) -> None:
    asked = []

    def pipeline(progress: Progress) -> Outcome:
        services.cancel(task)
        asked.append(time.monotonic())
        while time.monotonic() < asked[0] + 60:
            progress.checkpoint()
            time.sleep(0.01)
        raise AssertionError("the heartbeat did not notice")

    runner.run(task.pk, pipeline, "worker")
    assert again(task).status == Status.CANCELLED
    assert time.monotonic() - asked[0] < 10


def test_an_attempt_whose_lease_is_lost_stops_and_changes_nothing(task: TaskLog) -> None:
    worked_on = []

    def pipeline(progress: Progress) -> Outcome:
        TaskLog.objects.filter(pk=task.pk).update(attempt=7)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            progress.checkpoint()
            time.sleep(0.01)
        worked_on.append("to the end")
        return Outcome(result={}, message="")

    runner.run(task.pk, pipeline, "worker")
    row = again(task)
    assert (row.status, row.attempt) == (Status.PROCESSING, 7)
    assert worked_on == []


def test_a_change_whose_event_cannot_be_written_is_not_made(task: TaskLog) -> None:
    running = transitions.claim(task.pk, "worker")
    assert running is not None
    TaskEvent.objects.create(
        task=task, seq=3, project=task.project, project_seq=99, type="progress", data={}, at=running.changed_at
    )
    with pytest.raises(IntegrityError):
        transitions.advance(running, progress=50)
    assert again(task).progress == 0


def test_counters_send_at_most_ten_events_a_second_and_never_fall(task: TaskLog) -> None:
    def pipeline(progress: Progress) -> Outcome:
        progress.stage("read", 30, "Reading...", total=10_000)
        for number in range(10_000):
            progress.count(number, 10_000, low=30, high=50)
        return Outcome(result={}, message="")

    began = time.monotonic()
    runner.run(task.pk, pipeline, "worker")
    took = time.monotonic() - began
    shown = [event.data["progress"] for event in TaskEvent.objects.filter(task=task).order_by("seq")]
    assert shown == sorted(shown)
    assert len(shown) <= 5 + 10 * took


def test_an_outcome_is_made_again_when_the_graph_changed(task: TaskLog) -> None:
    calls = []

    def effects() -> None:
        calls.append("effects")
        if len(calls) < 3:
            raise StaleGraph

    def outcome() -> Outcome:
        return Outcome(result={"calls": len(calls)}, message="", effects=effects, again=outcome)

    runner.run(task.pk, lambda progress: outcome(), "worker")
    row = again(task)
    assert (row.status, row.result) == (Status.COMPLETED, {"calls": 2})


def test_a_task_waits_for_the_graph_and_goes_back_when_it_stays_taken(
    task: TaskLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LANE_SECONDS", 0.1)
    holder = transitions.claim(transitions.enqueue(task.project, Kind.INGEST_EPISODE).pk, "other")
    assert holder is not None
    transitions.take_lane(holder)

    def pipeline(progress: Progress) -> Outcome:
        progress.take_graph_lane()
        return Outcome(result={}, message="")

    runner.run(task.pk, pipeline, "worker")
    row = again(task)
    assert (row.status, row.retries) == (Status.PENDING, 0)
    transitions.complete(holder, {}, lambda: None, message="")
    TaskLog.objects.filter(pk=task.pk).update(run_after=None)
    runner.run(task.pk, pipeline, "worker")
    assert again(task).status == Status.COMPLETED


@pytest.fixture
def worker_stops() -> Iterator[None]:
    yield
    stopping.clear()


def as_it_was_put_back(task: TaskLog) -> None:
    row = again(task)
    assert (row.status, row.message, row.run_after) == (Status.PENDING, runner.STOPPED, None)
    assert (row.attempt, row.deaths, row.retries, row.lease_until) == (1, 0, 0, None)


def test_a_worker_that_is_to_stop_gives_its_task_back_at_a_checkpoint(task: TaskLog, worker_stops: None) -> None:
    def pipeline(progress: Progress) -> Outcome:
        stopping.ask()
        progress.checkpoint()
        raise AssertionError("went on")

    runner.run(task.pk, pipeline, "worker")
    as_it_was_put_back(task)
    runner.run(task.pk, pipeline, "worker")
    as_it_was_put_back(task)  # it takes no other one


def test_a_task_that_reaches_no_checkpoint_is_given_back_all_the_same(
    task: TaskLog, worker_stops: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "HAND_OVER_SECONDS", 0.2)

    def pipeline(progress: Progress) -> Outcome:
        stopping.ask()
        until = time.monotonic() + 60
        while again(task).status != Status.PENDING:
            assert time.monotonic() < until
            time.sleep(0.05)
        return Outcome(result={}, message="too late")

    runner.run(task.pk, pipeline, "worker")
    as_it_was_put_back(task)


def test_a_signal_to_the_process_waits_for_its_attempt(task: TaskLog, worker_stops: None) -> None:
    ended = []
    before = signal.signal(signal.SIGTERM, lambda *given: ended.append(again(task).status))
    try:

        def pipeline(progress: Progress) -> Outcome:
            os.kill(os.getpid(), signal.SIGTERM)
            progress.checkpoint()
            raise AssertionError("went on")

        runner.run(task.pk, pipeline, "worker")
    finally:
        signal.signal(signal.SIGTERM, before)
    as_it_was_put_back(task)
    assert ended == [Status.PENDING]


def test_a_cancel_comes_before_a_stop(task: TaskLog, worker_stops: None) -> None:
    def pipeline(progress: Progress) -> Outcome:
        services.cancel(task)
        stopping.ask()
        progress.checkpoint()
        raise AssertionError("went on")

    runner.run(task.pk, pipeline, "worker")
    assert again(task).status == Status.CANCELLED
