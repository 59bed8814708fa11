"""The supervision of child processes, with small programs."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from memstack import supervision
from memstack.supervision import KILL, TERMINATE, Child, Part, Supervisor, in_words, rotate
from tests.stack import wait_for

SLEEP = "import time; time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); {SLEEP}"


class Watched:
    def __init__(self, folder: Path) -> None:
        self.said: list[str] = []
        self.supervisor = Supervisor(folder, self.said.append, lambda pids: None)
        self.folder = folder

    def add(self, code: str, **more: object) -> Child:
        return self.supervisor.add(Part("part", [sys.executable, "-c", code], **more))  # type: ignore[arg-type]

    def tick_until(self, happened: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not happened():
            assert time.monotonic() < deadline, self.said
            self.supervisor.tick()
            time.sleep(0.01)


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setattr(supervision, "FIRST_DELAY", 0.01)
    made = Watched(tmp_path)
    yield made
    made.supervisor.stop(list(made.supervisor.children), urgent=lambda: True)


def test_a_child_that_dies_is_started_again_and_announced(watched: Watched) -> None:
    child = watched.add("raise SystemExit(3)")
    watched.tick_until(lambda: len(watched.said) >= 3)
    assert (
        watched.said[0] == f"part ended unexpectedly (exit status 3) and starts again in 0.01 s; its log is {child.log}"
    )
    assert [line.split(" in ")[1].split()[0] for line in watched.said[:3]] == ["0.01", "0.02", "0.04"]


def test_a_repair_is_tried_after_two_deaths_of_its_own(watched: Watched) -> None:
    watched.add("raise SystemExit(1)", repair=lambda: "mended")
    watched.tick_until(lambda: "mended" in watched.said)
    assert watched.said.index("mended") == 2


def test_a_program_that_is_not_there_is_tried_again(watched: Watched) -> None:
    watched.supervisor.add(Part("ghost", ["/no/such/program"]))
    watched.tick_until(lambda: len(watched.said) >= 2)
    assert all("could not be started" in line for line in watched.said)


def test_descendants_die_with_the_child(watched: Watched) -> None:
    child = watched.add(
        f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', '{SLEEP}']).pid, flush=True)"
    )
    watched.tick_until(lambda: watched.said)
    grandchild = Path("/proc", child.log.read_text().split()[0])

    def dead() -> bool:
        try:
            return "zombie" in (grandchild / "status").read_text()
        except OSError:
            return True

    watched.tick_until(dead)


def test_a_child_that_does_not_listen_is_killed_in_time(watched: Watched) -> None:
    child = watched.add(STUBBORN, stopping=((0, TERMINATE), (0.3, KILL)))
    watched.tick_until(lambda: "ready" in child.log.read_text())
    begun = time.monotonic()
    watched.supervisor.stop(["part"], urgent=lambda: False)
    assert 0.3 <= time.monotonic() - begun < 30
    assert child.process is None


def test_an_urgent_stop_waits_for_nobody(watched: Watched) -> None:
    child = watched.add(STUBBORN, stopping=((0, TERMINATE), (60, KILL)))
    watched.tick_until(lambda: "ready" in child.log.read_text())
    begun = time.monotonic()
    watched.supervisor.stop(["part"], urgent=lambda: True)
    assert time.monotonic() - begun < 30


def test_a_signal_to_one_that_has_just_ended_leaves_it_to_be_reaped(watched: Watched) -> None:
    child = watched.add(SLEEP)
    watched.tick_until(lambda: child.process)
    process = child.process
    assert process is not None
    child.kill()
    wait_for(lambda: supervision._has_ended(process.pid) or None, 60)
    child.send(TERMINATE)
    assert child.reap() == -KILL


def test_a_large_log_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "LARGEST_LOG", 10)
    log = tmp_path / "web.log"
    log.write_text("short")
    rotate(log)
    assert log.exists()
    log.write_text("longer than ten")
    rotate(log)
    assert not log.exists()
    assert (tmp_path / "web.log.1").read_text() == "longer than ten"


def test_how_a_death_is_said() -> None:
    assert in_words(-signal.SIGKILL) == "killed by SIGKILL"
    assert in_words(2) == "exit status 2"
