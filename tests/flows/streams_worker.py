"""The sender of the measurements and what the tests of streams need besides: `python -m tests.flows.streams_worker`."""

from __future__ import annotations

import time
from datetime import timedelta
from unittest import mock

from bench import streams_sender
from bench.streams_sender import COMMANDS, main, running  # sets Django up

# isort: split
import redis
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django_eventstream import eventstream

from bench.streams_server import without_limits
from memories import keys
from memories.models import Membership, Project
from tasks_app import transitions
from tasks_app.events import StoredData, task_channel
from tasks_app.models import TaskEvent

PASSWORD = "correct horse battery"  # of users that live as long as a test


def project(owner: str) -> str:
    """A new project; its owner is made when there is none of that name."""
    made = Project.objects.create(name=f"{owner}'s")
    join(owner, str(made.pk), Membership.Role.OWNER)
    return str(made.pk)


def join(username: str, project: str, role: str = Membership.Role.VIEWER) -> str:
    """Makes somebody a member, who is made too when need be; a new key of theirs."""
    user, made = User.objects.get_or_create(username=username)
    if made:
        change_password(username, PASSWORD)
    Membership.objects.create(user=user, project_id=project, role=role)
    return keys.issue(user, "test")[1]


def change_password(username: str, password: str) -> None:
    user = User.objects.get(username=username)
    user.set_password(password)
    user.save(update_fields=["password"])


def deactivate(username: str) -> int:
    return User.objects.filter(username=username).update(is_active=False)


def backwards(task: str, count: int) -> int:
    """Moves a task, and announces all of it afterwards, the newest first; its last number."""
    held: list[list[TaskEvent]] = []
    announce = streams_sender.poke
    with mock.patch.object(streams_sender, "poke", held.append):
        streams_sender.send([task], count)
    for events in reversed(held):
        announce(events)
    return running[task].event_seq


def send_and_roll_back(task: str) -> None:
    """What a worker does that calls django-eventstream's `send_event` itself, and whose transaction fails."""
    number = running[task].event_seq + 1
    with transaction.atomic():
        data = StoredData.of('{"message": "never"}', number)
        eventstream.send_event(task_channel(task), "progress", data, json_encode=False)
        transaction.set_rollback(True)


def send_without_limits(task: str) -> float:
    """Seconds that `send_event` takes over a connection without time limits."""
    eventstream.redis_client = redis.Redis(**without_limits(settings.EVENTSTREAM_REDIS))
    began = time.monotonic()
    eventstream.send_event(task_channel(task), "progress", StoredData.of("{}", 1), json_encode=False)
    return time.monotonic() - began


def backend() -> int:
    """The process of PostgreSQL that serves this one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    return int(pid)


ADDED = (project, join, change_password, deactivate, backwards, send_and_roll_back, send_without_limits, backend)
COMMANDS.update({function.__name__: function for function in ADDED})

if __name__ == "__main__":
    transitions.LEASE = timedelta(hours=1)  # nobody else takes these tasks, however slow the machine is
    main()
