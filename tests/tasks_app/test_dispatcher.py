"""The dispatcher's choice: in turn over the projects, only what waits and has no message out."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models.functions import Now

from memories.models import Project
from memstack import celery_app, launcher
from tasks_app import dispatcher, presence, transitions
from tasks_app.kinds import QUEUES, Kind
from tasks_app.models import Status, TaskLog, WorkerHeartbeat
from tests.stack import ROOT

pytestmark = pytest.mark.django_db
KINDS = [Kind.INGEST_EPISODE]


def waiting(project: Project, count: int) -> list[TaskLog]:
    return [transitions.enqueue(project, Kind.INGEST_EPISODE) for _ in range(count)]


def test_projects_take_turns() -> None:
    first, second = uuid4(), uuid4()
    due = {first: [("k", uuid4()) for _ in range(5)], second: [("k", uuid4())]}
    chosen = dispatcher._in_turn(due, 3)
    assert chosen == [due[first][0], due[second][0], due[first][1]]


def test_ten_thousand_tasks_of_one_project_do_not_hide_another_ones() -> None:
    busy, quiet = Project.objects.create(name="Busy"), Project.objects.create(name="Quiet")
    waiting(busy, 40)
    [alone] = waiting(quiet, 1)
    chosen = dispatcher._in_turn(dispatcher._due(KINDS, queue_is_empty=True), dispatcher.MESSAGES_OUT)
    assert ("ingest_episode", alone.pk) in chosen[:2]
    assert len(chosen) == dispatcher.PER_PROJECT + 1


def test_a_row_with_a_message_out_is_rung_again_only_when_that_message_is_lost() -> None:
    project = Project.objects.create(name="Home")
    [task] = waiting(project, 1)
    rows = TaskLog.objects.filter(pk=task.pk)
    rows.update(rung_at=Now())
    assert not dispatcher._due(KINDS, queue_is_empty=True)
    rows.update(rung_at=Now() - timedelta(seconds=2))
    assert dispatcher._due(KINDS, queue_is_empty=True)
    assert not dispatcher._due(KINDS, queue_is_empty=False)
    rows.update(rung_at=Now() - timedelta(minutes=2))
    assert dispatcher._due(KINDS, queue_is_empty=False)


def test_a_retry_waits_for_its_time() -> None:
    [task] = waiting(Project.objects.create(name="Home"), 1)
    TaskLog.objects.filter(pk=task.pk).update(run_after=Now() + timedelta(seconds=30))
    assert not dispatcher._due(KINDS, queue_is_empty=True)


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
