"""Runs the child process: reads what it says, looks for a stop meanwhile, and leaves nothing of it behind."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from memories.engine.documents.errors import UnreadableDocument
from memories.engine.errors import EngineError

ROOT = Path(__file__).resolve().parents[3]
CHILD = "memories.engine.speech.child"
POLL_SECONDS = 0.1
SILENT_SECONDS = 600.0  # a window of two minutes takes twelve on a usual core
# It needs nothing of the product's own, least of all its passwords; what it loads may not look for anything in the net.
# A heap for each of its threads would keep what each once needed.
ENVIRONMENT = {"LANG": "C.UTF-8", "HF_HUB_OFFLINE": "1", "MALLOC_ARENA_MAX": "1"}
FILE_AT_FAULT = (signal.SIGXCPU, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE)
GIVEN_UP = (
    "Reading this recording took too long or went wrong, so it was given up. It may be damaged; save it in another "
    "format and add it again."
)


class ReadingFailed(EngineError):
    """The process that reads recordings ended without an answer."""

    code = "recording_failed"
    permanent = False


def messages(order: Mapping[str, Any], stop: Callable[[], None]) -> Iterator[list[Any]]:
    """What the child says, line by line. `stop` is called every 0.1 s; what it raises ends the child at once.

    Raises UnreadableDocument when the file is at fault, ReadingFailed when something else is.
    """
    child = _start(order)
    try:
        yield from _answers(child, stop)
        _look_at_the_end(child.wait())
    finally:
        _end(child)


def _start(order: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    """In a session of its own: Ctrl-C in a terminal is the parent's affair. Its pipe ends with the parent."""
    child = subprocess.Popen(  # noqa: S603 -- our own interpreter and module
        [sys.executable, "-E", "-s", "-B", "-m", CHILD, str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    if child.stdin is None:
        raise RuntimeError("the process that reads recordings has no pipe")
    with contextlib.suppress(BrokenPipeError):  # it has ended already, which is seen below
        child.stdin.write(json.dumps(order).encode() + b"\n")
        child.stdin.flush()
    return child


def _answers(child: subprocess.Popen[bytes], stop: Callable[[], None]) -> Iterator[list[Any]]:
    if child.stdout is None:
        raise RuntimeError("the process that reads recordings has no pipe")
    descriptor, rest, last = child.stdout.fileno(), b"", time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            stop()
            if not selector.select(POLL_SECONDS):
                if time.monotonic() - last > SILENT_SECONDS:
                    raise ReadingFailed("Reading the recording came to a halt and was ended. Try it again.")
                continue
            data, last = os.read(descriptor, 1 << 16), time.monotonic()
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            yield from map(_checked, lines)


def _checked(line: bytes) -> list[Any]:
    message: list[Any] = json.loads(line)
    if message[0] == "unreadable":
        raise UnreadableDocument(message[1])
    if message[0] == "no_memory":
        raise ReadingFailed("Reading the recording took more memory than it may. Try it again, or split it.")
    if message[0] == "broken":
        raise _failed(message[1])
    return message


def _failed(why: str) -> ReadingFailed:
    """For the person a sentence; what happened is with the traceback that operators see."""
    error = ReadingFailed("Reading the recording ended unexpectedly. Try it again.")
    error.add_note(why)
    return error


def _look_at_the_end(code: int) -> None:
    if -code in FILE_AT_FAULT:
        raise UnreadableDocument(GIVEN_UP)
    if code:
        raise _failed(f"its exit status is {code}")


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    for pipe in (child.stdin, child.stdout):
        with contextlib.suppress(BrokenPipeError):
            if pipe:
                pipe.close()
    child.wait()
