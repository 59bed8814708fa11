"""Runs one attempt of one task: claim, heartbeat, work, one end."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection

from memories.engine.errors import EngineError, Unavailable
from memories.graph.versions import StaleGraph
from memstack import logs
from tasks_app import doorbell, stopping, transitions
from tasks_app.cost import CostMeter
from tasks_app.models import TaskLog
from tasks_app.pace import Pace
from tasks_app.transitions import LeaseLost, TaskCancelled

logger = logging.getLogger(__name__)
CANCEL_SECONDS = 0.5
RENEW_SECONDS = 5.0
EVENT_SECONDS = 0.1
LANE_SECONDS = 5.0
LANE_POLL_SECONDS = 0.02
STALE_TRIES = 20
BACK_OFF_SECONDS = (2, 5, 15, 45, 120)
HAND_OVER_SECONDS = 3.0
AWAY_BACK_OFF_SECONDS = (2, 5)  # a page that fails for longer is the person's to decide about
AWAY_PATIENCE = 30.0  # seconds of an attempt that is worth no other one
LONGEST_WAIT = 3600.0
MESSAGE_LENGTH = 300
STOPPED = "Waiting: its worker was stopped"


class LaneBusy(Exception):
    """Another task keeps writing the project's graph; this one goes back to the queue."""


class WorkerStops(Exception):
    """The worker was asked to stop; the task goes back to the queue with what it has kept."""


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Outcome:
    """What a pipeline ends with: its result, and the effects that are published with the completion.

    `saved` is the stage (name, percent, message) that is told of, in the same transaction, when they are written.
    `again` makes the outcome anew when the graph has changed since it was read.
    """

    result: dict[str, Any]
    message: str
    effects: Callable[[], None] = _nothing
    again: Callable[[], Outcome] | None = None
    saved: tuple[str, int, str] | None = None


class Heartbeat:
    """Renews the lease and reads the cancel flag on a connection of its own, as long as the attempt lives.

    When the worker is to stop and the attempt reaches no checkpoint for three seconds, it gives the task back itself.
    """

    def __init__(self, task: TaskLog) -> None:
        self._task = task
        self._stop = threading.Event()
        self.cancelled = False
        self.lost = False
        self._asked_at: float | None = None
        self._thread = threading.Thread(
            target=copy_context().run, args=[self._beat], daemon=True, name=f"heartbeat-{task.pk}"
        )

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        renewed = time.monotonic()
        try:
            while not self._stop.wait(CANCEL_SECONDS):
                renewed = self._tick(renewed)
        finally:
            connection.close()

    def _tick(self, renewed: float) -> float:
        try:
            self.cancelled = transitions.cancel_requested(self._task)
            self._hand_over_when_stopped()
            if time.monotonic() - renewed >= RENEW_SECONDS:
                transitions.renew(self._task)
                return time.monotonic()
        except LeaseLost:
            self.lost = True
            self._stop.set()
        except Exception:
            logger.exception("Heartbeat of task %s failed; trying again", self._task.pk)
            connection.close()
        return renewed

    def _hand_over_when_stopped(self) -> None:
        if not stopping.asked():
            return
        self._asked_at = self._asked_at or time.monotonic()
        if time.monotonic() - self._asked_at >= HAND_OVER_SECONDS and not self.cancelled:
            transitions.put_back(self._task, 0, STOPPED, failed=False)
            raise LeaseLost(self._task.pk)


class Progress:
    """What a pipeline reports through, and where it may be stopped."""

    def __init__(self, task: TaskLog, heartbeat: Heartbeat, meter: CostMeter | None = None) -> None:
        self.task = task
        self.meter = meter or CostMeter()
        self.pace = Pace(task.kind)
        self._heartbeat = heartbeat
        self._sent = 0.0
        self._scale = (0.0, 1.0)

    def weigh(self, units: int) -> None:
        """Says how much work the task is, in units that its stages take time by; the ETA is told from then on."""
        self.pace.weigh(units)

    @contextmanager
    def within(self, begins: int, ends: int, low: int, high: int) -> Iterator[None]:
        """Inside, the percentages begins..ends that stages tell are low..high of the whole."""
        before = self._scale
        factor = (high - low) / (ends - begins)
        self._scale = (low - begins * factor, factor)
        try:
            yield
        finally:
            self._scale = before

    def _percent(self, told: float) -> int:
        offset, factor = self._scale
        return int(round(offset + told * factor, 6))

    def stage(self, stage: str, percent: int, message: str, total: int | None = None, done: int = 0) -> None:
        """Begins a stage; always sent. `total` starts a counter at `done`."""
        self.checkpoint()
        counter = None if total is None else done
        self.pace.enter(stage, counter, total)
        eta = self.pace.eta(counter, total)
        message, percent = message[:MESSAGE_LENGTH], self._percent(percent)
        self._send(stage=stage, progress=percent, message=message, done=counter, total=total, eta_seconds=eta)

    def say(self, message: str) -> None:
        """Another message within the stage; always sent."""
        self.checkpoint()
        self._send(message=message[:MESSAGE_LENGTH])

    def count(self, done: int, total: int | None, *, low: float, high: float) -> None:
        """Moves the counter of a stage and its share of the percentages low..high; at most ten events a second.

        Where nobody knows the total, the counter alone moves.
        """
        self.checkpoint()
        if time.monotonic() - self._sent < EVENT_SECONDS:
            return
        total = None if total is not None and done > total else total
        percent = self._percent(low + (high - low) * done / max(total, 1)) if total is not None else 0
        eta = self.pace.eta(done, total) if total is not None else None
        self._send(progress=max(percent, self.task.progress), done=done, total=total, eta_seconds=eta)

    def save_count(self, done: int) -> None:
        """Writes the counter whatever the rate, in the caller's transaction; fails when the lease is lost."""
        self._send(done=done, eta_seconds=self.pace.eta(done, self.task.total))

    def hold(self) -> None:
        """Keeps the task for this attempt until the caller's transaction ends; raises as `checkpoint` does."""
        transitions.hold(self.task)

    def checkpoint(self) -> None:
        """Raises when the attempt was cancelled, has lost its lease, or its worker is to stop."""
        if self._heartbeat.lost:
            raise LeaseLost(self.task.pk)
        if self._heartbeat.cancelled:
            raise TaskCancelled
        if stopping.asked():
            raise WorkerStops

    def take_graph_lane(self) -> None:
        """Waits until this task is the project's one graph writer; every end of the attempt leaves the lane."""
        until = time.monotonic() + LANE_SECONDS
        while not transitions.take_lane(self.task):
            self.checkpoint()
            if time.monotonic() > until:
                raise LaneBusy
            time.sleep(LANE_POLL_SECONDS)

    def _send(self, **changes: Any) -> None:
        self.task = transitions.advance(self.task, **changes)
        self._sent = time.monotonic()


