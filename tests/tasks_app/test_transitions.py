"""Every change of a task: conditional, fenced, with its event, or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from memories.models import Memory, Project
from tasks_app import checkpoints, dispatcher, services, transitions
from tasks_app.events import utc
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskCheckpoint, TaskEvent, TaskLog
from tasks_app.transitions import LeaseLost, TaskCancelled

pytestmark = pytest.mark.django_db


@pytest.fixture
def home() -> Project:
    return Project.objects.create(name="Home")


def make(home: Project, kind: Kind = Kind.INGEST_EPISODE) -> TaskLog:
    return transitions.enqueue(home, kind)


def claimed(task: TaskLog) -> TaskLog:
    found = transitions.claim(task.pk, "worker-1")
    assert found is not None
    return found


def run_out(task: TaskLog) -> TaskLog:
    """The lease as it is after the worker was silent for too long."""
    TaskLog.objects.filter(pk=task.pk).update(lease_until=Now() - timedelta(seconds=1))
    return transitions.expired_leases()[0]


def events(task: TaskLog) -> list[tuple[int, str, str]]:
    rows = TaskEvent.objects.filter(task=task).order_by("seq")
    return [(event.seq, event.type, event.data["status"]) for event in rows]


def nothing() -> None:
    return None


def test_a_new_task_is_pending_with_its_first_event(home: Project) -> None:
    task = make(home)
    event = TaskEvent.objects.get(task=task)
    assert (event.seq, event.project_seq, event.type) == (1, 1, "progress")
    assert event.data["status"] == "pending"
    assert event.data["at"].endswith("Z")
    assert event.data["result"] is None
    assert event.data["error"] is None


def test_a_task_is_claimed_once(home: Project) -> None:
    task = make(home)
    first = claimed(task)
    assert (first.status, first.attempt, first.worker) == (Status.PROCESSING, 1, "worker-1")
    assert transitions.claim(task.pk, "worker-2") is None


def test_a_task_is_not_claimed_before_its_time(home: Project) -> None:
    task = make(home)
    TaskLog.objects.filter(pk=task.pk).update(run_after=Now() + timedelta(minutes=1))
    assert transitions.claim(task.pk, "worker") is None
    TaskLog.objects.filter(pk=task.pk).update(run_after=Now() - timedelta(minutes=1))
    assert transitions.claim(task.pk, "worker") is not None


def test_completion_publishes_its_effects_and_ends_the_task(home: Project) -> None:
    task = claimed(make(home))
    effects = []
    done = transitions.complete(task, {"facts": 3}, lambda: effects.append(1), message="Done")
    assert effects == [1]
    assert (done.status, done.progress, done.result, done.lease_until) == (Status.COMPLETED, 100, {"facts": 3}, None)
    assert done.duration_seconds is not None
    last = TaskEvent.objects.filter(task=task).latest("seq")
    assert (last.type, last.data["result"], last.data["duration_seconds"]) == (
        "completed",
        {"facts": 3},
        done.duration_seconds,
    )


def test_the_end_is_dated_after_its_effects(home: Project) -> None:
    task = claimed(make(home))
    published: list[float] = []

    def effects() -> None:
        time.sleep(0.2)
        published.append(time.time())

    done = transitions.complete(task, {}, effects, message="Done")
    assert done.changed_at.timestamp() >= published[0] - 0.01
    assert done.finished_at == done.changed_at
    assert TaskEvent.objects.get(task=task, type="completed").data["at"] == utc(done.changed_at)


def test_effects_that_fail_leave_no_trace(home: Project) -> None:
    task = claimed(make(home))
    before = events(task)

    def effects() -> None:
        Project.objects.create(name="half done")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        transitions.complete(task, {}, effects, message="")
    assert TaskLog.objects.get(pk=task.pk).status == Status.PROCESSING
    assert not Project.objects.filter(name="half done").exists()
    assert events(task) == before


def test_an_attempt_that_lost_its_lease_writes_nothing_more(home: Project) -> None:
    zombie = claimed(make(home))
    transitions.expire_lease(run_out(zombie))
    successor = claimed(TaskLog.objects.get(pk=zombie.pk))
    assert successor.attempt == 2
    effects: list[str] = []
    for late in (
        lambda: transitions.advance(zombie, progress=80),
        lambda: transitions.renew(zombie),
        lambda: transitions.cancel_requested(zombie),
        lambda: transitions.take_lane(zombie),
        lambda: transitions.put_back(zombie, 1, "", failed=True),
        lambda: transitions.fail(zombie, "late", retryable=False),
        lambda: transitions.cancel(zombie),
        lambda: transitions.complete(zombie, {}, lambda: effects.append("late"), message=""),
    ):
        with pytest.raises(LeaseLost):
            late()
    assert effects == []
    row = TaskLog.objects.get(pk=zombie.pk)
    assert (row.status, row.attempt, row.progress) == (Status.PROCESSING, 2, 0)
    transitions.complete(successor, {}, lambda: effects.append("in time"), message="")
    with pytest.raises(LeaseLost):
        transitions.complete(zombie, {}, lambda: effects.append("late"), message="")
    assert effects == ["in time"]
    assert [seq for seq, _, _ in events(zombie)] == [1, 2, 3, 4, 5]


def test_what_has_ended_stays_as_it_is_even_for_its_own_attempt(home: Project) -> None:
    task = claimed(make(home))
    transitions.complete(task, {"first": True}, nothing, message="")
    before = events(task)
    attempted: list[Callable[[], object]] = [
        lambda: transitions.advance(task, progress=10),
        lambda: transitions.fail(task, "late", retryable=False),
        lambda: transitions.put_back(task, 1, "", failed=True),
        lambda: transitions.complete(task, {}, nothing, message=""),
    ]
    for late in attempted:
        with pytest.raises(LeaseLost):
            late()
    row = TaskLog.objects.get(pk=task.pk)
    assert (row.status, row.result) == (Status.COMPLETED, {"first": True})
    assert events(task) == before


def test_a_lease_that_was_renewed_in_the_meantime_does_not_expire(home: Project) -> None:
    task = claimed(make(home))
    seen = run_out(task)
    transitions.renew(task)
    transitions.expire_lease(seen)
    assert TaskLog.objects.get(pk=task.pk).status == Status.PROCESSING


def test_three_deaths_end_a_task(home: Project) -> None:
    task = make(home)
    for _ in range(2):
        transitions.expire_lease(run_out(claimed(task)))
        assert TaskLog.objects.get(pk=task.pk).status == Status.PENDING
    transitions.expire_lease(run_out(claimed(task)))
    row = TaskLog.objects.get(pk=task.pk)
    assert (row.status, row.deaths, row.retryable) == (Status.FAILED, 3, True)
    assert "died 3 times" in row.error


def test_a_lease_that_ran_out_after_a_cancel_ends_cancelled(home: Project) -> None:
    task = claimed(make(home))
    assert transitions.request_cancel(task)
    transitions.expire_lease(run_out(task))
    assert TaskLog.objects.get(pk=task.pk).status == Status.CANCELLED


def test_cancel_ends_what_waits_and_flags_what_runs(home: Project) -> None:
    waiting, running = make(home), claimed(make(home))
    assert transitions.request_cancel(waiting)
    assert TaskLog.objects.get(pk=waiting.pk).status == Status.CANCELLED
    assert transitions.request_cancel(running)
    assert TaskLog.objects.get(pk=running.pk).status == Status.PROCESSING
    assert transitions.cancel_requested(running)
    transitions.cancel(running)
    assert not transitions.request_cancel(running)


def test_numbers_have_no_gaps_over_all_tasks_of_a_project(home: Project) -> None:
    other = Project.objects.create(name="Other")
    tasks = [make(home), make(other), make(home)]
    for task in tasks:
        running = claimed(task)
        transitions.advance(running, progress=30, message="x")
        transitions.complete(running, {}, nothing, message="")
    for task in tasks:
        assert [seq for seq, _, _ in events(task)] == [1, 2, 3, 4]
    for project, count in ((home, 8), (other, 4)):
        numbers = list(TaskEvent.objects.filter(project=project).order_by("project_seq").values_list("project_seq"))
        assert numbers == [(n,) for n in range(1, count + 1)]


def test_a_rolled_back_change_has_no_event_and_takes_no_number(home: Project) -> None:
    task = claimed(make(home))
    with transaction.atomic():
        transitions.advance(task, progress=50)
        transaction.set_rollback(True)
    assert [seq for seq, _, _ in events(task)] == [1, 2]
    assert transitions.advance(task, progress=60).event_seq == 3
    assert TaskEvent.objects.filter(project=home).latest("project_seq").project_seq == 3


def test_one_task_of_a_project_holds_the_graph_lane(home: Project) -> None:
    first, second = claimed(make(home)), claimed(make(home))
    elsewhere = claimed(make(Project.objects.create(name="Other")))
    assert transitions.take_lane(first)
    assert not transitions.take_lane(second)
    assert transitions.take_lane(elsewhere)
    transitions.complete(first, {}, nothing, message="")
    assert transitions.take_lane(second)


def test_a_retry_with_back_off_gives_up_lane_and_lease(home: Project) -> None:
    task = claimed(make(home))
    transitions.take_lane(task)
    row = transitions.put_back(task, 30, "Waiting to try again", failed=True)
    assert (row.status, row.lane, row.lease_until, row.retries) == (Status.PENDING, "", None, 1)
    assert transitions.claim(task.pk, "worker") is None


def test_a_parent_counts_its_children_and_completes_with_the_last(home: Project) -> None:
    parent = claimed(make(home, Kind.IMPORT_MEMORIES))
    memories = [
        Memory.objects.create(project=home, content=str(number), reference_time="2024-01-01T00:00:00Z")
        for number in range(3)
    ]
    children = transitions.enqueue_children(parent, Kind.INGEST_EPISODE, memories)
    assert [child.memory for child in children] == memories
    transitions.wait_for_children(parent, 3)
    with pytest.raises(LeaseLost):
        transitions.renew(parent)
    transitions.complete(claimed(children[0]), {}, nothing, message="")
    assert_parent(parent, Status.PROCESSING, 33, 1)
    transitions.fail(claimed(children[1]), "no", retryable=False)
    transitions.request_cancel(children[2])
    assert_parent(parent, Status.COMPLETED, 100, 3)
    assert TaskLog.objects.get(pk=parent.pk).result == {"completed": 1, "failed": 2}


def assert_parent(parent: TaskLog, status: Status, progress: int, done: int) -> None:
    transitions.refresh_parent(parent.pk)
    row = TaskLog.objects.get(pk=parent.pk)
    assert (row.status, row.progress, row.done) == (status, progress, done)


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "unheard of"},
        {"progress": 101},
        {"status": "completed"},
        {"status": "failed", "finished_at": Now()},
        {"status": "completed", "finished_at": Now(), "progress": 99},
        {"lane": "graph"},
        {"lease_until": Now()},
        {"done": 2, "total": 1},
    ],
)
def test_the_database_refuses_rows_that_make_no_sense(home: Project, wrong: dict[str, object]) -> None:
    task = make(home)
    with pytest.raises(IntegrityError), transaction.atomic():
        TaskLog.objects.filter(pk=task.pk).update(**wrong)


def test_a_second_rebuild_is_the_first_one(home: Project) -> None:
    make(home, Kind.REBUILD_COMMUNITIES)
    with pytest.raises(IntegrityError), transaction.atomic():
        make(home, Kind.REBUILD_COMMUNITIES)


def test_a_retry_is_a_new_row_and_only_of_what_ended_badly(home: Project) -> None:
    memory = Memory.objects.create(project=home, content="x", reference_time="2024-01-01T00:00:00Z")
    task = transitions.enqueue(home, Kind.INGEST_EPISODE, memory=memory)
    with pytest.raises(services.StateConflict, match="pending"):
        services.retry(task)
    transitions.fail(claimed(task), "The page was not found.", retryable=False)
    again = services.retry(task)
    assert (again.retry_of, again.status, again.memory) == (task, Status.PENDING, memory)
    memory.refresh_from_db()
    assert memory.task == again
    with pytest.raises(services.StateConflict, match="ended already"):
        services.cancel(task)


def test_after_a_cancel_an_attempt_publishes_nothing_and_does_not_go_on(home: Project) -> None:
    task = claimed(make(home))
    transitions.request_cancel(task)
    effects: list[str] = []
    attempted: list[Callable[[], object]] = [
        lambda: transitions.advance(task, progress=80),
        lambda: transitions.put_back(task, 60, "Waiting to try again", failed=True),
        lambda: transitions.wait_for_children(task, 3),
        lambda: transitions.complete(task, {}, lambda: effects.append("late"), message=""),
    ]
    for late in attempted:
        with pytest.raises(TaskCancelled):
            late()
    assert effects == []
    assert transitions.cancel(task).status == Status.CANCELLED


def test_a_change_does_not_read_the_payload(home: Project) -> None:
    task = transitions.enqueue(home, Kind.IMPORT_MEMORIES, payload={"items": ["many megabytes"]})
    running = claimed(task)
    assert "payload" in running.get_deferred_fields()
    assert "payload" in transitions.advance(running, progress=1).get_deferred_fields()
    assert running.payload == {"items": ["many megabytes"]}


def test_a_retry_cancels_what_still_reads_the_memory(home: Project) -> None:
    memory = Memory.objects.create(project=home, content="x", reference_time="2024-01-01T00:00:00Z")
    failed = services.submit(home, Kind.INGEST_EPISODE, memory=memory)
    transitions.fail(claimed(failed), "no", retryable=True)
    first, second = services.retry(failed), services.retry(failed)
    assert TaskLog.objects.get(pk=first.pk).status == Status.CANCELLED
    memory.refresh_from_db()
    assert memory.task == second


def test_a_rebuild_that_is_retried_twice_at_the_same_moment_is_one(
    home: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make(home, Kind.REBUILD_COMMUNITIES)
    services.cancel(old)
    submit, beaten = services.submit, list[TaskLog]()

    def beaten_once(project: Project, kind: Kind, **given: Any) -> TaskLog:
        if not beaten:
            beaten.append(transitions.enqueue(project, kind))
        return submit(project, kind, **given)

    monkeypatch.setattr(services, "submit", beaten_once)
    again = services.retry(old)
    assert (again.status, again.retry_of) == (Status.PENDING, old)


def family(home: Project, count: int) -> tuple[TaskLog, list[TaskLog]]:
    """An import that waits for its children."""
    parent = claimed(make(home, Kind.IMPORT_MEMORIES))
    memories = Memory.objects.bulk_create(
        [Memory(project=home, content=str(number), reference_time="2024-01-01T00:00:00Z") for number in range(count)]
    )
    children = transitions.enqueue_children(parent, Kind.INGEST_EPISODE, memories)
    transitions.wait_for_children(parent, count)
    return parent, children


@pytest.mark.django_db(transaction=True)
def test_a_parent_is_not_counted_anew_at_each_childs_end(home: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    parent, children = family(home, 40)
    counted, refresh = list[float](), transitions.refresh_parent

    def counting(parent_id: UUID) -> TaskLog | None:
        counted.append(time.monotonic())
        return refresh(parent_id)

    monkeypatch.setattr(transitions, "refresh_parent", counting)
    began = time.monotonic()
    for child in children:
        transitions.complete(claimed(child), {}, nothing, message="")
    row = TaskLog.objects.get(pk=parent.pk)
    assert (row.status, row.done, row.result) == (Status.COMPLETED, 40, {"completed": 40, "failed": 0})
    assert len(counted) <= 2 + (time.monotonic() - began) / 0.25


def test_a_parent_tells_how_long_it_takes_still_from_how_fast_it_is(home: Project) -> None:
    parent, children = family(home, 4)
    assert TaskLog.objects.get(pk=parent.pk).eta_seconds is None
    transitions.fail(claimed(children[0]), "no", retryable=False)
    TaskLog.objects.filter(pk=parent.pk).update(started_at=Now() - timedelta(seconds=20))
    row = transitions.refresh_parent(parent.pk)
    assert row is not None
    assert row.eta_seconds == pytest.approx(60, abs=2)


def test_cancelling_a_large_import_ends_it_at_once_and_its_children_in_short_steps(
    home: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "CANCEL_SECONDS", 0.0)
    parent, children = family(home, 1200)
    running = claimed(children[7])
    services.cancel(parent)
    assert TaskLog.objects.get(pk=parent.pk).status == Status.CANCELLED
    assert transitions.cancel_requested(running)
    assert parent.children.filter(status=Status.PENDING).count() == 1199
    assert transitions.claim(children[8].pk, "worker") is None, "no child begins after that"
    steps = []
    while transitions.called_off() == [parent]:
        steps.append(transitions.cancel_waiting(parent.children.all()))
    assert steps == [250, 250, 250, 250, 199]
    assert parent.children.filter(status=Status.CANCELLED).count() == 1199
    assert not parent.children.filter(status=Status.CANCELLED, finished_at=None).exists()
    ended = TaskEvent.objects.filter(type="cancelled", task__parent=parent)
    assert ended.count() == ended.values("task").distinct().count() == 1199
    numbers = list(TaskEvent.objects.filter(project=home).order_by("project_seq").values_list("project_seq", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_dispatcher_cancels_what_the_request_left(home: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "CANCEL_SECONDS", 0.0)
    parent, _ = family(home, 3)
    other = make(home)
    services.cancel(parent)
    dispatcher.tick()
    assert set(parent.children.values_list("status", flat=True)) == {Status.CANCELLED}
    assert TaskLog.objects.get(pk=other.pk).status == Status.PENDING


def test_a_batch_is_of_one_project_and_only_of_what_waits(home: Project) -> None:
    elsewhere = Project.objects.create(name="Other")
    tasks = [make(home), claimed(make(home)), make(elsewhere), make(home)]
    chosen = TaskLog.objects.filter(pk__in=[task.pk for task in tasks])
    assert transitions.cancel_waiting(chosen, 1) == 1
    assert sorted([transitions.cancel_waiting(chosen), transitions.cancel_waiting(chosen)]) == [1, 1]
    assert transitions.cancel_waiting(chosen) == 0
    assert TaskLog.objects.get(pk=tasks[1].pk).status == Status.PROCESSING
    assert transitions.ask_to_stop(chosen) == 1
    assert transitions.ask_to_stop(chosen) == 0
    assert [last for _, last, _ in events(tasks[2])] == ["progress", "cancelled"]


def test_what_waits_is_cancelled_with_what_it_kept(home: Project) -> None:
    task = make(home)
    checkpoints.keep(task, "extract", {"read": 3})
    transitions.cancel_waiting(TaskLog.objects.filter(pk=task.pk))
    assert not TaskCheckpoint.objects.exists()
