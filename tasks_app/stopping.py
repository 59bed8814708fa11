"""Whether this worker was asked to stop: the attempts in its pool then give their tasks back.

Celery tells its pool's children nothing of a warm shutdown but to take no more tasks. The parent and the children that
it forks share one byte, which the parent sets when the signal comes. (Where a pool spawns its children instead, as on
macOS, they do not have it; a task that is cut off there waits for its lease.)

Some process managers signal every process of the group. A child that works then gives its task back and ends after it.
"""

from __future__ import annotations

import mmap
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_worker_stops = mmap.mmap(-1, 1)
_child_stops = False


def ask() -> None:
    """Asks all attempts of this worker to give their tasks back; it takes no others from now on."""
    _worker_stops[0] = 1


def asked() -> bool:
    return _child_stops or _worker_stops[0] == 1


def clear() -> None:
    """As if nobody had asked."""
    global _child_stops
    _worker_stops[0], _child_stops = 0, False


@contextmanager
def finished_first() -> Iterator[None]:
    """Around an attempt: SIGTERM asks it to stop, and ends this process after it; a second one ends it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)

    def end() -> None:
        signal.signal(signal.SIGTERM, before)
        os.kill(os.getpid(), signal.SIGTERM)

    def ask_this_one(number: int, frame: FrameType | None) -> None:
        global _child_stops  # noqa: PLW0603 - one answer for the process
        if _child_stops:
            end()
        _child_stops = True

    signal.signal(signal.SIGTERM, ask_this_one)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if _child_stops:
            end()
