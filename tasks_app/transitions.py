"""Every change of a task's state: a conditional UPDATE with the fence, and its event in the same transaction.

No row matched means that somebody else owns the task: the writer gets LeaseLost and stops. Times are the database's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from memories.models import Memory, Project
from tasks_app import checkpoints, events
from tasks_app.kinds import Kind
from tasks_app.models import GRAPH_LANE, Status, TaskCheckpoint, TaskLog

LEASE = timedelta(seconds=15)
MAX_DEATHS = 3
MAX_RETRIES = 5
CANCEL_BATCH = 250
REFRESH = timedelta(seconds=0.25)
WAITING_STAGE = "children"
Cost = Mapping[str, float | None]
NO_COST: Cost = {}


class LeaseLost(Exception):
    """Another attempt owns the task, or it has ended: whatever this one does no longer counts."""


class TaskCancelled(Exception):
    """A person asked for the end of the attempt; it drops what it has not published."""


# --- making tasks


def enqueue(
    project: Project,
    kind: Kind,
    *,
    memory: Memory | None = None,
    payload: dict[str, Any] | None = None,
    retry_of: TaskLog | None = None,
    total: int | None = None,
) -> TaskLog:
    """Inserts a pending task with its first event; call it in the transaction that makes what the task is about."""
    with transaction.atomic():
        task = TaskLog(
            project=project,
            kind=kind,
            memory=memory,
            payload=payload or {},
            retry_of=retry_of,
            message="Waiting",
            done=None if total is None else 0,
            total=total,
        )
        task.save(force_insert=True)
        task.refresh_from_db()
        events.record(task)
    return task


def enqueue_children(parent: TaskLog, kind: Kind, memories: Sequence[Memory]) -> list[TaskLog]:
    """Inserts a pending child of `parent` for each memory, in their order."""
    if not memories:
        return []
    with transaction.atomic():
        made = TaskLog.objects.bulk_create(
            [
                TaskLog(project_id=parent.project_id, kind=kind, memory=memory, parent=parent, message="Waiting")
                for memory in memories
            ]
        )
        tasks = list(TaskLog.objects.filter(pk__in=[task.pk for task in made]).order_by("id"))
        events.record_many(tasks)
    return tasks


# --- one attempt


def claim(task_id: UUID | str, worker: str) -> TaskLog | None:
    """Makes the pending task this worker's; None when it is not there to be had."""
    called_off = TaskLog.objects.filter(pk=OuterRef("parent_id"), status=Status.CANCELLED)
    due = Q(run_after=None) | Q(run_after__lte=Now())
    return _change(
        TaskLog.objects.filter(due, ~Exists(called_off), pk=task_id, status=Status.PENDING),
        task_id,
        status=Status.PROCESSING,
        attempt=F("attempt") + 1,
        lease_until=Now() + LEASE,
        started_at=Coalesce("started_at", Now()),
        run_after=None,
        rung_at=None,
        worker=worker,
        eta_seconds=None,
        progress=0,
        stage="",
        message="Started",
    )


def advance(task: TaskLog, **changes: Any) -> TaskLog:
    """Writes progress, stage, message, done or total of a running attempt and renews its lease."""
    return _owned(_change(_wanted(task), task.pk, lease_until=Now() + LEASE, **changes), task)


def renew(task: TaskLog) -> None:
    """Keeps the lease, if it was not given back, for another 15 seconds; no event."""
    if not _attempt(task).filter(lease_until__isnull=False).update(lease_until=Now() + LEASE):
        raise LeaseLost(task.pk)


def hold(task: TaskLog) -> None:
    """Renews the lease; in a transaction nobody takes the task from this attempt before the commit.

    TaskCancelled or LeaseLost when the attempt is to end or has ended.
    """
    if not _wanted(task).filter(lease_until__isnull=False).update(lease_until=Now() + LEASE):
        raise TaskCancelled if cancel_requested(task) else LeaseLost(task.pk)


