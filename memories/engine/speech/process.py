"""Runs the child process: reads what it says, looks for a stop meanwhile, and leaves nothing of it behind."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from memories.engine.documents.errors import UnreadableDocument
from memories.engine.errors import EngineError

ROOT = Path(__file__).parents[3]
POLL_SECONDS = 0.1
SILENT_SECONDS = 600.0  # a window of two minutes takes twelve on a usual core
TAIL = 2000
FILE_AT_FAULT = (signal.SIGXCPU, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE)
KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


class ReadingFailed(EngineError):
    """The process that reads recordings ended without an answer."""

    code = "recording_failed"
    permanent = False


def messages(order: dict[str, Any], stop: Callable[[], None]) -> Iterator[list[Any]]:
    """What the child says, line by line. `stop` is called every 0.1 s; what it raises ends the child at once.

    Raises UnreadableDocument when the file is at fault, ReadingFailed when something else is.
    """
    with tempfile.TemporaryFile() as complaints:
        child = _start(order, complaints)
        try:
            yield from _answers(child, stop)
            _look_at_the_end(child, complaints)
        finally:
            _end(child)


def _start(order: dict[str, Any], complaints: IO[bytes]) -> subprocess.Popen[bytes]:
    """In a session of its own: Ctrl-C in a terminal is the parent's affair. Its pipe ends with the parent."""
    return subprocess.Popen(  # noqa: S603 - our own module, with JSON as its argument
        [sys.executable, "-m", "memories.engine.speech.child", json.dumps(order)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=complaints,
        cwd=ROOT,
        env=_environment(),
        start_new_session=True,
    )


def _environment() -> dict[str, str]:
    """Nothing of the product's own: what reads a stranger's file needs no password. And no look at the network."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    quiet = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "PYTHONUNBUFFERED": "1"}
    return kept | quiet | {"MALLOC_ARENA_MAX": "1"}  # a heap for each thread would hold what it once needed


def _answers(child: subprocess.Popen[bytes], stop: Callable[[], None]) -> Iterator[list[Any]]:
    assert child.stdout is not None  # noqa: S101 - for the type checker
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
    return message


def _look_at_the_end(child: subprocess.Popen[bytes], complaints: IO[bytes]) -> None:
    code = child.wait()
    if code == 0:
        return
    if -code in FILE_AT_FAULT:
        raise UnreadableDocument(
            "Reading this recording took too long or went wrong, so it was given up. It may be damaged; "
            "save it in another format and add it again."
        )
    complaints.seek(max(0, complaints.seek(0, os.SEEK_END) - TAIL))
    error = ReadingFailed("Reading the recording ended unexpectedly. Try it again.")
    error.add_note(f"exit status {code}\n{complaints.read().decode(errors='replace')}")
    raise error


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    for pipe in (child.stdin, child.stdout):
        if pipe:
            pipe.close()
    child.wait()
