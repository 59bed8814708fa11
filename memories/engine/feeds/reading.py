"""Reads a feed in a process of its own and waits for it, ready to end it at any moment."""

from __future__ import annotations

import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import msgspec

from memories.engine.documents.errors import UnreadableDocument
from memories.engine.feeds.model import Answer, FeedDocument, Job

logger = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[3]
CHILD = "memories.engine.feeds.child"
SECONDS = 60.0
PAUSE = 0.1
CHUNK = 256 * 1024
TOO_MUCH = "This feed takes too long or too much memory to read. Ask the site for a shorter one."


def read(path: Path, *, url: str, content_type: str = "", stop: Callable[[], None]) -> FeedDocument:
    """The feed in this file, or where the page in it says that one is. `stop` is called every tenth of a second.

    UnreadableDocument says why there is none.
    """
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-E", "-s", "-B", "-m", CHILD, str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env={"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "1"},
        start_new_session=True,
    )
    with child:  # closes the pipes and waits
        try:
            if child.stdin is None or child.stdout is None:
                raise RuntimeError("the reading process has no pipes")
            child.stdin.write(msgspec.json.encode(Job(str(path.resolve()), url, content_type)) + b"\n")
            child.stdin.flush()
            said = _all_of(child.stdout, stop)
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
    return _document(said, child)


def _all_of(output: IO[bytes], stop: Callable[[], None]) -> bytes:
    """What the child says until it says no more."""
    said, until = b"", time.monotonic() + SECONDS
    while time.monotonic() < until:
        stop()
        if select.select([output], [], [], PAUSE)[0]:
            piece = os.read(output.fileno(), CHUNK)
            if not piece:
                return said
            said += piece
    raise UnreadableDocument(TOO_MUCH)


def _document(said: bytes, child: subprocess.Popen[bytes]) -> FeedDocument:
    if not said:
        logger.warning("the process that reads feeds ended without an answer (%s)", child.returncode)
        raise UnreadableDocument(TOO_MUCH)
    answer = msgspec.json.decode(said, type=Answer)
    if answer.document is None:
        raise UnreadableDocument(answer.refusal)
    return answer.document