def cancel_requested(task: TaskLog) -> bool:
    """Whether a person asked for the end of this attempt; LeaseLost when it is no longer the owner."""
    row = _attempt(task).values_list("cancel_requested_at").first()
    if row is None:
        raise LeaseLost(task.pk)
    return row[0] is not None


def take_lane(task: TaskLog) -> bool:
    """Makes this attempt the project's one graph writer; False while another task is."""
    try:
        with transaction.atomic():
            if not _attempt(task).update(lane=GRAPH_LANE, lease_until=Now() + LEASE):
                raise LeaseLost(task.pk)
    except IntegrityError:
        return False
    return True


def complete(
    task: TaskLog,
    result: dict[str, Any],
    effects: Callable[[], None],
    message: str,
    *,
    cost: Cost = NO_COST,
    saved: tuple[str, int, str] | None = None,
) -> TaskLog:
    """Ends the attempt and publishes its effects in one transaction; neither happens without the other.

    `saved`, a stage with its percent and message, has an event of its own between the effects and the end.
    TaskCancelled when a person was first: what was edited or deleted meanwhile must not be published.
    """
    ended = {"status": Status.COMPLETED, "progress": 100, "message": message, "result": result}
    if saved is None:
        return _owned(_terminal(_wanted(task), task.pk, lambda row: effects(), **ended, **cost), task)
    with transaction.atomic():
        hold(task)  # the row first, then what the effects write: everybody locks them in this order
        effects()
        stage, percent, words = saved
        advance(task, stage=stage, progress=percent, message=words, done=None, total=None, eta_seconds=None)
        return _owned(_terminal(_wanted(task), task.pk, None, **ended, **cost), task)


def fail(task: TaskLog, error: str, *, retryable: bool, traceback: str = "", cost: Cost = NO_COST) -> TaskLog:
    ended = {"status": Status.FAILED, "error": error, "retryable": retryable, "traceback": traceback}
    return _owned(_terminal(_attempt(task), task.pk, None, **ended, **cost), task)


def cancel(task: TaskLog, cost: Cost = NO_COST) -> TaskLog:
    ended = {"status": Status.CANCELLED, "message": "Cancelled"}
    return _owned(_terminal(_attempt(task), task.pk, None, **ended, **cost), task)


def put_back(task: TaskLog, delay: float, message: str, *, failed: bool, traceback: str = "") -> TaskLog:
    """Returns the attempt to pending, to run again at once or after `delay` seconds; `failed` counts it as a retry."""
    changed = _change(
        _wanted(task),
        task.pk,
        status=Status.PENDING,
        lane="",
        lease_until=None,
        eta_seconds=None,
        run_after=Now() + timedelta(seconds=delay) if delay else None,
        retries=F("retries") + int(failed),
        message=message,
        traceback=traceback,
    )
    return _owned(changed, task)


def _attempt(task: TaskLog) -> QuerySet[TaskLog]:
    """The fence: the row while this attempt runs. A lease that ran out ends it before another attempt begins."""
    return TaskLog.objects.filter(pk=task.pk, attempt=task.attempt, status=Status.PROCESSING)


def _wanted(task: TaskLog) -> QuerySet[TaskLog]:
    """The same while nobody has asked for its end."""
    return _attempt(task).filter(cancel_requested_at=None)


def _owned(changed: TaskLog | None, task: TaskLog) -> TaskLog:
    """The changed row; TaskCancelled or LeaseLost says why there is none."""
    if changed is not None:
        return changed
    raise TaskCancelled if cancel_requested(task) else LeaseLost(task.pk)


# --- from outside


