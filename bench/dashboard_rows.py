"""Task rows by the ten thousand, spread over two days as a busy server would leave them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import UUID

from django.db import transaction

from memories.models import Memory, Project
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskLog

BATCH = 2000
SPAN = timedelta(days=2)
SHARES = {Status.COMPLETED: 95.0, Status.FAILED: 3.0, Status.CANCELLED: 1.0, Status.PENDING: 1.0}
ERRORS = ("The page is gone (404).", "The file has no text in it.", "The model could not be read.")
SUBJECTS = ("Lisbon trip", "Board meeting", "Letter to Ada", "Release notes", "Interview", "Reading list")


def uuid7_at(moment: datetime, number: int) -> UUID:
    """A version 7 UUID of that millisecond; `number` keeps those of one millisecond apart and in order."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | (0x2 << 62) | (number & (2**62 - 1)))


def fill(project: Project, count: int, *, seed: int = 1, now: datetime | None = None) -> None:
    """Inserts `count` tasks, oldest first, each with a memory but for the rebuilds (one in a thousand)."""
    chance, end = random.Random(seed), now or datetime.now(UTC)  # noqa: S311 - no secret
    rows = (_task(project, end - SPAN * (1 - number / count), number, chance) for number in range(count))
    while batch := list(islice(rows, BATCH)):
        with transaction.atomic():  # a memory names its task and the task its memory
            Memory.objects.bulk_create([task.memory for task in batch if task.memory is not None])
            TaskLog.objects.bulk_create(batch)


def _task(project: Project, created: datetime, number: int, chance: random.Random) -> TaskLog:
    status = chance.choices(list(SHARES), list(SHARES.values()))[0]
    kind = Kind.REBUILD_COMMUNITIES if number % 1000 == 999 else Kind.INGEST_EPISODE
    if kind == Kind.REBUILD_COMMUNITIES and status == Status.PENDING:
        status = Status.COMPLETED  # a project has one at most
    memory = None if kind == Kind.REBUILD_COMMUNITIES else _memory(project, created, number, chance)
    task = TaskLog(
        id=uuid7_at(created, number), project=project, kind=kind, memory=memory, status=status, created_at=created,
        changed_at=created, message="Waiting", payload={"number": number},
    )  # fmt: skip
    for name, value in dict(_ending(status, created, chance)).items():
        setattr(task, name, value)
    return task


def _memory(project: Project, created: datetime, number: int, chance: random.Random) -> Memory:
    title = f"{chance.choice(SUBJECTS)} {number}"
    identifier = uuid7_at(created, number)  # the same as of its task
    return Memory(
        id=identifier, task_id=identifier, project=project, title=title, content=title, reference_time=created
    )


def _ending(status: str, created: datetime, chance: random.Random) -> Iterator[tuple[str, object]]:
    if status == Status.PENDING:
        return
    started = created + timedelta(seconds=chance.expovariate(1 / 2))
    yield from {
        "attempt": 1, "started_at": started, "worker": f"celery@host-{chance.randint(1, 3)}",
        "finished_at": started + timedelta(seconds=chance.lognormvariate(0.3, 0.8)),
        "cpu_seconds": round(chance.lognormvariate(0, 0.5), 3), "peak_memory_mb": round(chance.uniform(300, 700), 1),
    }.items()  # fmt: skip
    if status == Status.COMPLETED:
        result = {"entities": chance.randint(1, 30), "facts": chance.randint(0, 12)}
        yield from {"progress": 100, "message": "Episode ingestion completed", "result": result}.items()
    elif status == Status.FAILED:
        yield from {"progress": 30, "stage": "extract", "message": "Extracting entities and relationships..."}.items()
        yield from {"error": chance.choice(ERRORS), "retryable": True, "traceback": "Traceback: " + "x" * 500}.items()
    else:
        yield from {"progress": 10, "message": "Cancelled"}.items()
