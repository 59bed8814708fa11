"""The worker's side of the measurements, a process of its own: makes tasks and moves them, as a worker does.

Reads commands as lines of JSON and answers each with one.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any
from uuid import UUID

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402 - models need a set-up Django
from django.db import transaction  # noqa: E402

from memories import keys  # noqa: E402
from memories.models import Membership, Project  # noqa: E402
from tasks_app import events, transitions  # noqa: E402
from tasks_app.kinds import Kind  # noqa: E402
from tasks_app.models import ProjectEventCounter, TaskEvent, TaskLog  # noqa: E402

poke = events.poke
commits: dict[tuple[str, int], float] = {}
running: dict[str, TaskLog] = {}


def poke_and_note(events: list[TaskEvent]) -> None:
    """Notes when the events were committed, which is when the announcement begins."""
    now = time.monotonic()
    commits.update({(str(event.task_id), event.seq): now for event in events})
    poke(events)


events.poke = poke_and_note


def setup(username: str) -> dict[str, str]:
    """A user with a key and a project."""
    user = User.objects.create(username=username)
    project = Project.objects.create(name=username)
    Membership.objects.create(project=project, user=user, role=Membership.Role.OWNER)
    return {"key": keys.issue(user, username)[1], "project": str(project.pk)}


def tasks(project: str, count: int) -> list[str]:
    """Running tasks. They are claimed in the transaction that makes them, so that no worker takes one."""
    made = []
    with transaction.atomic():
        for _ in range(count):
            task = transitions.enqueue(Project.objects.get(pk=project), Kind.INGEST_EPISODE)
            claimed = transitions.claim(task.pk, "measurement")
            if claimed is None:
                raise RuntimeError("the task is gone")
            running[str(task.pk)] = claimed
            made.append(str(task.pk))
    return made


def send(tasks: list[str], count: int, rate: float = 0) -> list[tuple[str, int, float, float]]:
    """Moves the tasks in turn, `count` times in all: the task, its number, when it was asked for and committed."""
    sent = []
    began = time.monotonic()
    for index in range(count):
        identifier = tasks[index % len(tasks)]
        if rate:
            time.sleep(max(0.0, began + index / rate - time.monotonic()))
        called = time.monotonic()
        running[identifier] = task = transitions.advance(running[identifier], message=f"step {index}")
        sent.append((identifier, task.event_seq, called, commits.pop((identifier, task.event_seq))))
    return sent


def burst(tasks: list[str], count: int) -> int:
    """The same in one transaction, as fast as it goes; returns the last number of the last task."""
    with transaction.atomic():
        for index in range(count):
            identifier = tasks[index % len(tasks)]
            running[identifier] = transitions.advance(running[identifier], message=f"step {index}")
    return running[tasks[-1]].event_seq


def roll_back(task: str) -> None:
    """An event whose transaction fails."""
    with transaction.atomic():
        transitions.advance(running[task], message="never")
        transaction.set_rollback(True)


def finish(task: str) -> int:
    ended = transitions.complete(running.pop(task), {}, lambda: None, "Done")
    return ended.event_seq


def number(project: str) -> int:
    """The newest number of a project's events."""
    return ProjectEventCounter.objects.get(pk=UUID(project)).last_seq


def expel(username: str, project: str) -> int:
    return Membership.objects.filter(user__username=username, project=UUID(project)).delete()[0]


COMMANDS: dict[str, Any] = {
    function.__name__: function for function in (setup, tasks, send, burst, roll_back, finish, number, expel)
}


def main() -> None:
    for line in sys.stdin:
        name, arguments = json.loads(line)
        print(json.dumps(COMMANDS[name](**arguments)), flush=True)


if __name__ == "__main__":
    main()
