"""What /healthz and /readyz say when something is away."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django.asserts import assertNumQueries

from memstack import health
from tasks_app.models import WorkerHeartbeat
from tasks_app.presence import beat


def ready(client: Client) -> tuple[int, dict[str, Any]]:
    answer = client.get("/readyz")
    return answer.status_code, answer.json()


def away() -> health.State:
    raise OperationalError("connection to server at db.internal failed")


def test_healthz_asks_nobody(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_without_broker_worker_and_dispatcher_it_is_ready_but_degraded(client: Client) -> None:
    status, body = ready(client)
    assert (status, body["status"]) == (200, "degraded")
    assert {name: body[name]["ok"] for name in body if name != "status"} == {
        "database": True, "migrations": True, "broker": False, "worker": False, "dispatcher": False,
    }  # fmt: skip


@pytest.mark.django_db
def test_signs_of_life_count(client: Client) -> None:
    beat("worker@here", WorkerHeartbeat.Kind.WORKER, {})
    beat("dispatcher@here", WorkerHeartbeat.Kind.DISPATCHER, {})
    _, body = ready(client)
    assert body["worker"] == {"ok": True, "detail": "1 alive"}
    assert body["dispatcher"]["ok"]


@pytest.mark.django_db
def test_it_asks_little(client: Client) -> None:
    ready(client)
    with assertNumQueries(4):  # SELECT 1, migrations, workers, dispatchers
        ready(client)


@pytest.mark.django_db
def test_pending_migrations_are_503(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "known_migrations", lambda: frozenset({("memories", "9999_not_yet")}))
    status, body = ready(client)
    assert (status, body["status"]) == (503, "unavailable")
    assert body["migrations"]["detail"].startswith("1 to apply")


@pytest.mark.django_db
def test_a_database_that_is_away_is_503_and_names_no_host(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "database", away)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "db.internal" not in answer.text
    assert answer.json()["worker"]["detail"] == health.UNKNOWN
