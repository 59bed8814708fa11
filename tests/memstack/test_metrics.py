"""What Prometheus is told, and who may ask."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.db.models.functions import Now
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings
from pytest_django.asserts import assertNumQueries

from memories import keys, services
from memories.models import Project
from tasks_app import metrics, presence, transitions
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskEvent, TaskLog, WorkerHeartbeat
from tests.memories import rows

pytestmark = pytest.mark.django_db
TOKEN = "t" * 40


@pytest.fixture
def home() -> Project:
    return Project.objects.create(name="Apollo canary")


def scrape(client: Client, **headers: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(found: dict[Any, float], metric: str, /, **labels: str) -> float | None:
    return found.get((metric, frozenset(labels.items())))


def ended(project: Project, seconds: float, status: Status = Status.COMPLETED) -> TaskLog:
    task = transitions.enqueue(project, Kind.INGEST_EPISODE)
    claimed = transitions.claim(task.pk, "worker@here")
    assert claimed is not None
    if status == Status.COMPLETED:
        transitions.complete(claimed, {}, lambda: None, "Done")
    else:
        transitions.fail(claimed, "The page was not found.", retryable=False)
    TaskLog.objects.filter(pk=task.pk).update(started_at=Now() - timedelta(seconds=seconds), finished_at=Now())
    return task


def test_tasks_by_kind_and_state_and_how_long_they_took(client: Client, home: Project) -> None:
    for seconds in (1, 2, 3, 4, 100):
        ended(home, seconds)
    ended(home, 1000, Status.FAILED)
    old = ended(home, 5000)
    TaskLog.objects.filter(pk=old.pk).update(finished_at=Now() - timedelta(hours=2))
    waiting = transitions.enqueue(home, Kind.REBUILD_COMMUNITIES)
    TaskLog.objects.filter(pk=waiting.pk).update(created_at=Now() - timedelta(seconds=90))
    later = transitions.enqueue(home, Kind.IMPORT_MEMORIES)
    TaskLog.objects.filter(pk=later.pk).update(
        created_at=Now() - timedelta(seconds=90), run_after=Now() + timedelta(seconds=90)
    )
    found = scrape(client)
    kind = Kind.INGEST_EPISODE.value
    assert value(found, "memstack_tasks", kind=kind, status="completed") == 6
    assert value(found, "memstack_tasks", kind=kind, status="failed") == 1
    assert value(found, "memstack_tasks", kind=kind, status="cancelled") == 0
    assert value(found, "memstack_tasks_ended_last_hour", kind=kind, status="completed") == 5
    assert value(found, "memstack_task_duration_last_hour_seconds", kind=kind, quantile="0.5") == pytest.approx(
        3, abs=1
    )
    slowest = value(found, "memstack_task_duration_last_hour_seconds", kind=kind, quantile="0.95")
    assert slowest == pytest.approx(100, abs=1)
    assert value(found, "memstack_oldest_pending_seconds", kind="rebuild_communities") == pytest.approx(95, abs=5)
    assert value(found, "memstack_oldest_pending_seconds", kind="import_memories") == 0
    assert value(found, "memstack_database_up") == 1
    assert value(found, "memstack_broker_up") == 0


def test_workers_and_their_slots(client: Client, home: Project) -> None:
    presence.beat("worker@here", WorkerHeartbeat.Kind.WORKER, {"slots": 2})
    presence.beat("worker@gone", WorkerHeartbeat.Kind.WORKER, {"slots": 4})
    WorkerHeartbeat.objects.filter(name="worker@gone").update(seen_at=Now() - timedelta(seconds=50))
    task = transitions.enqueue(home, Kind.INGEST_EPISODE)
    transitions.claim(task.pk, "worker@here")
    found = scrape(client)
    assert value(found, "memstack_processes_alive", kind="worker") == 1
    assert value(found, "memstack_processes_alive", kind="dispatcher") == 0
    assert value(found, "memstack_worker_slots", name="worker@here") == 2
    assert value(found, "memstack_worker_tasks", name="worker@here") == 1
    assert value(found, "memstack_worker_tasks", name="worker@gone") == 0
    assert value(found, "memstack_heartbeat_age_seconds", kind="worker", name="worker@gone") == pytest.approx(55, abs=5)


def test_the_count_of_events_does_not_fall_when_they_are_pruned(client: Client, home: Project) -> None:
    before = value(scrape(client), "memstack_task_events_total") or 0
    for _ in range(3):
        transitions.enqueue(home, Kind.INGEST_EPISODE)
    TaskEvent.objects.all().delete()
    assert value(scrape(client), "memstack_task_events_total") == before + 3


def test_no_name_or_text_is_told(client: Client, home: Project) -> None:
    rows.memory(home, "canary: Anna lives in Berlin.", title="canary")
    transitions.enqueue(home, Kind.INGEST_EPISODE)
    assert "canary" not in client.get("/metrics").text


def test_it_asks_a_few_questions_however_many_rows_there_are(client: Client, home: Project) -> None:
    scrape(client)
    for _ in range(3):
        ended(home, 1)
    with assertNumQueries(8):
        scrape(client)


def test_requests_are_counted_by_class(client: Client) -> None:
    def count(method: str, status: str) -> float:
        return value(scrape(client), "memstack_http_request_seconds_count", method=method, status=status) or 0

    before, invented = count("GET", "4xx"), count("other", "4xx")
    client.get("/nowhere")
    client.generic("BREW", "/nowhere")
    assert (count("GET", "4xx"), count("other", "4xx")) == (before + 1, invented + 1)


def test_a_database_that_is_away_leaves_the_rest(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise DatabaseError("connection to server at db.internal failed")

    monkeypatch.setattr(metrics, "_tasks", away)
    found = scrape(client)
    assert value(found, "memstack_database_up") == 0
    assert value(found, "memstack_streams_open") == 0
    assert value(found, "memstack_tasks", kind="ingest_episode", status="failed") is None


# --- who may ask


def status(client: Client, address: str = "127.0.0.1", **headers: str) -> int:
    return client.get("/metrics", headers=headers, REMOTE_ADDR=address).status_code


def test_this_machine_may_ask_in_development(client: Client) -> None:
    assert (status(client), status(client, "::1")) == (200, 200)
    for elsewhere in ("10.0.0.1", "", "nonsense"):
        assert status(client, elsewhere) == 401
    for name in ("X-Forwarded-For", "Forwarded", "X-Forwarded-Proto", "Via", "X-Real-IP"):
        assert status(client, **{name: "127.0.0.1"}) == 401


def test_not_so_in_production_or_when_there_is_a_token(client: Client, settings: Settings) -> None:
    settings.MEMSTACK_METRICS_TOKEN = TOKEN
    assert status(client) == 401
    settings.MEMSTACK_METRICS_TOKEN = ""
    settings.PRODUCTION = True
    assert status(client) == 401


def test_the_token_opens_from_anywhere(client: Client, settings: Settings) -> None:
    settings.MEMSTACK_METRICS_TOKEN = TOKEN
    assert status(client, "10.0.0.1", Authorization=f"Bearer {TOKEN}") == 200
    for wrong in (f"Bearer {TOKEN}x", "Bearer ", "Bearer", f"Basic {TOKEN}", TOKEN, "Bearer ü"):
        assert status(client, "10.0.0.1", Authorization=wrong) == 401


def test_staff_may_ask_with_session_or_key_and_nobody_else(client: Client, alice: User) -> None:
    services.create_project(alice, name="Hers")
    header = f"Bearer {keys.issue(alice, 'tests')[1]}"
    assert status(client, Authorization=header) == 401, "a key that may not read is not better than none"
    client.force_login(alice)
    assert status(client, "10.0.0.1") == 401
    User.objects.update(is_staff=True)
    assert status(client, "10.0.0.1") == 200
    client.logout()
    assert status(client, "10.0.0.1", Authorization=header) == 200
    User.objects.update(is_active=False)
    assert status(client, "10.0.0.1", Authorization=header) == 401


def test_it_is_read_only(client: Client) -> None:
    assert client.post("/metrics").status_code == 405
    assert client.head("/metrics").status_code == 200
