"""What the commands share that act on one task."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.core.management.base import CommandError

from tasks_app import services
from tasks_app.models import TaskLog
from tasks_app.queries import HEAVY


def act(identifier: str, action: Callable[[TaskLog], TaskLog]) -> TaskLog:
    """The task that the action gives; CommandError when there is no such task, or its state forbids it."""
    try:
        task = TaskLog.objects.select_related("project", "memory").defer(*HEAVY).get(pk=UUID(identifier))
        return action(task)
    except (ValueError, TaskLog.DoesNotExist):
        raise CommandError(f"There is no task {identifier}.") from None
    except services.StateConflict as conflict:
        raise CommandError(str(conflict)) from None
