"""Workers die, hang and run out of memory while they work: nothing is lost, nothing happens twice."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.flows.faults_site import LONG, NOTICED, OTHER, SLACK, TEXT, Site, stopped
from tests.stack import PATIENCE, wait_for

pytestmark = [pytest.mark.flow, pytest.mark.slow]
LOADED = 60.0  # seconds in which a new process has loaded its models and done what came before
STAGES = ["claimed", "start", "schema", "extract", "sync", "communities", "completing", "publishing"]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database("faults_workers")
    with Site(database_url=url) as running:
        running.expected(TEXT, OTHER)
        yield running


def lives(pid: int) -> bool:
    """A process that has ended and whose parent does not know it yet lives no more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill_pool_child(site: Site, pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: None if lives(pid) else True, PATIENCE)


def kill_worker(site: Site, pid: int) -> None:
    """The parent first, so that it can't look after its children."""
    worker = site.stack.processes["worker"]
    os.kill(worker, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    site.stack.wait_until_restarted("worker", worker)


def break_at(site: Site, stages: list[str], deed: Callable[[Site, int], None]) -> dict[str, str]:
    """Does the deed to who stands at each stage, in a project of its own; stage by project."""
    projects = {}
    for stage in stages:
        project = site.stack.project(stage)
        projects[project] = stage
        with site.paused("worker", stage, project):
            site.save(project, TEXT)
            deed(site, site.caught("worker", stage))
    return projects


def moments(site: Site, task: str, attempt: int) -> list[float]:
    """When the events of an attempt were written, by the database's clock; a dead one's last is that it is given up."""
    return [at for _, _, number, _, at in site.ask("events", ids=[task])[task] if number == attempt]


def assert_followed(site: Site, project: str, stage: str) -> None:
    """The killed attempt was given up in time and followed by one more, and a memory beside it by none.

    When the next one begins is a matter of what else waits for a slot, and of how fast a machine starts a process.
    """
    site.save(project, OTHER)
    site.assert_whole(project, TEXT, OTHER)
    [[_, task], [_, other]] = site.ask("memories", project=project)
    rows = site.ask("tasks", ids=[task, other])
    assert (rows[task]["attempt"], rows[task]["deaths"], rows[other]["deaths"]) == (2, 1, 0), stage
    first, second = moments(site, task, 1), moments(site, task, 2)
    assert first[-1] - first[0] < NOTICED + SLACK, stage
    assert second[0] - first[-1] < LOADED, stage


def test_a_pool_child_killed_at_each_stage_is_followed_by_another_attempt(site: Site) -> None:
    for project, stage in break_at(site, STAGES, kill_pool_child).items():
        assert_followed(site, project, stage)


@pytest.mark.parametrize("stage", ["extract", "communities", "publishing"])
def test_a_whole_worker_killed_is_followed_by_another_attempt(site: Site, stage: str) -> None:
    [project] = break_at(site, [stage], kill_worker)
    assert_followed(site, project, stage)


def test_who_is_killed_after_the_end_has_ended(site: Site) -> None:
    [project] = break_at(site, ["completed"], kill_pool_child)
    site.save(project, OTHER)
    site.assert_whole(project, TEXT, OTHER)
    [[_, task], _] = site.ask("memories", project=project)
    assert site.ask("tasks", ids=[task])[task]["attempt"] == 1


def test_a_task_that_kills_its_worker_each_time_fails_and_the_others_do_not(site: Site) -> None:
    project, quiet = site.stack.project("Poison"), site.stack.project("Beside")
    with site.at("kill", "worker", "extract", project):
        [poison] = site.save(project, TEXT)
        others = site.save(quiet, *[OTHER] * 10)
        assert {row["status"] for row in site.ended(others).values()} == {"completed"}
        row = site.ended([poison], 3 * NOTICED + PATIENCE)[poison]
    assert (row["status"], row["deaths"], row["attempt"]) == ("failed", 3, 3)
    assert row["error"].startswith("The worker died 3 times")
    site.assert_one_end([poison, *others])
    again = site.stack.post(f"tasks/{poison}/retry")["task_id"]
    assert site.ended([again])[again]["status"] == "completed"
    assert site.ask("leftovers", project=project) == {"passages": 0, "checkpoints": 0, "lanes": 0}


def test_a_child_that_gets_no_memory_costs_an_attempt_at_most(site: Site) -> None:
    project = site.stack.project("Memory")
    with site.at("starve", "worker", "extract", project):
        with site.paused("worker", "extract", project):
            [task] = site.save(project, LONG)
            pid = site.caught("worker", "extract")
            used = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
            unlimited = resource.prlimit(pid, resource.RLIMIT_AS, (used, resource.RLIM_INFINITY))
        wait_for(lambda: site.ask("tasks", ids=[task])[task]["attempt"] > 1 or None, NOTICED + PATIENCE)
    if lives(pid):
        resource.prlimit(pid, resource.RLIMIT_AS, unlimited)
    site.assert_whole(project, LONG)
    assert_all_slots_work(site)


def assert_all_slots_work(site: Site) -> None:
    """As many tasks can be at work at once as the worker has children."""
    project = site.stack.project("Slots")
    with site.paused("worker", "claimed", project):
        tasks = site.save(project, *[OTHER] * len(site.stack.pool()))
        wait_for(lambda: states(site, tasks) == {"processing"} or None, PATIENCE, lambda: str(states(site, tasks)))
    site.assert_whole(project, *[OTHER] * len(tasks))


@pytest.mark.parametrize("stage", ["extract", "communities", "completing"])
def test_a_zombie_changes_nothing_when_it_wakes_up(site: Site, stage: str) -> None:
    project = site.stack.project("Zombie")
    with site.paused("worker", stage, project):
        [task] = site.save(project, TEXT)
        pid = site.caught("worker", stage)
        os.kill(pid, signal.SIGSTOP)
    with stopped(pid):
        row = site.ended([task], NOTICED + PATIENCE)[task]
        assert row["attempt"] == 2
        before = [site.ask(name, ids=[task]) for name in ("tasks", "events")]
        graph = site.ask("graph", project=project)
        lines = len(worker_log(site))
    wait_for(lambda: "lost its lease" in worker_log(site)[lines:] or None, PATIENCE, lambda: worker_log(site)[lines:])
    assert [site.ask(name, ids=[task]) for name in ("tasks", "events")] == before
    assert site.ask("graph", project=project) == graph
    site.save(project, OTHER)
    site.assert_whole(project, TEXT, OTHER)


def test_a_zombie_in_its_last_transaction_does_not_keep_its_locks(site: Site) -> None:
    """PostgreSQL ends its session. SQLite can't, so there everybody waits until somebody ends the process."""
    if not site.stack.environment.get("DATABASE_URL"):
        pytest.skip("SQLite's lock ends with the process alone")
    project, beside = site.stack.project("Locks"), site.stack.project("Beside")
    with site.paused("worker", "publishing", project):
        [task] = site.save(project, TEXT)
        pid = site.caught("worker", "publishing")
        os.kill(pid, signal.SIGSTOP)
    with stopped(pid):
        site.save(beside, OTHER)
        site.assert_whole(beside, OTHER)
        row = site.ended([task], 20 + NOTICED + PATIENCE)[task]
        assert row["attempt"] == 2
        before = [site.ask(name, ids=[task]) for name in ("tasks", "events")]
    site.save(project, OTHER)
    site.assert_whole(project, TEXT, OTHER)
    assert [site.ask(name, ids=[task]) for name in ("tasks", "events")] == before
    assert_all_slots_work(site)


def states(site: Site, tasks: list[str]) -> set[str]:
    return {row["status"] for row in site.ask("tasks", ids=tasks).values()}


def worker_log(site: Site) -> str:
    return site.stack.log("worker")
