"""What a person may do to a task, and how a task is asked for."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from memories.models import Memory, Project
from tasks_app import doorbell, transitions
from tasks_app.kinds import INGESTIONS, Kind
from tasks_app.models import Status, TaskLog
from tasks_app.transitions import WAITING_STAGE

logger = logging.getLogger(__name__)
ACTIVE = (Status.PENDING, Status.PROCESSING)
CANCEL_SECONDS = 0.3


class StateConflict(Exception):
    """The task's state forbids what was asked for; the message says why, for the user."""


class TooManyPending(StateConflict):
    """The project has as many tasks waiting as it may; nothing was accepted."""


def ensure_room(project: Project, count: int = 1) -> None:
    """TooManyPending when the project may not have that many more tasks wait."""
    limit = settings.MEMSTACK_MAX_PENDING_PER_PROJECT
    waiting = pending(project)
    if waiting + count > limit:
        raise TooManyPending(
            f"{waiting:,} tasks of this project wait, {count:,} more would make it more than the {limit:,} that may. "
            "Nothing was accepted; send it again when some have been done."
        )


def pending(project: Project) -> int:
    """How many of the project's tasks wait, those among them that its imports have yet to make."""
    imports = Q(kind=Kind.IMPORT_MEMORIES)
    counted = project.tasks.filter(status__in=ACTIVE).aggregate(
        waiting=Count("pk", filter=Q(status=Status.PENDING) & ~imports),
        unmade=Sum(Coalesce("total", 1) - Coalesce("done", 0), filter=imports & ~Q(stage=WAITING_STAGE)),
    )
    return int(counted["waiting"]) + int(counted["unmade"] or 0)


def submit(
    project: Project,
    kind: Kind,
    *,
    memory: Memory | None = None,
    payload: dict[str, Any] | None = None,
    retry_of: TaskLog | None = None,
    total: int | None = None,
) -> TaskLog:
    """Enqueues a task and rings for it on commit; a memory's newest task is the one its pages show, and the only one
    that goes on. `total`: the children it will have. TooManyPending."""
    with transaction.atomic():
        ensure_room(project, total or 1)
        if memory is not None and memory.task_id is not None:  # a new one has no earlier tasks
            cancel_active(memory.tasks.all())
        task = transitions.enqueue(project, kind, memory=memory, payload=payload, retry_of=retry_of, total=total)
        if memory is not None:
            Memory.objects.filter(pk=memory.pk).update(task=task)
            memory.task = task
        doorbell.ring_on_commit(task)
        transaction.on_commit(partial(_accepted, task), robust=True)
    return task


def _accepted(task: TaskLog) -> None:
    """The line that leads from a request's id to the task's."""
    logger.info("Accepted", extra={"task_id": str(task.pk), "task_kind": task.kind})


def cancel(task: TaskLog) -> TaskLog:
    """Cancels a waiting task at once and asks a running one to stop; an import takes its children along.

    From the moment the import is cancelled none of its waiting children begins; the rows of many are cancelled by the
    dispatcher, after the answer.
    """
    if not transitions.request_cancel(task):
        raise StateConflict(f"The task has ended already: it is {_status(task)}.")
    transitions.ask_to_stop(task.children.all())
    transitions.cancel_all_waiting(task.children.all(), CANCEL_SECONDS)
    return TaskLog.objects.defer("payload").get(pk=task.pk)


def cancel_active(tasks: QuerySet[TaskLog]) -> None:
    """Asks those of the tasks that wait or run for their end."""
    for task in tasks.filter(status__in=ACTIVE).defer("payload"):
        transitions.request_cancel(task)


def retry(task: TaskLog) -> TaskLog:
    """Makes a new task that does the work of a failed or cancelled one again."""
    status = _status(task)
    if status not in (Status.FAILED, Status.CANCELLED) and not _import_with_failures(task):
        raise StateConflict(f"Only a failed or cancelled task can be retried; this one is {status}.")
    if task.kind in INGESTIONS and task.memory is None:
        raise StateConflict("The memory of this task was deleted, so there is nothing to do again.")
    if task.kind == Kind.REBUILD_COMMUNITIES:
        return rebuild(task.project, retry_of=task)
    return submit(
        task.project,
        Kind(task.kind),
        memory=task.memory,
        payload=dict(task.payload),
        retry_of=task,
        total=_left_of_import(task) if task.kind == Kind.IMPORT_MEMORIES else None,
    )


def rebuild(project: Project, *, retry_of: TaskLog | None = None) -> TaskLog:
    """Asks for new communities; while a rebuild waits or runs, that one is the answer."""
    active = project.tasks.filter(kind=Kind.REBUILD_COMMUNITIES, status__in=ACTIVE)
    for _ in range(3):
        try:
            with transaction.atomic():
                return active.first() or submit(project, Kind.REBUILD_COMMUNITIES, retry_of=retry_of)
        except IntegrityError:  # another request was first
            continue
    raise StateConflict("A rebuild was asked for at the same moment; look at the running tasks.")


def _status(task: TaskLog) -> str:
    return TaskLog.objects.values_list("status", flat=True).get(pk=task.pk)


def _left_of_import(task: TaskLog) -> int:
    """How many children the retry of an import will have."""
    completed = task.children.filter(status=Status.COMPLETED).count()
    return max((task.total or 1) - completed, 1)


def _import_with_failures(task: TaskLog) -> bool:
    return task.kind == Kind.IMPORT_MEMORIES and bool((task.result or {}).get("failed"))
