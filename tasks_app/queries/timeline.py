"""The stages that a task went through, from its events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tasks_app.models import TERMINAL, Status, TaskEvent, TaskLog


@dataclass(slots=True)
class Step:
    """A stage of one attempt. `seconds` is None while it lasts; `state` is a task status, of the stage."""

    attempt: int
    stage: str
    message: str
    percent: int
    started_at: datetime
    seconds: float | None
    done: int | None
    total: int | None
    state: str
    error: str


def timeline(task: TaskLog) -> list[Step]:
    """The stages that the task went through, in order, from its events; the last of a completed task is its end."""
    steps: list[Step] = []
    for event in TaskEvent.objects.filter(task=task).order_by("seq").iterator(500):  # an hour has tens of thousands
        if not _continues(steps, event):
            _close(steps, event.at, Status.COMPLETED)
            steps.append(_step(event))
        _update(steps[-1], event)
    return steps


def _step(event: TaskEvent) -> Step:
    data: dict[str, Any] = event.data
    stage = data["status"] if data["status"] in (Status.PENDING, Status.COMPLETED) else data["stage"]
    return Step(
        attempt=data["attempt"],
        stage=stage,
        message=data["message"],
        percent=data["progress"],
        started_at=event.at,
        seconds=None,
        done=None,
        total=None,
        state=data["status"],
        error="",
    )


def _continues(steps: list[Step], event: TaskEvent) -> bool:
    """Whether the event belongs to the last step: the same stage, or the failure or cancelling that ended it."""
    if not steps:
        return False
    last, data = steps[-1], event.data
    if data["status"] in (Status.FAILED, Status.CANCELLED):
        return True
    return bool(data["status"] == last.state and data["attempt"] == last.attempt and _step(event).stage == last.stage)


def _update(step: Step, event: TaskEvent) -> None:
    data: dict[str, Any] = event.data
    step.percent, step.done, step.total, step.state = data["progress"], data["done"], data["total"], data["status"]
    if data["status"] in TERMINAL:
        step.seconds = _seconds(step, event.at)
        step.error = data["error"] or ""
    else:
        step.message = data["message"]


def _close(steps: list[Step], at: datetime, state: str) -> None:
    if steps and steps[-1].seconds is None:
        steps[-1].seconds, steps[-1].state = _seconds(steps[-1], at), state


def _seconds(step: Step, end: datetime) -> float:
    return round((end - step.started_at).total_seconds(), 3)
