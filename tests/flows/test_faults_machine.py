"""The machine lets MemStack down: no room on the disk, no weights, a clock that is wrong."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from memories.engine.embedding import weights
from tests.flows.faults_site import LEASE_SECONDS, LONG, OTHER, TEXT, Site
from tests.stack import PATIENCE, wait_for

pytestmark = [pytest.mark.flow, pytest.mark.slow]
ROOMY = 300 * 1024 * 1024


# --- disk full


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 300 MB in memory; only root can make one."""
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={ROOMY}", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("no file system can be mounted here")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def fill(folder: Path) -> Path:
    """Leaves not a byte."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x")
    return filler


def test_a_full_disk_is_told_and_loses_nothing(small_disk: Path) -> None:
    with Site(folder=small_disk / "data") as site:
        project = site.stack.project("Full")
        [before] = site.save(project, TEXT)
        site.ended([before])
        with site.paused("worker", "extract", project):
            [caught] = site.save(project, LONG)
            site.caught("worker", "extract")
            filler = fill(small_disk)
        body = {"project": project, "content": OTHER}
        refused = wait_for(lambda: refusal(site, body), PATIENCE)
        assert refused.status_code == 507
        assert "disk is full" in refused.json()["detail"]
        assert httpx.get(f"{site.stack.url}/healthz", timeout=PATIENCE).status_code == 200
        assert site.stack.get(f"tasks/{caught}")["id"] == caught
        time.sleep(LEASE_SECONDS + 5)
        filler.unlink()
        kept = [text for text, _ in site.ask("memories", project=project)]
        assert kept[:2] == [TEXT, LONG]
        [last] = site.save(project, OTHER)
        site.ended([last, caught])
        site.assert_whole(project, *kept, OTHER)


def refusal(site: Site, body: dict[str, str]) -> httpx.Response | None:
    """The first answer that is none of success: the database's file may still have free pages."""
    answer = site.stack.client.post("/api/v1/memories", json=body, timeout=60)
    return answer if answer.is_error else None


# --- no weights


def test_a_worker_without_weights_says_what_to_do(tmp_path: Path) -> None:
    for name in (weights.MODEL, weights.TOKENIZER):
        shutil.copy(weights.locate(name), tmp_path / name)
    with Site(environment={"MEMSTACK_EMBEDDING_DIR": str(tmp_path)}) as site:
        site.expected(TEXT)
        project = site.stack.project("Weights")
        away = (tmp_path / weights.MODEL).rename(tmp_path / "away")
        kill_pool(site)
        [task] = site.save(project, TEXT)
        row = site.ended([task])[task]
        assert row["status"] == "failed"
        assert "MEMSTACK_EMBEDDING_DIR" in row["error"]
        site.assert_one_end([task])
        assert not any(site.ask("graph", project=project).values())
        assert site.stack.get("memories", project=project)["count"] == 1
        away.rename(tmp_path / weights.MODEL)
        kill_pool(site)
        again = site.stack.post(f"tasks/{task}/retry")["task_id"]
        assert site.ended([again])[again]["status"] == "completed"
        site.assert_whole(project, TEXT)


def kill_pool(site: Site) -> None:
    """Lets the worker make new children, and waits for them."""
    old = site.stack.pool()
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: True if len(new := site.stack.pool()) == len(old) and not set(new) & set(old) else None, PATIENCE)


# --- a wrong clock


@pytest.mark.parametrize(("database", "seconds"), [("sqlite", 3600), ("postgresql", -3600), ("postgresql", 3600)])
def test_a_workers_clock_that_is_an_hour_off_changes_nothing(
    request: pytest.FixtureRequest, database: str, seconds: int
) -> None:
    url = ""
    if database == "postgresql":
        url = request.getfixturevalue("postgres").new_database(f"clock{seconds}")
    with Site(database_url=url, workers=1, environment={"FAULTS_CLOCK": f"worker:{seconds}"}) as site:
        project = site.stack.project("Clock")
        texts = [f"{TEXT} It was number {number}." for number in range(5)]
        with site.paused("worker", "extract", project):
            tasks = site.save(project, *texts)
            site.caught("worker", "extract")
            time.sleep(LEASE_SECONDS + 3)
            [held] = [row for row in site.ask("tasks", ids=tasks).values() if row["status"] == "processing"]
            assert held["attempt"] == 1
            assert 0 < held["lease_until"] - time.time() <= LEASE_SECONDS
        rows = site.ended(tasks)
        assert abs(clock_of_the_worker(site) - time.time() - seconds) < 600
        assert {(row["status"], row["attempt"]) for row in rows.values()} == {("completed", 1)}
        started = [rows[task]["started_at"] for task in tasks]
        assert started == sorted(started)
        assert all(abs(row["finished_at"] - time.time()) < 300 for row in rows.values())
        site.assert_whole(project, *texts)


def clock_of_the_worker(site: Site) -> float:
    """By the lines that it logs."""
    said = re.findall(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+ INFO memstack.logs", site.stack.log("worker"), re.M)
    return datetime.strptime(said[-1], "%Y-%m-%d %H:%M:%S").astimezone().timestamp()
