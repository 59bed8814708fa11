"""The doorbell against a real Valkey: there, away, frozen, emptied."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from celery import current_app
from django.conf import settings
from redis import Redis

from memories.models import Project
from memstack import embedded_broker
from tasks_app import dispatcher, doorbell, presence, services, transitions
from tasks_app.kinds import Kind
from tasks_app.models import TaskLog

pytestmark = pytest.mark.django_db(transaction=True)
SLOWEST = 0.8  # seconds that a caller may lose to a broker that does not answer
SOCKET_TIMEOUT = doorbell.LIMITS["socket_timeout"]


@pytest.fixture
def valkey(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    settings.VALKEY_SOCKET.parent.mkdir(parents=True, exist_ok=True)
    command = [str(embedded_broker.binary()), "--port", "0", "--unixsocket", str(settings.VALKEY_SOCKET), "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        client = Redis(unix_socket_path=str(settings.VALKEY_SOCKET))
        until = time.monotonic() + 30
        while not settings.VALKEY_SOCKET.exists() or not client.ping():
            assert time.monotonic() < until
            time.sleep(0.01)
        monkeypatch.setattr(doorbell, "_muted_until", 0.0)
        monkeypatch.setattr(doorbell, "_line", doorbell._Line())
        monkeypatch.setitem(doorbell.LIMITS, "socket_timeout", 10.0)  # a busy machine's broker may take its time
        yield server
        server.send_signal(signal.SIGCONT)
        doorbell._line._close()
        server.kill()
    settings.VALKEY_SOCKET.unlink(missing_ok=True)


@pytest.fixture
def task() -> TaskLog:
    return transitions.enqueue(Project.objects.create(name="Home"), Kind.INGEST_EPISODE)


def test_a_message_says_which_row_to_look_at(valkey: subprocess.Popen[bytes], task: TaskLog) -> None:
    assert doorbell.queued("ingest") == 0
    assert doorbell.ring([(task.kind, task.pk)])
    assert doorbell.queued("ingest") == 1
    with current_app.connection_for_read() as connection:
        message = connection.SimpleQueue("ingest").get(timeout=30)
    assert message.payload[0] == [str(task.pk)]
    assert message.headers["task"] == "ingest_episode"
    assert message.headers["id"] == str(task.pk)


def test_the_dispatcher_rings_for_a_row_whose_message_was_lost(valkey: subprocess.Popen[bytes], task: TaskLog) -> None:
    assert dispatcher.top_up("ingest") == 1
    assert dispatcher.top_up("ingest") == 0
    Redis(unix_socket_path=str(settings.VALKEY_SOCKET)).flushall()
    time.sleep(dispatcher.LOST_AFTER.total_seconds() + 0.1)
    assert dispatcher.top_up("ingest") == 1


def enqueued(count: int) -> Project:
    project = Project.objects.create(name="Many")
    for _ in range(count):
        transitions.enqueue(project, Kind.INGEST_EPISODE)
    return project


def test_messages_out_are_bounded(valkey: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "slots", lambda queue: 4)
    enqueued(9)
    for _ in range(3):
        dispatcher.top_up("ingest")
    assert doorbell.queued("ingest") == 3, "fewer of a project than there are slots"
    for _ in range(12):
        enqueued(4)
    for _ in range(3):
        dispatcher.top_up("ingest")
    assert doorbell.queued("ingest") == dispatcher.MESSAGES_OUT


def test_a_new_task_is_rung_for_only_while_few_messages_of_its_project_are_out(
    valkey: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "slots", lambda queue: 2)
    home, other = Project.objects.create(name="Home"), Project.objects.create(name="Other")
    for project in (home, home, home, other):
        services.submit(project, Kind.INGEST_EPISODE)
    assert doorbell.queued("ingest") == 2, "one of each project"
    doorbell.ring_next(home.pk)
    assert doorbell.queued("ingest") == 3
    assert TaskLog.objects.get(rung_at=None) == home.tasks.latest("created_at", "id")


def test_the_oldest_is_rung_for_when_its_own_turn_was_passed_over(
    valkey: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "slots", lambda queue: 2)
    project = Project.objects.create(name="Home")
    running, waiting = (services.submit(project, Kind.INGEST_EPISODE) for _ in range(2))
    assert transitions.claim(running.pk, "worker") is not None
    newest = services.submit(project, Kind.INGEST_EPISODE)
    rung = TaskLog.objects.filter(rung_at__isnull=False).values_list("pk", flat=True)
    assert list(rung) == [waiting.pk]
    assert transitions.claim(waiting.pk, "worker") is not None
    doorbell.ring_next(project.pk)
    assert list(rung.all()) == [newest.pk]


def test_one_connection_is_kept_and_made_anew_when_the_broker_was_restarted(
    valkey: subprocess.Popen[bytes], task: TaskLog
) -> None:
    client = Redis(unix_socket_path=str(settings.VALKEY_SOCKET))
    assert doorbell.ring([(task.kind, task.pk)])
    made = client.info("stats")["total_connections_received"]
    assert all(doorbell.ring([(task.kind, task.pk)]) for _ in range(10))
    assert client.info("stats")["total_connections_received"] == made
    client.client_kill_filter(skipme=True)
    assert doorbell.ring([(task.kind, task.pk)])
    assert doorbell.queued("ingest") == 12


def least(monkeypatch: pytest.MonkeyPatch, ring: Callable[[], None]) -> float:
    """Seconds, the fewest of three times, each as if it were the first: other work of the machine counts little."""
    taken = []
    for _ in range(3):
        monkeypatch.setattr(doorbell, "_muted_until", 0.0)
        began = time.monotonic()
        ring()
        taken.append(time.monotonic() - began)
    return min(taken)


def test_a_frozen_broker_costs_a_quarter_of_a_second_once(
    valkey: subprocess.Popen[bytes], task: TaskLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(doorbell.LIMITS, "socket_timeout", SOCKET_TIMEOUT)
    valkey.send_signal(signal.SIGSTOP)

    def ring() -> None:
        assert not any(doorbell.ring([(task.kind, task.pk)]) for _ in range(20))

    assert least(monkeypatch, ring) < SLOWEST


def test_a_broker_that_is_away_is_noticed_at_once(task: TaskLog, monkeypatch: pytest.MonkeyPatch) -> None:
    def ring() -> None:
        assert not doorbell.ring([(task.kind, task.pk)])
        assert doorbell.queued("ingest") is None

    assert least(monkeypatch, ring) < SLOWEST
