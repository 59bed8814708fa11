"""A MemStack to break, and what must be true of it afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import httpx

from bench.streams_site import Helper, start
from tests.stack import PATIENCE, TERMINAL, Stack, wait_for

HOOKS = Path(__file__).parent / "faults_hooks"
LEASE_SECONDS = 15
NOTICED = LEASE_SECONDS + 5.0  # a dead attempt is followed by another one after so many seconds at most
SLACK = 8.0  # seconds that a busy machine may add to what is promised; what never happens takes longer
TEXT = "Anna Smith works for Acme in Berlin. Acme was founded by Peter Jones in 2001. Peter Jones lives in London."
OTHER = "Maria Garcia works for Initech in Madrid. Anna Smith met Maria Garcia in 2019."
LONG = "\n\n".join(f"Person{n} Example visited City{n} with Anna Smith in 20{n % 20:02d}." for n in range(160))


class Rows(Helper):
    """Reads the rows of a MemStack while its own processes die."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = start([sys.executable, "-m", "tests.flows.faults_rows"], environment, **pipes)


class Site:
    """A running MemStack with hooks, and a reader of its rows; `with` or `close` ends it."""

    def __init__(
        self, *, database_url: str = "", workers: int = 2, environment: Mapping[str, str] | None = None, **options: Any
    ) -> None:
        self.stack = Stack(database_url=database_url, workers=workers, environment=environment, **options)
        self.faults = self.stack.folder / "faults"
        self.stack.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.faults.mkdir()
        self.stack.environment |= {"PYTHONPATH": str(HOOKS), "FAULTS_FOLDER": str(self.faults)}
        self.rows: Rows | None = None
        self._expected: dict[tuple[str, ...], Any] = {}

    def __enter__(self) -> Self:
        self.stack.start()
        try:
            self.rows = Rows(self.stack.environment)
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self.rows is not None:
            self.rows.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # how soon it stops is tested elsewhere
            self.stack.close()

    def ask(self, name: str, **arguments: Any) -> Any:
        if self.rows is None:
            raise RuntimeError("not started")
        return self.rows(name, **arguments)

    # --- points at which a process can be caught

    @contextlib.contextmanager
    def at(self, deed: str, role: str, point: str, whose: str = "") -> Iterator[None]:
        """Processes of the role do so at the point until the block ends: all, or those with that project or task."""
        draft, file = self.faults / "draft", self.faults / f"{deed}-{role}-{point}"
        draft.write_text(whose)
        draft.replace(file)
        try:
            yield
        finally:
            file.unlink()

    @contextlib.contextmanager
    def paused(self, role: str, point: str, whose: str = "") -> Iterator[None]:
        """Processes of the role stop at the point until the block ends; `caught` tells when one has."""
        (self.faults / f"at-{role}-{point}").unlink(missing_ok=True)
        with self.at("pause", role, point, whose):
            yield

    def caught(self, role: str, point: str, seconds: float = PATIENCE) -> int:
        """Waits until a process stands at the point; its id."""
        sign = self.faults / f"at-{role}-{point}"
        return wait_for(lambda: int(sign.read_text()) if sign.exists() else None, seconds, lambda: f"no {sign.name}")

    # --- work

    def save(self, project: str, *texts: str) -> list[str]:
        """Saves each text as a memory, titled by its beginning; the ids of the tasks."""
        made = (self.stack.post("memories", {"project": project, "content": text}) for text in texts)
        return [str(memory["task_id"]) for memory in made]

    def expected(self, *texts: str) -> Any:
        """The graph that nobody disturbed."""
        if texts not in self._expected:
            project = self.stack.project("Undisturbed")
            tasks = self.save(project, *texts)
            self.ended(tasks)
            self._expected[texts] = self.ask("graph", project=project)
        return self._expected[texts]

    def ended(self, tasks: Sequence[str], seconds: float = 3 * PATIENCE) -> dict[str, Any]:
        """The rows once all have ended."""

        def all_ended() -> dict[str, Any] | None:
            rows: dict[str, Any] = self.ask("tasks", ids=list(tasks))
            return rows if all(row["status"] in TERMINAL for row in rows.values()) else None

        return wait_for(all_ended, seconds, lambda: json.dumps(self.ask("tasks", ids=list(tasks)), indent=1))

    # --- what must be true

    def assert_whole(self, project: str, *texts: str, seconds: float = 3 * PATIENCE, status: str = "completed") -> None:
        """All tasks of the project ended so, once; their effects are those of an undisturbed run, or none."""
        tasks = [task for _, task in self.ask("memories", project=project)]
        rows = self.ended(tasks, seconds)
        assert [row["status"] for row in rows.values()] == [status] * len(texts), rows
        self.assert_one_end(tasks)
        numbers = self.ask("project_numbers", project=project)
        assert numbers == [*range(1, len(numbers)), len(numbers) - 1]
        assert self.ask("leftovers", project=project) == {"passages": 0, "checkpoints": 0, "lanes": 0}
        if status == "completed":
            assert_same(self.ask("graph", project=project), self.expected(*texts))
        else:
            assert not any(self.ask("graph", project=project).values())

    def assert_one_end(self, tasks: Sequence[str]) -> None:
        """Events are numbered without a gap, and the last one is the one that ends the task."""
        for told in self.ask("events", ids=list(tasks)).values():
            assert [number for number, *_ in told] == list(range(1, len(told) + 1))
            assert [kind in TERMINAL for _, kind, *_ in told] == [False] * (len(told) - 1) + [True]


