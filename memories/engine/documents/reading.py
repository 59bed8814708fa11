"""Reads a document in a process of its own and waits for it, ready to end it at any moment."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from memories.engine.documents.errors import UnreadableDocument
from memories.engine.documents.limits import MEGABYTE, Limits
from memories.engine.documents.messages import Broken, Finished, Job, Message, Progress, Refused, encode, read_message
from memories.engine.documents.model import Document

__all__ = ["read"]

logger = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[3]
CHILD = "memories.engine.documents.child"
PAUSE = 0.1  # seconds between two looks at whether the task was called off
CHUNK = 256 * 1024
MOST_MESSAGE = 96 * MEGABYTE  # a text of 8 MB whose every sign JSON writes as six, and its blocks

TOO_LONG = "Reading this document took too long, so it was given up. Save a shorter one, or the part that you need."
TOO_LARGE = "Reading this document takes more memory than it may have. Save a smaller one, or the part that you need."
DAMAGED = "This document can't be read: it is damaged, or not what its type says. Check that it opens elsewhere."


def read(
    path: Path,
    media_type: str,
    *,
    url: str = "",
    name: str = "",
    charset: str = "",
    progress: Callable[[int, int], None],
    stop: Callable[[], None],
    limits: Limits = Limits(),  # noqa: B008 -- frozen
) -> Document:
    """The document in this file. `progress(pages_read, pages)` is called for files that have pages.

    `stop` is called every tenth of a second and ends the reading by raising. Raises UnreadableDocument.
    """
    job = Job(path.resolve(), media_type, url, name, charset, limits)
    with _Child(job) as child:
        for message in child.messages(stop):
            if isinstance(message, Progress):
                progress(message.done, message.total)
            elif isinstance(message, Finished):
                return message.document
            else:
                raise UnreadableDocument(_said(message))
        raise UnreadableDocument(child.epitaph())


def _said(message: Refused | Broken) -> str:
    if isinstance(message, Refused):
        return message.sentence
    logger.warning("a document could not be read: %s", message.where)
    return TOO_LARGE if message.out_of_memory else DAMAGED


class _Child:
    """The reading process; it is gone when the block ends, however that happens."""

    def __init__(self, job: Job) -> None:
        self._deadline = time.monotonic() + job.limits.seconds
        self._buffer = bytearray()
        # -E and -s: nothing of the user's environment or folders; -B: it may write no file, so no bytecode either
        self._process = subprocess.Popen(  # noqa: S603 -- our own interpreter and module
            [sys.executable, "-E", "-s", "-B", "-m", CHILD, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env={"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the reading process has no pipes")
        self._input, self._output = self._process.stdin, self._process.stdout
        self._give(job)

    def _give(self, job: Job) -> None:
        """The pipe stays open: its end tells the child that nobody waits for it any more."""
        try:
            self._input.write(encode(job) + b"\n")
            self._input.flush()
        except BrokenPipeError:  # it is gone already; what it left is read in `messages`
            pass

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *exc: object) -> None:
        self.end()
        self._output.close()
        with contextlib.suppress(BrokenPipeError):
            self._input.close()

    def end(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def messages(self, stop: Callable[[], None]) -> Iterator[Message]:
        """What the child says, until it says no more. Raises UnreadableDocument when its time is over."""
        os.set_blocking(self._output.fileno(), False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ)
            asked = 0.0
            while True:
                if time.monotonic() - asked >= PAUSE:
                    stop()
                    asked = time.monotonic()
                if asked > self._deadline:
                    raise UnreadableDocument(TOO_LONG)
                if selector.select(PAUSE) and not self._fill():
                    return
                yield from self._lines()

    def _fill(self) -> bool:
        """False when the child has closed its end."""
        piece = os.read(self._output.fileno(), CHUNK)
        self._buffer += piece
        if len(self._buffer) > MOST_MESSAGE:
            raise UnreadableDocument(TOO_LARGE)
        return bool(piece)

    def _lines(self) -> Iterator[Message]:
        while (end := self._buffer.find(b"\n", max(0, len(self._buffer) - CHUNK))) >= 0 or (
            end := self._buffer.find(b"\n")
        ) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            try:
                yield read_message(line)
            except (msgspec.DecodeError, RecursionError) as error:
                raise UnreadableDocument(DAMAGED) from error

    def epitaph(self) -> str:
        """Why it ended without a result. Its limits end it by a signal; so does a library that crashes."""
        code = self._process.wait()
        logger.warning("the reading process ended by itself with %s", code)
        if code == -signal.SIGXCPU:
            return TOO_LONG
        return TOO_LARGE if code in {-signal.SIGKILL, -signal.SIGABRT} else DAMAGED
