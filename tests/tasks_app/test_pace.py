"""What is left of a task is told from how long such tasks took, and not told where none has ended yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError

from memories.models import Project
from tasks_app import pace, runner, transitions
from tasks_app.api.shapes import TaskShape
from tasks_app.kinds import Kind
from tasks_app.models import StagePace, Status, TaskEvent, TaskLog
from tasks_app.pace import Pace
from tasks_app.runner import Outcome, Progress

pytestmark = pytest.mark.django_db(transaction=True)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Iterator[Clock]:
    pace.forget()
    yield Clock()
    pace.forget()


def ingest(clock: Clock, passages: int, done: int = 0, *, per_passage: float = 2.0, sync: float = 1.0) -> Pace:
    """A task that took so long, from the passage `done` on."""
    task = Pace("ingest_episode", clock)
    task.enter("start", None, None)
    clock.pass_by(0.5)
    task.weigh(passages)
    task.enter("extract", done, passages)
    clock.pass_by(per_passage * (passages - done))
    task.enter("sync", None, None)
    clock.pass_by(sync * passages)
    task.learn()
    clock.pass_by(pace.FRESH_SECONDS)
    return task


def test_without_history_there_is_no_number(clock: Clock) -> None:
    task = Pace("ingest_episode", clock)
    task.weigh(10)
    task.enter("extract", 0, 10)
    assert task.eta(0, 10) is None
    ingest(clock, 10)
    other = Pace("rebuild_communities", clock)
    other.weigh(10)
    other.enter("extract", 0, 10)
    assert other.eta(0, 10) is None


def test_the_rest_is_told_from_history_by_the_unit(clock: Clock) -> None:
    ingest(clock, 10)
    task = Pace("ingest_episode", clock)
    task.enter("start", None, None)
    assert task.eta(None, None) is None, "nobody knows yet how much it is"
    task.weigh(100)
    task.enter("extract", 0, 100)
    assert task.eta(0, 100) == 100 * 2.0 + 100 * 1.0
    assert task.eta(75, 100) == 25 * 2.0 + 100 * 1.0
    task.enter("sync", None, None)
    assert task.eta(None, None) == 100 * 1.0


def test_the_average_moves_to_what_is_new(clock: Clock) -> None:
    ingest(clock, 10)
    ingest(clock, 10, per_passage=4.0)
    assert StagePace.objects.get(stage="extract").seconds_per_unit == pytest.approx(3.0)
    for _ in range(60):
        ingest(clock, 10, per_passage=8.0)
    assert StagePace.objects.get(stage="extract").seconds_per_unit == pytest.approx(8.0, abs=0.1)
    assert StagePace.objects.get(stage="extract").samples == 62


def test_an_attempt_that_went_on_counts_what_it_did_itself(clock: Clock) -> None:
    ingest(clock, 10, done=5)
    assert StagePace.objects.get(stage="extract").seconds_per_unit == pytest.approx(2.0)
    ingest(clock, 10, done=10)
    assert StagePace.objects.get(stage="extract").samples == 1, "it read nothing, so it says nothing"


def test_a_stage_that_tasks_no_longer_have_fades_from_the_number(clock: Clock) -> None:
    StagePace.objects.create(kind="ingest_episode", stage="given up", seconds_per_unit=50.0, samples=30)
    for _ in range(60):
        ingest(clock, 10)
    task = Pace("ingest_episode", clock)
    task.enter("start", None, None)
    task.weigh(10)
    task.enter("extract", 0, 10)
    assert task.eta(0, 10) == pytest.approx(30, abs=2)


def test_a_process_writes_the_history_now_and_then(clock: Clock, django_assert_num_queries: Any) -> None:
    ingest(clock, 10)
    clock.pass_by(-pace.FRESH_SECONDS)
    with django_assert_num_queries(0):
        for _ in range(20):
            task = Pace("ingest_episode", clock)
            task.weigh(10)
            task.enter("extract", 0, 10)
            clock.pass_by(0.1)
            task.learn()
    clock.pass_by(pace.FRESH_SECONDS)
    ingest(clock, 10)
    assert StagePace.objects.get(stage="extract").samples == 22


def read(progress: Progress) -> Outcome:
    progress.weigh(4)
    progress.stage("extract", 30, "Reading...", total=4)
    progress.save_count(2)
    return Outcome(result={}, message="Read")


def told(task: TaskLog) -> list[float | None]:
    rows = TaskEvent.objects.filter(task=task).order_by("seq")
    return [row.data["eta_seconds"] for row in rows if row.data["stage"] == "extract"]


def test_the_number_stands_in_row_and_event_while_the_task_runs(clock: Clock) -> None:
    home = Project.objects.create(name="Home")
    first, second = (transitions.enqueue(home, Kind.INGEST_EPISODE) for _ in range(2))
    runner.run(first.pk, read, "worker")
    assert told(first) == [None, None, None]
    StagePace.objects.update(seconds_per_unit=3.0)
    pace.forget()
    shown: list[Any] = []

    def look(progress: Progress) -> Outcome:
        outcome = read(progress)
        shown.append(TaskShape(TaskLog.objects.get(pk=second.pk)).data["eta_seconds"])
        return outcome

    runner.run(second.pk, look, "worker")
    assert shown == [6.0]
    assert told(second) == [12.0, 6.0, None]
    assert TaskLog.objects.get(pk=second.pk).eta_seconds is None


def test_history_that_cannot_be_written_fails_no_task(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: object) -> None:
        raise DatabaseError("locked")

    monkeypatch.setattr(pace, "_write", broken)
    task = transitions.enqueue(Project.objects.create(name="Home"), Kind.INGEST_EPISODE)
    runner.run(task.pk, read, "worker")
    assert TaskLog.objects.get(pk=task.pk).status == Status.COMPLETED
