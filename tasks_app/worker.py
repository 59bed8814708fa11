"""What a Celery worker does at its start: load the parser before it forks, say that it is there."""

from __future__ import annotations

import gc
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from celery.signals import worker_init, worker_process_init, worker_ready, worker_shutting_down
from django.conf import settings
from django.db import connections

from memories.engine import embedding
from memories.engine.errors import EngineError
from memories.engine.extraction import load as load_parser
from tasks_app import stopping
from tasks_app.models import WorkerHeartbeat
from tasks_app.presence import Presence

logger = logging.getLogger(__name__)
NICENESS = 5
_presence: list[Presence] = []


@worker_init.connect
def before_fork(**_: Any) -> None:
    """The parser's pages are shared by all children when it is loaded before they are forked."""
    try:
        load_parser()
    except EngineError as error:
        logger.error("%s", error)
    gc.collect()
    gc.freeze()


@worker_process_init.connect
def after_fork(**_: Any) -> None:
    """ONNX sessions have threads, so each child makes its own; no child uses its parent's connections.

    On one machine people wait for the web process and nobody for a task's next millisecond, so the web goes first.
    """
    _stand_back()
    connections.close_all()
    try:
        embedding.embed(["warm"])
    except EngineError as error:
        logger.error("%s", error)


def _stand_back() -> None:
    os.nice(NICENESS)
    with suppress(OSError):  # where Linux groups processes by session, only this counts outside the session
        Path("/proc/self/autogroup").write_text(str(NICENESS))


@worker_ready.connect
def announce(sender: Any, **_: Any) -> None:
    queues = sorted(sender.task_consumer.queues, key=str) if sender.task_consumer else []
    slots = getattr(sender.pool, "limit", None) or settings.CELERY_WORKER_CONCURRENCY  # --concurrency may differ
    detail = {"slots": slots, "queues": [str(getattr(q, "name", q)) for q in queues]}
    presence = Presence(sender.hostname, WorkerHeartbeat.Kind.WORKER, detail)
    _presence.append(presence)
    presence.start()


@worker_shutting_down.connect
def retire(**_: Any) -> None:
    """Its tasks go back to the queue with what they have kept, and do not count as deaths."""
    stopping.ask()
    for presence in _presence:
        presence.stop()
