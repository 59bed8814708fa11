"""`manage.py retry_task <id>`: does the work of a failed or cancelled task again, as a new one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tasks_app import services
from tasks_app.management.by_id import act


class Command(BaseCommand):
    help = "Makes a new task that does the work of a failed or cancelled one again, and prints its id."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("task", help="the task's id")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(str(act(options["task"], services.retry).pk))
