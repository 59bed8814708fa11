"""`manage.py prune_task_logs`: deletes tasks that ended long ago, and old events; the dispatcher does so every hour."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections import Counter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tasks_app import pruning


def whole_days(text: str) -> int:
    """From 1 to 36,500; a viewer of today must not lose what is happening now."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 36_500:
        raise ArgumentTypeError(f"{text!r} is not a whole number of days from 1 to 36500")
    return int(text)


class Command(BaseCommand):
    help = (
        "Deletes tasks that ended some days ago, events of that age, expired idempotency keys, unpublished passages, "
        "files that no memory has."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=whole_days, help="in the place of MEMSTACK_KEEP_TASKS_DAYS")
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")

    def handle(self, *args: Any, **options: Any) -> None:
        days: int = options["days"] or settings.MEMSTACK_KEEP_TASKS_DAYS
        if not days:
            raise CommandError("MEMSTACK_KEEP_TASKS_DAYS is 0, so nothing is pruned; give --days.")
        if options["dry_run"]:
            self.stdout.write(f"Would delete {pruning.in_words(pruning.count(days))}.")
            return
        gone: Counter[str] = Counter()
        for batch in pruning.prune(days):
            gone += batch
        self.stdout.write(f"Deleted {pruning.in_words(gone)}.")
