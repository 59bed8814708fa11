"""Runs child processes: starts them, starts them again when they die, stops them in order."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from memstack.lifeline import tied_to_parent

FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0  # seconds between a death and the next start
HEALTHY_AFTER = 30.0  # a child that lived this long starts again without the growing delay
DEATHS_BEFORE_REPAIR = 2
LARGEST_LOG = 10 * 1024 * 1024
TERMINATE, KILL = signal.SIGTERM, signal.SIGKILL


@dataclass(frozen=True)
class Part:
    """A program to keep running.

    `stopping` says which signal it gets how many seconds after the stop began; SIGKILL goes to all of its processes.
    `repair` is called when it has ended by itself twice in a row and returns what it did as a sentence, "" for nothing.
    """

    name: str
    command: Sequence[str]
    stopping: Sequence[tuple[float, signal.Signals]] = ((0, TERMINATE), (5, KILL))
    death_signal: signal.Signals = KILL
    environment: Mapping[str, str] = field(default_factory=dict)
    pass_fds: Sequence[int] = ()
    repair: Callable[[], str] = str


class Child:
    """A part and its process, when it has one. Each is the leader of a session of its own."""

    def __init__(self, part: Part, log: Path) -> None:
        self.part, self.log = part, log
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths_in_a_row = 0
        self.start_at = 0.0
        self._started_at = 0.0
        rotate(log)

    def start(self) -> None:
        """OSError when the log can't be opened or the program can't be run."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own commands
                self.part.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.part.environment},
                pass_fds=self.part.pass_fds,
                start_new_session=True,
                preexec_fn=tied_to_parent(self.part.death_signal),  # noqa: PLW1509 - makes system calls only
            )
        self._started_at = time.monotonic()

    def reap(self) -> int | None:
        """The exit status of a process that has ended (its descendants are killed with it); None while it runs."""
        if self.process is None or not _has_ended(self.process.pid):
            return None
        self.kill()
        status, self.process = self.process.wait(), None
        return status

    def postpone(self) -> float:
        """Seconds until it is to be started again, longer with each early death."""
        if self._started_at and time.monotonic() - self._started_at > HEALTHY_AFTER:
            self.deaths_in_a_row = 0
        delay = min(FIRST_DELAY * 2.0**self.deaths_in_a_row, LONGEST_DELAY)
        self.deaths_in_a_row += 1
        self.start_at = time.monotonic() + delay
        return delay

    def send(self, number: signal.Signals) -> None:
        if number == KILL:
            self.kill()
        elif self.process is not None:
            os.kill(self.process.pid, number)  # by hand, because Popen's own would reap one that has just ended

    def kill(self) -> None:
        """Kills all processes of the child's group."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, KILL)


class Supervisor:
    """Keeps parts running until `stop`. `say` gets one line for what a person should know."""

    def __init__(self, logs: Path, say: Callable[[str], None], changed: Callable[[dict[str, int]], None]) -> None:
        self.logs, self.say, self.changed = logs, say, changed
        self.children: dict[str, Child] = {}

    def add(self, part: Part) -> Child:
        """Starts a part, and keeps it running from now on."""
        child = self.children[part.name] = Child(part, self.logs / f"{part.name}.log")
        self._start(child)
        return child

    def tick(self) -> None:
        """Looks after all children once."""
        for child in self.children.values():
            if (status := child.reap()) is not None:
                self._announce(child, status)
            elif child.process is None and time.monotonic() >= child.start_at:
                self._start(child)

    def _announce(self, child: Child, status: int) -> None:
        delay = child.postpone()
        self.say(
            f"{child.part.name} ended unexpectedly ({in_words(status)}) and starts again in {delay:g} s; "
            f"its log is {child.log}"
        )
        if status > 0 and child.deaths_in_a_row >= DEATHS_BEFORE_REPAIR and (done := child.part.repair()):
            self.say(done)

    def stop(self, names: Sequence[str], urgent: Callable[[], bool]) -> None:
        """Stops these children side by side, each by its own time table; kills them when `urgent()` becomes true."""
        begun = time.monotonic()
        left = {
            name: list(child.part.stopping)
            for name in names
            if (child := self.children.get(name)) and child.process is not None
        }
        while left:
            elapsed = time.monotonic() - begun
            for name in list(left):
                self._press(self.children[name], left[name], elapsed, urgent=urgent())
                if self.children[name].reap() is not None:
                    del left[name]
            time.sleep(0.02)

    @staticmethod
    def _press(child: Child, steps: list[tuple[float, signal.Signals]], elapsed: float, *, urgent: bool) -> None:
        if urgent:
            child.kill()
        while steps and steps[0][0] <= elapsed:
            child.send(steps.pop(0)[1])

    def kill_all(self) -> None:
        for child in self.children.values():
            child.kill()

    def pids(self) -> dict[str, int]:
        return {name: child.process.pid for name, child in self.children.items() if child.process is not None}

    def _start(self, child: Child) -> None:
        try:
            child.start()
        except OSError as error:
            self.say(f"{child.part.name} could not be started ({error}); next try in {child.postpone():g} s")
        self.changed(self.pids())


def rotate(log: Path) -> None:
    """Keeps one older file beside a log that has grown large."""
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_name(log.name + ".1"))


def in_words(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def _has_ended(pid: int) -> bool:
    """Looks without reaping, so that the process group's number can't have been given to somebody else."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
