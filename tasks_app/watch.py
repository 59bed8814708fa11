"""Follows a task in the terminal, from its rows."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

from tasks_app.models import TaskEvent, TaskLog

POLL_SECONDS = 0.1


def watch(task_id: UUID | str, write: Callable[[str], None]) -> TaskLog:
    """Writes a line for each event of the task until its terminal one; returns the row then. TaskLog.DoesNotExist."""
    seen = 0
    while True:
        task = TaskLog.objects.defer("payload").get(pk=task_id)
        for event in TaskEvent.objects.filter(task=task, seq__gt=seen).order_by("seq"):
            seen = event.seq
            write(line(event.data))
        if task.is_terminal and seen >= task.event_seq:
            return task
        time.sleep(POLL_SECONDS)


def line(data: dict[str, object]) -> str:
    """One event as a line: percent, words, counter."""
    counter = f"  {data['done']} of {data['total']}" if data.get("total") else ""
    words = data.get("error") or data.get("message") or data["status"]
    return f"{data['progress']:>3} %  {data['status']:<10}  {words}{counter}"
