"""`manage.py watch_task <id>`: follows a task live in the terminal."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tasks_app.models import Status, TaskLog
from tasks_app.watch import watch


class Command(BaseCommand):
    help = "Follows a task until it ends; exit code 1 when it fails or is cancelled."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("task", help="the task's id")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            task = watch(UUID(options["task"]), self.stdout.write)
        except (ValueError, TaskLog.DoesNotExist):
            raise CommandError(f"There is no task {options['task']}.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped watching; the task goes on.", returncode=130) from None
        if task.status != Status.COMPLETED:
            raise CommandError(task.error or f"The task was {task.status}.")
