"""`manage.py cancel_task <id>`: ends a task that waits, asks one that runs to stop."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tasks_app import services
from tasks_app.management.by_id import act
from tasks_app.models import Status


class Command(BaseCommand):
    help = "Cancels a task; an import takes the tasks of its memories along."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("task", help="the task's id")

    def handle(self, *args: Any, **options: Any) -> None:
        task = act(options["task"], services.cancel)
        ended = task.status == Status.CANCELLED
        self.stdout.write("Cancelled." if ended else "Asked to stop; it ends within seconds.")