def assert_same(found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    assert expected["facts"], "nothing to compare"
    for name, rows in expected.items():
        assert found[name] == rows, name


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The process stands still meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


class Viewer:
    """Reads a project's stream as a browser does: comes back after each break, from where it was."""

    def __init__(self, stack: Stack, project: str) -> None:
        self._stack, self._place = stack, f"project-{project}:0"
        self._path = f"/api/v1/projects/{project}/stream"
        self.events: list[tuple[int, str, str, float]] = []  # number, type, task, when it came
        self._written: list[float] = []
        self.answers: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_for(lambda: self.answers or None, PATIENCE)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop.set()
        self._thread.join(5)

    def _read(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(httpx.HTTPError):
                self._stream()
            self._stop.wait(0.2)

    def _stream(self) -> None:
        headers = {"Authorization": f"Bearer {self._stack.key}", "Last-Event-ID": self._place}
        url = self._stack.url + self._path
        with httpx.stream("GET", url, headers=headers, timeout=httpx.Timeout(3, read=12)) as answer:
            self.answers.append(answer.status_code)
            fields: dict[str, str] = {}
            for line in answer.iter_lines() if answer.status_code == HTTPStatus.OK else ():
                if self._stop.is_set():
                    return
                name, _, value = line.partition(":")
                fields[name] = value.strip()
                if not line and "data" in fields:
                    self._take(fields)
                    fields = {}

    def _take(self, fields: dict[str, str]) -> None:
        self._place = fields["id"]
        data = json.loads(fields["data"])
        self._written.append(datetime.fromisoformat(data["at"]).timestamp())
        self.events.append((int(self._place.rpartition(":")[2]), fields["event"], data["id"], time.time()))

    def came(self, task: str, kind: str, seconds: float = PATIENCE) -> float:
        """When the event came; waits for it."""
        return wait_for(
            lambda: next((at for _, what, whose, at in self.events if (what, whose) == (kind, task)), None), seconds
        )

    def delays(self, since: float = 0) -> list[float]:
        """How long each event was on its way that was written after that time."""
        pairs = zip(self._written, self.events, strict=False)
        return [came - written for written, (*_, came) in pairs if written >= since]

    def assert_whole(self) -> None:
        """Each event once, in order."""
        numbers = [number for number, *_ in self.events]
        assert numbers == list(range(1, len(numbers) + 1))
