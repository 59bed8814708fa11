"""`manage.py dispatcher`: rings for waiting rows, expires leases, brings imports up to date."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from tasks_app import dispatcher


class Command(BaseCommand):
    help = "Runs the dispatcher until SIGINT or SIGTERM. Several may run at once."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        dispatcher.run(stop.wait)
