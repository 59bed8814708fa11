"""A whole MemStack as a person runs it, for tests that need real processes: `manage.py up` in a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from memstack.lifeline import tied_to_parent

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 240.0
STOP_SECONDS = 40.0
PATIENCE = 240.0  # seconds for what happens soon, on a machine that has other work
T = TypeVar("T")
TERMINAL = {"completed", "failed", "cancelled"}

MAKE_KEY = """
import sys, django
django.setup()
from django.contrib.auth.models import User
from memories import keys
name = sys.argv[1]
user = User.objects.filter(username=name).first() or User.objects.create_user(name, password=sys.argv[2])
print(keys.issue(user, "tests")[1])
"""


class Stack:
    """A MemStack that runs from `start` (or `with`) to `stop`. `url` is where, `key` an API key of the user `alice`.

    `database_url`: a PostgreSQL to use in the place of SQLite. `folder`: a data folder to keep; else one that is
    removed at the end. `environment`: more settings. `options`: of `manage.py up`.
    """

    username, password = "alice", "correct horse battery"

    def __init__(
        self,
        *,
        database_url: str = "",
        workers: int = 1,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        options: tuple[str, ...] = (),
    ) -> None:
        self._keeps_folder = folder is not None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="memstack-stack-"))
        self.environment = clean_environment() | {
            "MEMSTACK_DATA_DIR": str(self.folder),
            "MEMSTACK_PORT": "0",
            "MEMSTACK_WORKERS": str(workers),
            **({"DATABASE_URL": database_url} if database_url else {}),
            **(environment or {}),
        }
        self.options = options
        self.url = self.key = ""
        self.supervisor: subprocess.Popen[str] | None = None
        self.client = httpx.Client()

    # --- its life
    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def start(self) -> Self:
        """Starts it and waits for its `ready` line; makes the key at the first start."""
        self.launch()
        try:
            self.wait_until_ready()
            self.connect()
        except BaseException:
            self.close()
            raise
        return self

    def launch(self) -> subprocess.Popen[str]:
        """Starts it and does not wait."""
        with self.output.open("w") as output:
            self.supervisor = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "up", *self.options],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                preexec_fn=tied_to_parent(signal.SIGTERM),  # noqa: PLW1509 - a killed test run leaves nothing running
            )
        return self.supervisor

    def wait_until_ready(self) -> None:
        """TimeoutError, or RuntimeError when it ended; both with what it printed."""

        def ready() -> str | None:
            if self.supervisor is None or self.supervisor.poll() is not None:
                raise RuntimeError(f"MemStack ended:\n{self.printed()}")
            return next((line.split()[1] for line in self.printed().splitlines() if line.startswith("ready ")), None)

        self.url = wait_for(ready, START_SECONDS, lambda: f"not ready:\n{self.printed()}")

    def connect(self) -> None:
        """Makes the key when there is none yet, and the client that uses it."""
        self.key = self.key or self.make_key(self.username)
        self.client.close()
        headers = {"Authorization": f"Bearer {self.key}"}
        self.client = httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stops it as a person would; returns its exit status. Its data stay."""
        if self.supervisor is None:
            return 0
        self.supervisor.send_signal(number)
        try:
            return self.supervisor.wait(STOP_SECONDS)
        finally:
            if self.supervisor.poll() is None:
                self.supervisor.kill()
                self.supervisor.wait()
            self.supervisor = None

    def close(self) -> None:
        """Stops it and removes its folder, unless that was given."""
        try:
            self.stop()
        finally:
            self.client.close()
            if not self._keeps_folder:
                shutil.rmtree(self.folder, ignore_errors=True)

    # --- its parts
    @property
    def output(self) -> Path:
        return self.folder.with_name(self.folder.name + ".out") if self._keeps_folder else self.folder / "printed"

    def printed(self) -> str:
        """What `up` has printed since its last start."""
        return self.output.read_text()

    def log(self, name: str) -> str:
        """The log of web, worker, dispatcher, valkey or up."""
        return (self.folder / "logs" / f"{name}.log").read_text()

    @property
    def processes(self) -> dict[str, int]:
        """Process ids: `supervisor`, `web`, `worker`, `dispatcher`, `valkey`; for signals."""
        note = json.loads((self.folder / "up.json").read_text())
        return {"supervisor": note["pid"], **note["processes"]}

    def pool(self) -> list[int]:
        """The process ids of the worker's pool, once it is whole; it begins after the pages are served."""
        slots = int(self.environment["MEMSTACK_WORKERS"])

        def whole() -> list[int] | None:
            return found if len(found := children(self.processes["worker"])) == slots else None

        return wait_for(whole, START_SECONDS)

    def send(self, name: str, number: signal.Signals) -> int:
        """Sends a signal to one process; returns its id."""
        pid = self.processes[name]
        os.kill(pid, number)
        return pid

    def wait_until_restarted(self, name: str, old: int, seconds: float = PATIENCE) -> int:
        """Waits for another process of that name; returns its id."""
        return wait_for(lambda: pid if (pid := self.processes.get(name, old)) != old else None, seconds)

    def manage(self, *arguments: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a `manage.py` command on its data."""
        return self._python(str(ROOT / "manage.py"), *arguments, stdin=stdin, check=check)

    def make_key(self, username: str) -> str:
        """An API key of a user, who is made when there is none."""
        return self._python("-c", MAKE_KEY, username, self.password).stdout.strip()

    def _python(self, *arguments: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            env=self.environment,
            cwd=ROOT,
            input=stdin,
            capture_output=True,
            text=True,
            check=check,
        )

    # --- its API
    def get(self, path: str, **query: Any) -> Any:
        """The JSON of GET /api/v1/<path>; httpx.HTTPStatusError for anything but a 2xx."""
        return self._json(self.client.get(f"/api/v1/{path}", params=query))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON of POST /api/v1/<path>."""
        return self._json(self.client.post(f"/api/v1/{path}", json=body or {}, headers=headers))

    def project(self, name: str) -> str:
        """Makes a project; returns its id."""
        return str(self.post("projects", {"name": name})["id"])

    def wait_for_task(self, task_id: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """The task's row once it is terminal."""

        def ended() -> dict[str, Any] | None:
            task: dict[str, Any] = self.get(f"tasks/{task_id}")
            return task if task["status"] in TERMINAL else None

        return wait_for(ended, seconds, lambda: f"task {task_id} has not ended: {self.get(f'tasks/{task_id}')}")

    @staticmethod
    def _json(response: httpx.Response) -> Any:
        if response.is_error:
            raise httpx.HTTPStatusError(
                f"{response.status_code} {response.text[:2000]}", request=response.request, response=response
            )
        return response.json() if response.content else None


def clean_environment() -> dict[str, str]:
    """This process's environment without what would configure a MemStack or belongs to the tests."""
    ours = ("MEMSTACK_", "PYTEST", "COV_")
    drop = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DJANGO_ALLOW_ASYNC_UNSAFE"}
    kept = {name: value for name, value in os.environ.items() if name not in drop and not name.startswith(ours)}
    return kept | {"DJANGO_SETTINGS_MODULE": "memstack.settings"}


def wait_for(ask: Callable[[], T | None], seconds: float, why: Callable[[], str] = lambda: "it did not happen") -> T:
    """Asks until the answer is not None."""
    deadline = time.monotonic() + seconds
    while (answer := ask()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"After {seconds:g} s: {why()}")
        time.sleep(0.05)
    return answer


def children(pid: int) -> list[int]:
    """The process ids of a process's children."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has just ended
            found += map(int, task.read_text().split())
    return found


def processes_of(folder: Path) -> list[str]:
    """The command lines of all processes that run on a data folder, told by their environment or arguments."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
            if words and str(folder).encode() in words + (process / "environ").read_bytes():
                found.append(words.replace(b"\0", b" ").decode())
        except OSError:  # it has just ended, or is not ours to look at
            continue
    return found
