"""`manage.py up [--demo]`: everything on one machine."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from memstack import demo, launcher
from memstack.preflight import Refused


class Command(BaseCommand):
    help = "Runs MemStack in the foreground: web server, worker, dispatcher and, without REDIS_URL, a broker."
    requires_system_checks = []  # the launcher runs those of MemStack and says them as sentences

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="fills an empty MemStack with an example")

    def handle(self, *args: Any, **options: Any) -> None:
        os.umask(0o077)  # what MemStack writes is for its own user
        log_to_file()
        on_ready = demo.Demo(self.say).start if options["demo"] else lambda _url: None
        try:
            launcher.up(self.say, on_ready=on_ready)
        except Refused as error:
            self.stderr.write(str(error))
            sys.exit(1)

    def say(self, line: str) -> None:
        """One line for the person at the terminal, at once; a terminal that has gone away is no reason to stop."""
        with suppress(OSError, ValueError):
            self.stdout.write(line)
            self.stdout.flush()


def log_to_file() -> None:
    """The supervisor's own log lines go to a file; the terminal is for people."""
    folder = settings.MEMSTACK_DATA_DIR / "logs"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        handler = logging.FileHandler(folder / "up.log")
    except OSError:  # the preflight says it in a sentence
        return
    handler.setFormatter(logging.Formatter("{asctime} {levelname} {name} {message}", style="{"))
    logging.getLogger().handlers[:] = [handler]