def request_cancel(task: TaskLog) -> bool:
    """Cancels what no worker holds at once, asks a running attempt to stop; False when the task has ended."""
    idle = TaskLog.objects.filter(Q(status=Status.PENDING) | Q(status=Status.PROCESSING, lease_until=None), pk=task.pk)
    if _terminal(idle, task.pk, None, status=Status.CANCELLED, message="Cancelled"):
        return True
    running = TaskLog.objects.filter(pk=task.pk, status=Status.PROCESSING)
    return bool(running.update(cancel_requested_at=Coalesce("cancel_requested_at", Now())))


def ask_to_stop(tasks: QuerySet[TaskLog]) -> int:
    """Asks all running attempts among the tasks for their end with one statement; returns how many it asked."""
    running = tasks.filter(status=Status.PROCESSING, lease_until__isnull=False, cancel_requested_at=None)
    return running.update(cancel_requested_at=Now())


def cancel_waiting(tasks: QuerySet[TaskLog], limit: int = CANCEL_BATCH) -> int:
    """Cancels up to `limit` of the waiting ones among the tasks, all of one project, in one short transaction.

    Returns how many; 0 when none is left. 250 take SQLite's one writer about 30 ms of CPU.
    """
    waiting = tasks.filter(status=Status.PENDING).order_by()
    project = waiting.values_list("project_id", flat=True).first()
    if project is None:
        return 0
    with transaction.atomic():
        mine = TaskLog.objects.filter(pk__in=waiting.filter(project_id=project).values("pk")[:limit])
        held = mine.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
        ids = list(held.filter(status=Status.PENDING).values_list("pk", flat=True))
        rows = TaskLog.objects.filter(pk__in=ids)
        ended = {"finished_at": Now(), "run_after": None, "message": "Cancelled"}
        rows.update(status=Status.CANCELLED, event_seq=F("event_seq") + 1, changed_at=Now(), **ended)
        TaskCheckpoint.objects.filter(task__in=ids).delete()
        changed = list(rows.defer("payload").order_by("created_at", "id"))
        if changed:
            events.record_many(changed)
    for parent in {task.parent_id for task in changed if task.parent_id}:
        child_ended(parent)
    return len(changed)


def cancel_all_waiting(tasks: QuerySet[TaskLog], seconds: float) -> int:
    """Cancels the waiting ones among the tasks, batch by batch for about so long; returns how many it did."""
    until, cancelled = time.monotonic() + seconds, 0
    while time.monotonic() < until and (batch := cancel_waiting(tasks)):
        cancelled += batch
    return cancelled


def expire_lease(task: TaskLog) -> None:
    """Takes the task from an attempt whose lease ran out: its process died or was stopped."""
    rows = _attempt(task).filter(lease_until__lt=Now())
    deaths: dict[str, Any] = {"deaths": F("deaths") + 1, "lane": "", "lease_until": None, "eta_seconds": None}
    if task.cancel_requested_at is not None:
        _terminal(rows, task.pk, None, status=Status.CANCELLED, message="Cancelled", **deaths)
    elif task.deaths + 1 >= MAX_DEATHS:
        error = f"The worker died {MAX_DEATHS} times while it ran this task, so it is not tried again by itself."
        _terminal(rows, task.pk, None, status=Status.FAILED, error=error, retryable=True, **deaths)
    else:
        _change(rows, task.pk, status=Status.PENDING, message="Waiting: its worker stopped answering", **deaths)


def expired_leases() -> list[TaskLog]:
    rows = TaskLog.objects.filter(status=Status.PROCESSING, lease_until__lt=Now())
    return list(rows.defer("payload").order_by("lease_until")[:100])


# --- a parent and its children


def wait_for_children(task: TaskLog, total: int) -> TaskLog:
    """The parent's own work is done: it gives back its lease and stays processing until its children have ended."""
    changed = _change(
        _wanted(task),
        task.pk,
        stage=WAITING_STAGE,
        message=f"0 of {total} memories",
        done=0,
        total=total,
        lease_until=None,
        worker="",
    )
    return _owned(changed, task)