Pipeline = Callable[[Progress], Outcome | None]


def run(task_id: UUID | str, pipeline: Pipeline, worker: str) -> None:
    """Claims the row and runs the pipeline on it; does nothing when the row is not there to be had."""
    if stopping.asked():
        return
    with stopping.finished_first():
        _run(task_id, pipeline, worker)


def _run(task_id: UUID | str, pipeline: Pipeline, worker: str) -> None:
    task = transitions.claim(task_id, worker)
    if task is None:
        return
    meter = CostMeter()
    with logs.task(task.pk, task.kind, task.attempt), Heartbeat(task) as heartbeat:
        try:
            _attempt(task, pipeline, Progress(task, heartbeat, meter), meter)
        except LeaseLost:
            logger.warning("Task %s: attempt %s lost its lease and stops", task.pk, task.attempt)
    with contextlib.suppress(Exception):  # the dispatcher rings as well
        doorbell.ring_next(task.project_id)


def _attempt(task: TaskLog, pipeline: Pipeline, progress: Progress, meter: CostMeter) -> None:
    try:
        _work(task, pipeline, progress, meter)
    except TaskCancelled:
        transitions.cancel(task, cost=meter.spent())


def _work(task: TaskLog, pipeline: Pipeline, progress: Progress, meter: CostMeter) -> None:
    try:
        outcome = pipeline(progress)
        if outcome is not None:  # None: a parent that waits for its children
            _complete(task, outcome, progress, meter)
            with contextlib.suppress(DatabaseError):  # history is worth no failure
                progress.pace.learn()
    except (LeaseLost, TaskCancelled):
        raise
    except WorkerStops:
        transitions.put_back(task, 0, STOPPED, failed=False)
    except MemoryError:  # such a process can promise nothing, not even an answer to its parent, which would wait for it
        os._exit(os.EX_OSERR)
    except LaneBusy:
        transitions.put_back(task, 0.5, "Waiting for the graph", failed=False)
    except Unavailable as error:
        _unavailable(task, error, meter)
    except EngineError as error:
        transitions.fail(task, str(error), retryable=not error.permanent, cost=meter.spent())
    except Exception as error:
        logger.exception("Task %s (%s) failed in attempt %s", task.pk, task.kind, task.attempt)
        _unexpected(task, error, meter)


def _complete(task: TaskLog, outcome: Outcome, progress: Progress, meter: CostMeter) -> None:
    """Publishes the effects; pages may change the graph without the lane, then the outcome is made again."""
    for _ in range(STALE_TRIES):
        progress.checkpoint()
        try:
            transitions.complete(
                task,
                outcome.result,
                outcome.effects,
                message=outcome.message,
                cost=meter.spent(),
                saved=outcome.saved,
            )
        except StaleGraph:
            if outcome.again is None:
                raise
            outcome = outcome.again()
        else:
            return
    raise LaneBusy


def _unavailable(task: TaskLog, error: Unavailable, meter: CostMeter) -> None:
    """Another try when they said when, or soon; `failed` after a few, or where an attempt takes long."""
    wait = error.retry_after
    if wait is None and task.retries < len(AWAY_BACK_OFF_SECONDS) and meter.seconds() < AWAY_PATIENCE:
        wait = AWAY_BACK_OFF_SECONDS[task.retries] * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, no secret
    if wait is None or wait > LONGEST_WAIT or task.retries >= transitions.MAX_RETRIES:
        transitions.fail(task, str(error), retryable=True, cost=meter.spent())
        return
    message = f"Trying again in {wait:.0f} s. {error}"[:MESSAGE_LENGTH]
    transitions.put_back(task, max(wait, 0.1), message, failed=True)


def _unexpected(task: TaskLog, error: Exception, meter: CostMeter) -> None:
    """Another try after a while; after the last one the user reads a plain sentence, the operator the traceback."""
    details = traceback.format_exc()
    if task.retries >= transitions.MAX_RETRIES:
        sentence = (
            f"An unexpected error ({type(error).__name__}) came back after {task.retries} retries. "
            "What was saved is kept; the operator finds the details in the task."
        )
        transitions.fail(task, sentence, retryable=True, traceback=details, cost=meter.spent())
        return
    delay = BACK_OFF_SECONDS[task.retries] * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, no secret
    transitions.put_back(task, delay, "Waiting to try again after an error", failed=True, traceback=details)
