"""What happens when the process is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def on_exit(call: Callable[[], None]) -> Iterator[None]:
    """Calls `call` on the event loop at SIGINT or SIGTERM, before what the server does at them.

    Servers first wait for open answers and only then send the lifespan's shutdown; a stream would keep them waiting.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(call)
        following = before[signal.Signals(number)]
        if callable(following):
            following(number, frame)

    for number, following in before.items():
        if callable(following):
            signal.signal(number, handle)
    try:
        yield
    finally:
        for number, following in before.items():
            if signal.getsignal(number) is handle:
                signal.signal(number, following)
