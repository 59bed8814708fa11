"""`manage.py create_api_key --user NAME [--name LABEL]`: prints a new key, alone, on standard output."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from memories import keys


class Command(BaseCommand):
    help = "Makes an API key and prints it; it is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True, help="the user the key acts for")
        parser.add_argument("--name", default="command line", help="what the key is for")

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user_model().objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']!r}; make one with `manage.py createsuperuser`.")
        if not user.is_active:
            raise CommandError(f"The user {options['user']!r} is not active, so a key would open nothing.")
        _, key = keys.issue(user, options["name"])
        self.stdout.write(key)
