"""The dispatcher's choice: in turn over the projects, only what waits and has no message out."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db.models.functions import Now

from memories.models import Project
from memstack import celery_app, launcher
from tasks_app import dispatcher, doorbell, presence, transitions
from tasks_app.kinds import QUEUES, Kind
from tasks_app.models import Status, TaskLog, WorkerHeartbeat
from tests.stack import ROOT

pytestmark = pytest.mark.django_db
KINDS = [Kind.INGEST_EPISODE]


def waiting(project: Project, count: int) -> list[TaskLog]:
    return [transitions.enqueue(project, Kind.INGEST_EPISODE) for _ in range(count)]


def due(*, queue_is_empty: bool) -> list[tuple[str, UUID]]:
    found = dispatcher._due(KINDS, 4, queue_is_empty=queue_is_empty)
    return [task for tasks in found.values() for task in tasks]


def test_projects_take_turns() -> None:
    first, second = uuid4(), uuid4()
    waits = {first: [("k", uuid4()) for _ in range(5)], second: [("k", uuid4())]}
    chosen = dispatcher._in_turn(waits, 3)
    assert chosen == [waits[first][0], waits[second][0], waits[first][1]]


def test_ten_thousand_tasks_of_one_project_do_not_hide_another_ones() -> None:
    busy, quiet = Project.objects.create(name="Busy"), Project.objects.create(name="Quiet")
    waiting(busy, 40)
    [alone] = waiting(quiet, 1)
    chosen = dispatcher._in_turn(dispatcher._due(KINDS, 4, queue_is_empty=True), dispatcher.MESSAGES_OUT)
    assert ("ingest_episode", alone.pk) in chosen[:2]
    assert len(chosen) == 4 + 1


def test_messages_that_are_out_count_among_those_a_project_may_have() -> None:
    project = Project.objects.create(name="Home")
    tasks = waiting(project, 6)
    TaskLog.objects.filter(pk__in=[task.pk for task in tasks[:3]]).update(rung_at=Now())
    due = dispatcher._due(KINDS, 4, queue_is_empty=False)
    assert due[project.pk] == [("ingest_episode", tasks[3].pk)]
    assert not dispatcher._due(KINDS, 3, queue_is_empty=False)[project.pk]


def test_rows_are_rung_for_in_the_order_of_the_databases_clock() -> None:
    """Ids come from the clock of whoever accepted the task, which may be an hour off."""
    project = Project.objects.create(name="Home")
    first, second, third = waiting(project, 3)
    TaskLog.objects.filter(pk=third.pk).update(created_at=Now() - timedelta(minutes=1))
    expected = [third.pk, first.pk, second.pk]
    assert [pk for _, pk in dispatcher._due(KINDS, 4, queue_is_empty=True)[project.pk]] == expected


def test_a_row_with_a_message_out_is_rung_again_only_when_that_message_is_lost() -> None:
    project = Project.objects.create(name="Home")
    [task] = waiting(project, 1)
    rows = TaskLog.objects.filter(pk=task.pk)
    rows.update(rung_at=Now())
    assert not due(queue_is_empty=True)
    rows.update(rung_at=Now() - timedelta(seconds=2))
    assert due(queue_is_empty=True)
    assert not due(queue_is_empty=False)
    rows.update(rung_at=Now() - timedelta(minutes=2))
    assert due(queue_is_empty=False)


def test_a_retry_waits_for_its_time() -> None:
    [task] = waiting(Project.objects.create(name="Home"), 1)
    TaskLog.objects.filter(pk=task.pk).update(run_after=Now() + timedelta(seconds=30))
    assert not due(queue_is_empty=True)


def test_a_round_takes_expired_tasks_back_and_needs_no_broker() -> None:
    [task] = waiting(Project.objects.create(name="Home"), 1)
    transitions.claim(task.pk, "worker")
    TaskLog.objects.filter(pk=task.pk).update(lease_until=Now() - timedelta(seconds=1))
    dispatcher.tick()
    row = TaskLog.objects.get(pk=task.pk)
    assert (row.status, row.deaths) == (Status.PENDING, 1)


def test_presence_is_fresh_for_twenty_seconds() -> None:
    presence.beat("worker@here", WorkerHeartbeat.Kind.WORKER, {"slots": 2})
    presence.beat("worker@here", WorkerHeartbeat.Kind.WORKER, {"slots": 3})
    [row] = presence.alive(WorkerHeartbeat.Kind.WORKER)
    assert row.detail == {"slots": 3}
    assert not presence.alive(WorkerHeartbeat.Kind.DISPATCHER)
    WorkerHeartbeat.objects.update(seen_at=Now() - timedelta(seconds=21))
    assert not presence.alive(WorkerHeartbeat.Kind.WORKER)
    presence.leave("worker@here")
    assert not WorkerHeartbeat.objects.exists()


def test_slots_are_those_of_the_workers_that_take_from_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "_slots", {})
    presence.beat("a", WorkerHeartbeat.Kind.WORKER, {"slots": 2, "queues": ["ingest", "graph"]})
    presence.beat("b", WorkerHeartbeat.Kind.WORKER, {"slots": 3, "queues": ["ingest"]})
    presence.beat("c", WorkerHeartbeat.Kind.DISPATCHER, {"tick": 0.5})
    assert {queue: presence.slots(queue) for queue in ("ingest", "graph", "media")} == {
        "ingest": 5,
        "graph": 2,
        "media": 0,
    }
    assert doorbell.most_out("media") == 1, "with no worker there is still one message for the first that comes"


def test_every_kind_has_a_queue_that_workers_know_and_the_embedded_one_takes() -> None:
    known = {queue.name for queue in celery_app.conf.task_queues}
    command = launcher.worker().command
    taken = set(command[command.index("-Q") + 1].split(","))
    assert set(QUEUES) == set(Kind)
    assert set(QUEUES.values()) <= known
    assert taken == known == {"ingest", "graph", "media"}
    celery_app.loader.import_default_modules()
    assert set(Kind.values) <= celery_app.tasks.keys()
    [line] = [line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("worker:")]
    assert "-Q ingest,graph,media " in line
