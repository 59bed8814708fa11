"""Recordings with real processes: parts of a file over the real web server, and what ends a transcription."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests import recordings
from tests.flows.articles_parts import post_file
from tests.stack import Stack, children, wait_for

pytestmark = pytest.mark.flow
SOON = 10.0  # seconds, of a busy machine; what it would go on with takes a minute


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("recordings") / "long.mp3"
    return recordings.write(path, np.tile(recordings.speech(), 10), "libmp3lame").read_bytes()


def listening(stack: Stack) -> list[int]:
    """The processes that listen to a recording."""
    return [pid for worker in stack.pool() for pid in children(worker) if listens(pid)]


def listens(pid: int) -> bool:
    try:
        return b"memories.engine.speech.child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has just ended
        return False


def heard(stack: Stack, task: str, seconds: float = 180) -> int:
    """Waits until some of it was heard; the process that listens."""

    def some() -> bool | None:
        row = stack.get(f"tasks/{task}")
        return True if row["stage"] == "content_extract_start" and row["done"] else None

    wait_for(some, seconds)
    (pid,) = listening(stack)
    return pid


def gone(pid: int) -> bool | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return None


def test_parts_of_a_file(stack: Stack, long: bytes) -> None:
    saved = post_file(stack, stack.project("Parts"), "long.mp3", long)
    stack.post(f"tasks/{saved['task_id']}/cancel")
    media = f"/api/v1/memories/{saved['id']}/media"
    whole = stack.client.get(media)
    assert (whole.status_code, whole.headers["content-type"], whole.content == long) == (200, "audio/mpeg", True)
    part = stack.client.get(media, headers={"Range": "bytes=1000-1999", "If-Range": whole.headers["etag"]})
    assert (part.status_code, part.content) == (206, long[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(long)}"
    assert stack.client.get(media, headers={"Range": f"bytes={len(long)}-"}).status_code == 416
    head = stack.client.head(media)
    assert (head.headers["content-length"], head.content) == (str(len(long)), b"")
    assert httpx.get(stack.url + media).status_code == 401


def test_a_cancelled_transcription_ends_within_a_second(stack: Stack, long: bytes) -> None:
    saved = post_file(stack, stack.project("Cancelled"), "long.mp3", long)
    pid = heard(stack, saved["task_id"])
    stack.post(f"tasks/{saved['task_id']}/cancel")
    wait_for(lambda: gone(pid), SOON)
    assert stack.wait_for_task(saved["task_id"], SOON)["status"] == "cancelled"


@pytest.mark.slow
def test_a_worker_that_is_killed_takes_its_listener_along(long: bytes) -> None:
    with Stack(workers=1) as stack:
        saved = post_file(stack, stack.project("Killed"), "long.mp3", long)
        pid = heard(stack, saved["task_id"])
        (worker,) = stack.pool()
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda: gone(pid), SOON)
        assert stack.wait_for_task(saved["task_id"], 180)["status"] == "completed"
        assert "John Dashwood" in stack.get(f"memories/{saved['id']}")["content"]
