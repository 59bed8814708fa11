"""`manage.py manage_migrations status|apply|check|create|rollback`."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from memstack.migrating import applying, comparing, report, rollback
from memstack.migrating.errors import Exit, Trouble

logger = logging.getLogger("memstack.migrating")
WRITING = {"apply", "create", "rollback"}


class Command(BaseCommand):
    help = "Brings the database's tables up to date, tells where they stand, checks them, and goes back."
    requires_system_checks = []  # every start runs it, and it tells of a wrong database itself

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="status|apply|check|create|rollback")
        status = actions.add_parser("status", help="what is applied, when, by whom, and what is pending")
        status.add_argument("--json", action="store_true", help="for programs")
        apply = actions.add_parser("apply", help="applies what is pending, or up to one app or migration")
        apply.add_argument("app", nargs="?")
        apply.add_argument("migration", nargs="?")
        actions.add_parser("check", help="compares the database with the models; exit status 1 when they differ")
        actions.add_parser("create", help="makes all tables in an empty database")
        back = actions.add_parser("rollback", help="undoes every migration of an app after the one named")
        back.add_argument("app")
        back.add_argument("migration", help="the one to go back to; `zero` undoes all of the app")
        back.add_argument("--yes", action="store_true", help="does not ask")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        if action in WRITING:
            log_to_file()
        try:
            getattr(self, f"do_{action}")(**options)
        except Trouble as trouble:
            if action in WRITING:
                logger.error("%s: %s", action, trouble)
            self.stderr.write(str(trouble))
            sys.exit(trouble.status)

    def do_status(self, **options: Any) -> None:
        status, reading = report.status()
        if options["json"]:
            self.stdout.write(json.dumps(status, indent=2))
        else:
            for line in report.lines(status):
                self.stdout.write(line)
        reading.refuse_newer()

    def do_apply(self, **options: Any) -> None:
        count = applying.apply(self.tell, app=options["app"], name=options["migration"])
        self.stdout.write(f"{count} migrations applied." if count else "Nothing to apply.")

    def do_check(self, **options: Any) -> None:
        found = comparing.check()
        for line in found:
            self.stdout.write(line)
        if found:
            sys.exit(Exit.DIFFERENCES)
        self.stdout.write("The database is as the models say.")

    def do_create(self, **options: Any) -> None:
        self.stdout.write(f"All tables made, by {applying.create(self.tell)} migrations.")

    def do_rollback(self, **options: Any) -> None:
        ask = (lambda: True) if options["yes"] else self.confirmed
        count = rollback.rollback(options["app"], options["migration"], self.tell, ask)
        self.stdout.write(f"{count} migrations undone." if count else "Nothing to undo.")

    def confirmed(self) -> bool:
        """Asks the person at the terminal; a program has to say --yes."""
        if not sys.stdin.isatty():
            raise Trouble(Exit.REFUSED, "Nothing was changed: without a terminal to ask at, say --yes.")
        return input("Type yes to do it: ").strip().lower() == "yes"

    def tell(self, line: str) -> None:
        logger.info("%s", line)
        self.stdout.write(line)
        self.stdout.flush()


def log_to_file() -> None:
    """What was done stays in a file; the terminal has it already."""
    folder = settings.MEMSTACK_DATA_DIR / "logs"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        handler = logging.FileHandler(folder / "migrations.log")
    except OSError:  # a folder that is read-only; the database may be elsewhere
        return
    handler.setFormatter(logging.Formatter("{asctime} {levelname} {name} {message}", style="{"))
    logger.handlers[:], logger.propagate = [handler], False
