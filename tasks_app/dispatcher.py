"""The dispatcher: what nobody else would notice. Several may run, each step is safe to do twice.

It expires leases, rings for waiting rows in turn over the projects with a bounded number of messages out, and brings
waiting parents up to their children.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import chain, zip_longest
from uuid import UUID

from django.db import close_old_connections, connection
from django.db.models import Count, Q
from django.db.models.functions import Now

from memories.search.sweeping import Sweeper
from tasks_app import bookkeeping, doorbell, pruning, transitions
from tasks_app.kinds import QUEUES
from tasks_app.models import Status, TaskLog, WorkerHeartbeat
from tasks_app.presence import Presence

logger = logging.getLogger(__name__)
TICK_SECONDS = 0.5
MESSAGES_OUT = 32
CANCEL_SECONDS = 0.5
LOST_AFTER = timedelta(seconds=1)
FORGOTTEN_AFTER = timedelta(seconds=60)
housekeeper = pruning.Housekeeper()
sweeper = Sweeper()


def run(stopped: Callable[[float], bool]) -> None:
    """Ticks until `stopped(seconds)`, which also waits between the ticks, returns True."""
    presence = Presence(
        f"dispatcher@{socket.gethostname()}:{os.getpid()}", WorkerHeartbeat.Kind.DISPATCHER, {"tick": TICK_SECONDS}
    )
    presence.start()
    try:
        while not stopped(TICK_SECONDS):
            _guarded_tick()
    finally:
        presence.stop()


def _guarded_tick() -> None:
    close_old_connections()
    try:
        tick()
    except Exception:
        logger.exception("The dispatcher could not do its round; it tries again")
        connection.close()
        time.sleep(1)


def tick() -> None:
    """One round."""
    for task in transitions.expired_leases():
        logger.warning("No sign of life from attempt %s of task %s, it is taken back", task.attempt, task.pk)
        transitions.expire_lease(task)
    for parent in transitions.called_off():
        transitions.cancel_all_waiting(parent.children.all(), CANCEL_SECONDS)
    for parent_id in transitions.waiting_parents():
        transitions.refresh_parent(parent_id)
    for queue in sorted(set(QUEUES.values())):
        top_up(queue)
    bookkeeping.keep_books()
    housekeeper.turn()
    sweeper.turn()


def top_up(queue: str) -> int:
    """Sends messages for waiting rows until the queue holds enough of them; returns how many."""
    waiting = doorbell.queued(queue)
    per_project = doorbell.most_out(queue)
    most = max(MESSAGES_OUT, per_project)
    if waiting is None or waiting >= most:
        return 0
    kinds = [kind for kind, name in QUEUES.items() if name == queue]
    chosen = _in_turn(_due(kinds, per_project, queue_is_empty=waiting == 0), most - waiting)
    TaskLog.objects.filter(pk__in=[task_id for _, task_id in chosen], status=Status.PENDING).update(rung_at=Now())
    if not chosen or not doorbell.ring(chosen):
        return 0
    return len(chosen)


def _due(kinds: Iterable[str], per_project: int, *, queue_is_empty: bool) -> dict[UUID, list[tuple[str, UUID]]]:
    """Waiting rows that no message is out for, the oldest of each project, so many that `per_project` are out then.

    An empty queue means that the messages of rows that still wait were lost (or are in a worker's hand this moment).
    """
    patience = LOST_AFTER if queue_is_empty else FORGOTTEN_AFTER
    unrung = Q(rung_at=None) | Q(rung_at__lt=Now() - patience)
    due = Q(run_after=None) | Q(run_after__lte=Now())
    waiting = TaskLog.objects.filter(due, status=Status.PENDING, kind__in=list(kinds))
    rung = Count("pk", filter=Q(rung_at__gte=Now() - patience))
    found: dict[UUID, list[tuple[str, UUID]]] = defaultdict(list)
    for project_id, out in waiting.order_by().values_list("project_id").annotate(rung=rung):
        rows = waiting.filter(unrung, project_id=project_id).order_by("created_at", "id").values_list("kind", "pk")
        found[project_id] = list(rows[: max(per_project - out, 0)])
    return found


def _in_turn(per_project: dict[UUID, list[tuple[str, UUID]]], limit: int) -> list[tuple[str, UUID]]:
    """One of each project, then the second of each, and so on."""
    turns = chain.from_iterable(zip_longest(*per_project.values()))
    return [task for task in turns if task is not None][:limit]
