"""The worker of `bench.jobs`: MemStack's own, but for two pipelines that do nothing, and a bare Celery task.

`ingest_episode` ends at once, `import_memories` waits: for half a second, or as long as its payload says.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from celery import shared_task
from celery.signals import worker_init

from memstack import celery_app as app

if TYPE_CHECKING:
    from tasks_app.runner import Outcome, Progress

SECONDS = 0.5
__all__ = ["app"]


@worker_init.connect
def replace_pipelines(**_: Any) -> None:
    from memories.pipelines import import_memories, ingest_episode

    ingest_episode.run = empty
    import_memories.run = wait  # type: ignore[assignment]  # a pipeline may end with an outcome


def empty(progress: Progress) -> Outcome:
    from tasks_app.runner import Outcome

    return Outcome(result={}, message="Done")


def wait(progress: Progress) -> Outcome:
    from tasks_app.runner import Outcome

    until = time.monotonic() + (progress.task.payload.get("seconds") or SECONDS)
    while time.monotonic() < until:
        progress.checkpoint()
        time.sleep(0.01)
    return Outcome(result={}, message="Waited")


@shared_task(name="bench.bare")
def bare(number: str) -> None:
    """What Celery itself costs."""