def child_ended(parent_id: UUID) -> None:
    """Refreshes the parent at most every quarter of a second, and with its last child at once.

    Counting all children at each one's end would take time that grows with the square of their number.
    """
    active = TaskLog.objects.filter(parent=OuterRef("pk"), status__in=[Status.PENDING, Status.PROCESSING])
    if _waiting_parents().filter(Q(changed_at__lt=Now() - REFRESH) | ~Exists(active), pk=parent_id).exists():
        refresh_parent(parent_id)


def refresh_parent(parent_id: UUID) -> TaskLog | None:
    """Brings a waiting parent's counters up to its children; completes it when all have ended."""
    seconds = ExpressionWrapper(Now() - F("started_at"), output_field=DurationField())
    parent = _waiting_parents().filter(pk=parent_id).annotate(age=seconds).defer("payload").first()
    if parent is None or parent.total is None:
        return None
    counts = dict(parent.children.order_by().values_list("status").annotate(Count("pk")))
    completed = counts.get(Status.COMPLETED, 0)
    failed = counts.get(Status.FAILED, 0) + counts.get(Status.CANCELLED, 0)
    done, total = completed + failed, parent.total
    rows = _attempt(parent).filter(lease_until=None)
    message = f"{done} of {total} memories"
    if done >= total:
        result = {"completed": completed, "failed": failed}
        return _terminal(
            rows, parent.pk, None, status=Status.COMPLETED, progress=100, done=total, message=message, result=result
        )
    eta = round(parent.age.total_seconds() * (total - done) / done, 1) if done else None
    changes = {"done": done, "progress": 99 * done // total, "message": message, "eta_seconds": eta}
    return _change(rows.filter(done__lt=done), parent.pk, **changes)


def waiting_parents() -> list[UUID]:
    return list(_waiting_parents().values_list("pk", flat=True))


def _waiting_parents() -> QuerySet[TaskLog]:
    return TaskLog.objects.filter(status=Status.PROCESSING, lease_until=None, total__isnull=False)


def called_off() -> list[TaskLog]:
    """Cancelled parents with children that wait still."""
    waiting = TaskLog.objects.filter(status=Status.PENDING, parent__isnull=False)
    parents = list(waiting.order_by().values_list("parent_id", flat=True).distinct())
    return list(TaskLog.objects.filter(pk__in=parents, status=Status.CANCELLED).defer("payload"))


# --- the two ways to write


def _change(
    rows: QuerySet[TaskLog],
    task_id: UUID | str,
    then: Callable[[TaskLog], None] | None = None,
    **changes: Any,
) -> TaskLog | None:
    """UPDATE, then `then`, then the event; None, and nothing written, when no row matched."""
    with transaction.atomic():
        if not rows.update(event_seq=F("event_seq") + 1, changed_at=Now(), **changes):
            return None
        task = TaskLog.objects.defer("payload").get(pk=task_id)  # an import's one has megabytes
        if then is not None:
            then(task)
        events.record(task)
    return task


def _date_anew(task: TaskLog) -> None:
    """Publishing took a while: the end is dated when it is done, which is close to its commit."""
    TaskLog.objects.filter(pk=task.pk).update(changed_at=Now(), finished_at=Now())
    task.refresh_from_db(fields=["changed_at", "finished_at"])


def _terminal(
    rows: QuerySet[TaskLog], task_id: UUID | str, then: Callable[[TaskLog], None] | None, **changes: Any
) -> TaskLog | None:
    ended: dict[str, Any] = {"lane": "", "lease_until": None, "run_after": None, "eta_seconds": None}
    ended |= {"finished_at": Now(), **changes}

    def last(row: TaskLog) -> None:
        if then is not None:
            then(row)
            _date_anew(row)
        checkpoints.drop(row)

    task = _change(rows, task_id, last, **ended)
    if task is not None and task.parent_id is not None:
        parent_id = task.parent_id
        transaction.on_commit(lambda: child_ended(parent_id), robust=True)
    return task
