"""Stages within a share of the percentages, counters without a total, the event of the saving, another's trouble."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import IntegrityError

from memories.engine.errors import Unavailable
from memories.models import Project
from tasks_app import runner, transitions
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskEvent, TaskLog
from tasks_app.runner import Outcome, Progress

pytestmark = pytest.mark.django_db(transaction=True)
SAVED = ("save_complete", 98, "Saved")


@pytest.fixture
def task() -> TaskLog:
    return transitions.enqueue(Project.objects.create(name="Home"), Kind.INGEST_ARTICLE)


def run(task: TaskLog, pipeline: Callable[[Progress], Outcome | None]) -> TaskLog:
    TaskLog.objects.filter(pk=task.pk).update(run_after=None)
    runner.run(task.pk, pipeline, "worker")
    return TaskLog.objects.get(pk=task.pk)


def told(task: TaskLog) -> list[tuple[str, int, int | None, int | None]]:
    events = TaskEvent.objects.filter(task=task, type="progress").order_by("seq")
    rows = [event.data for event in events]
    return [(row["step"], row["progress"], row["done"], row["total"]) for row in rows if row["step"]]


def test_stages_are_told_within_a_share(task: TaskLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "EVENT_SECONDS", 0)

    def pipeline(progress: Progress) -> Outcome:
        progress.stage("first", 60, "")
        with progress.within(10, 100, 62, 90):
            progress.stage("begin", 10, "")
            progress.stage("read", 30, "", total=10)
            progress.count(5, 10, low=30, high=50)
            progress.stage("end", 100, "")
        progress.stage("last", 92, "")
        return Outcome({}, "")

    assert run(task, pipeline).status == Status.COMPLETED
    assert told(task) == [
        ("first", 60, None, None),
        ("begin", 62, None, None),
        ("read", 68, 0, 10),
        ("read", 71, 5, 10),
        ("end", 90, None, None),
        ("last", 92, None, None),
    ]


def test_a_counter_without_a_total_moves_alone(task: TaskLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "EVENT_SECONDS", 0)

    def pipeline(progress: Progress) -> Outcome:
        progress.stage("fetch", 2, "")
        progress.count(500, None, low=2, high=15)
        progress.count(700, 600, low=2, high=15)  # more came than was announced
        progress.count(300, 600, low=2, high=15)
        return Outcome({}, "")

    run(task, pipeline)
    assert told(task)[1:] == [("fetch", 2, 500, None), ("fetch", 2, 700, None), ("fetch", 8, 300, 600)]


def test_a_counter_is_told_ten_times_a_second_at_most(task: TaskLog) -> None:
    def pipeline(progress: Progress) -> Outcome:
        progress.stage("fetch", 2, "")
        for done in range(200):
            progress.count(done, 200, low=2, high=15)
        return Outcome({}, "")

    run(task, pipeline)
    assert len(told(task)) <= 3


def test_the_saving_is_told_between_the_effects_and_the_end(task: TaskLog) -> None:
    written: list[int] = []
    outcome = Outcome(
        {"words": 3}, "Saved", lambda: written.append(TaskEvent.objects.filter(task=task).count()), saved=SAVED
    )
    row = run(task, lambda progress: outcome)
    assert (row.status, row.progress, row.stage) == (Status.COMPLETED, 100, "save_complete")
    events = list(TaskEvent.objects.filter(task=task).order_by("seq"))
    assert [(event.type, event.data["step"], event.data["progress"]) for event in events[-2:]] == [
        ("progress", "save_complete", 98),
        ("completed", "save_complete", 100),
    ]
    assert written == [len(events) - 2], "the effects come first"


def test_nothing_is_told_of_a_saving_that_fails(task: TaskLog) -> None:
    def fails() -> None:
        raise IntegrityError

    row = run(task, lambda progress: Outcome({}, "", fails, saved=SAVED))
    assert row.status == Status.PENDING
    assert not TaskEvent.objects.filter(task=task, data__step="save_complete").exists()


def test_what_was_called_off_is_not_saved(task: TaskLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """The person asks after the last look of the attempt, and before its last transaction."""
    saved: list[str] = []
    complete = transitions.complete

    def late(*args: object, **options: object) -> TaskLog:
        transitions.request_cancel(TaskLog.objects.get(pk=task.pk))
        return complete(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(transitions, "complete", late)
    row = run(task, lambda progress: Outcome({}, "", lambda: saved.append("effect"), saved=SAVED))
    assert (row.status, saved) == (Status.CANCELLED, [])


def away(retry_after: float | None = None) -> Callable[[Progress], Outcome]:
    def pipeline(progress: Progress) -> Outcome:
        raise Unavailable("The server is busy.", retry_after)

    return pipeline


def wait_of(row: TaskLog) -> float:
    assert row.run_after is not None
    return (row.run_after - row.changed_at).total_seconds()


def test_anothers_trouble_is_tried_again_soon_and_not_for_long(task: TaskLog) -> None:
    waits = []
    for _ in runner.AWAY_BACK_OFF_SECONDS:
        row = run(task, away())
        assert (row.status, row.error) == (Status.PENDING, "")
        assert row.message.endswith("The server is busy.")
        waits.append(wait_of(row))
    assert 1 <= waits[0] <= 3
    assert 2.5 <= waits[1] <= 7.5
    row = run(task, away())
    assert (row.status, row.error, row.retryable) == (Status.FAILED, "The server is busy.", True)


def test_who_says_when_is_asked_then(task: TaskLog) -> None:
    row = run(task, away(40))
    assert row.status == Status.PENDING
    assert 39.5 <= wait_of(row) <= 40.5
    assert "40 s" in row.message


def test_who_asks_for_too_long_a_wait_gets_none(task: TaskLog) -> None:
    assert run(task, away(runner.LONGEST_WAIT + 1)).status == Status.FAILED


def test_nobody_is_asked_for_ever(task: TaskLog) -> None:
    for _ in range(transitions.MAX_RETRIES):
        assert run(task, away(1)).status == Status.PENDING
    assert run(task, away(1)).status == Status.FAILED


def test_what_takes_long_to_fail_is_not_tried_again_by_itself(task: TaskLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "AWAY_PATIENCE", 0.0)
    assert run(task, away()).status == Status.FAILED
