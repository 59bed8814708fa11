"""Messages and pokes are lost, repeated and garbled: the rows say what is to be done, and it is done once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from bench.streams_site import end, start
from tests.flows.faults_site import OTHER, SLACK, TEXT, Site, Viewer
from tests.stack import PATIENCE, ROOT, wait_for

pytestmark = [pytest.mark.flow, pytest.mark.slow]
SOON = 2.0


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database("faults_messages")
    with Site(database_url=url) as running:
        running.expected(TEXT)
        yield running


def test_a_web_process_that_dies_before_it_rings_has_lost_nothing(site: Site) -> None:
    project = site.stack.project("Not rung")
    web = site.stack.processes["web"]
    with site.paused("web", "ring"), ThreadPoolExecutor(1) as pool:
        answer = pool.submit(site.save, project, TEXT)
        assert site.caught("web", "ring") == web
        os.kill(web, signal.SIGKILL)
        killed = time.time()
        with contextlib.suppress(httpx.HTTPError):
            answer.result()
    [[_, task]] = site.ask("memories", project=project)
    row = site.ended([task])[task]
    assert row["started_at"] - killed < SOON + SLACK
    site.stack.wait_until_restarted("web", web)
    site.assert_whole(project, TEXT)


def test_viewers_have_the_event_of_a_worker_that_died_before_it_told_of_it(site: Site) -> None:
    project = site.stack.project("Not told")
    with Viewer(site.stack, project) as viewer:
        with site.paused("worker", "poke", project):
            [task] = site.save(project, TEXT)
            os.kill(site.caught("worker", "poke"), signal.SIGKILL)
            killed = time.time()
        assert viewer.came(task, "completed") - killed < SOON + SLACK
        site.assert_whole(project, TEXT)
        viewer.assert_whole()


def test_repeated_stale_and_malformed_messages_have_no_effect(site: Site) -> None:
    project = site.stack.project("Babble")
    worker, pool = site.stack.processes["worker"], sorted(site.stack.pool())
    [ended] = site.save(project, TEXT)
    site.ended([ended])
    before = [site.ask(name, ids=[ended]) for name in ("tasks", "events")]
    for queue in ("ingest", "graph", "media"):
        site.ask("babble", queue=queue, kind="ingest_episode")
    assert site.ask("ring", task=ended, kind="ingest_episode", times=100)
    assert site.ask("ring", task=ended, kind="rebuild_communities", times=20)
    [running] = site.save(project, OTHER)
    assert site.ask("ring", task=running, kind="ingest_episode", times=100)
    site.assert_whole(project, TEXT, OTHER)
    assert site.ask("tasks", ids=[running])[running]["attempt"] == 1
    wait_for(lambda: queues(site) == 0 or None, PATIENCE, lambda: f"{queues(site)} messages left")
    assert [site.ask(name, ids=[ended]) for name in ("tasks", "events")] == before
    assert (site.stack.processes["worker"], sorted(site.stack.pool())) == (worker, pool), site.stack.log("worker")


def queues(site: Site) -> int:
    return sum(site.ask("queued", queue=queue) for queue in ("ingest", "graph", "media"))


def test_three_dispatchers_of_which_two_are_killed_start_each_task_once(site: Site) -> None:
    project = site.stack.project("Dispatchers")
    command = [sys.executable, str(ROOT / "manage.py"), "dispatcher"]
    others = [start(command, site.stack.environment) for _ in range(2)]
    try:
        texts = [f"{TEXT} It was number {number}." for number in range(20)]
        tasks = site.save(project, *texts)
        others[0].kill()
        old = site.stack.send("dispatcher", signal.SIGKILL)
        rows = site.ended(tasks)
        site.stack.wait_until_restarted("dispatcher", old)
    finally:
        for other in others:
            end(other)
    assert {row["attempt"] for row in rows.values()} == {1}
    site.assert_whole(project, *texts)


def test_the_same_request_twenty_times_at_once_makes_one_row(site: Site) -> None:
    project = site.stack.project("Once")
    body = {"project": project, "content": TEXT}

    def send(_: int) -> tuple[int, str]:
        answer = site.stack.client.post("/api/v1/memories", json=body, headers={"Idempotency-Key": project}, timeout=60)
        return answer.status_code, answer.json().get("task_id", answer.text)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(20)))
    [[_, task]] = site.ask("memories", project=project)
    assert answers == [(201, task)] * 20
    site.assert_whole(project, TEXT)
