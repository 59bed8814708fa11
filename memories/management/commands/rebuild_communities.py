"""`manage.py rebuild_communities <project>`: asks for new communities and follows the task."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from memories import services
from memories.management.projects import find_project, follow


class Command(BaseCommand):
    help = "Groups a project's entities anew; follows the task unless --no-wait."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="the project's id, or its name")
        parser.add_argument("--no-wait", action="store_true", help="print the task's id and return")

    def handle(self, *args: Any, **options: Any) -> None:
        task = services.request_rebuild(find_project(options["project"]))
        follow(self, task, wait=not options["no_wait"])
