"""Somebody cancels while the task is at some stage, or at its very end: it ends once, and so that all agree."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.flows.faults_site import LONG, OTHER, SLACK, TEXT, Site

pytestmark = [pytest.mark.flow, pytest.mark.slow]
STAGES = ["claimed", "start", "schema", "extract", "sync", "communities", "completing"]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database("faults_cancel")
    with Site(database_url=url) as running:
        running.expected(TEXT)
        yield running


def cancel(site: Site, task: str) -> httpx.Response:
    return site.stack.client.post(f"/api/v1/tasks/{task}/cancel", timeout=60)


@pytest.mark.parametrize("stage", STAGES)
def test_a_task_that_is_cancelled_at_a_stage_leaves_nothing(site: Site, stage: str) -> None:
    project = site.stack.project(stage)
    with site.paused("worker", stage, project):
        [task] = site.save(project, TEXT)
        site.caught("worker", stage)
        assert cancel(site, task).status_code == 202
        released = time.time()
    row = site.ended([task])[task]
    assert row["finished_at"] - released < 1 + SLACK
    site.assert_whole(project, TEXT, status="cancelled")
    assert cancel(site, task).status_code == 409
    again = site.stack.post(f"tasks/{task}/retry")["task_id"]
    assert site.ended([again])[again]["status"] == "completed"
    site.assert_whole(project, TEXT)


def test_a_long_task_stops_between_two_batches(site: Site) -> None:
    project = site.stack.project("Long")
    with site.paused("worker", "extract", project):
        [task] = site.save(project, LONG)
        site.caught("worker", "extract")
    time.sleep(1)
    asked = time.time()
    assert cancel(site, task).status_code == 202
    assert site.ended([task])[task]["finished_at"] - asked < 1 + SLACK
    site.assert_whole(project, LONG, status="cancelled")


def test_who_cancels_in_the_last_transaction_is_told_that_it_was_too_late(site: Site) -> None:
    project = site.stack.project("Too late")
    with ThreadPoolExecutor(1) as pool:
        with site.paused("worker", "publishing", project):
            [task] = site.save(project, TEXT)
            site.caught("worker", "publishing")
            answer = pool.submit(cancel, site, task)
            time.sleep(0.5)
            assert not answer.done()
        assert answer.result().status_code == 409
    site.assert_whole(project, TEXT)


def test_cancels_at_any_moment_agree_with_what_became_of_the_tasks(site: Site) -> None:
    project = site.stack.project("Race")
    texts = [f"{OTHER} It was number {number}." for number in range(16)]
    tasks = site.save(project, *texts)

    def some_time(task: str) -> int:
        time.sleep(random.uniform(0, 3))  # noqa: S311 - no secret
        return cancel(site, task).status_code

    with ThreadPoolExecutor(len(tasks)) as pool:
        answers = dict(zip(tasks, pool.map(some_time, tasks), strict=True))
    rows = site.ended(tasks)
    told = {202: "cancelled", 409: "completed"}
    assert {task: row["status"] for task, row in rows.items()} == {task: told[answers[task]] for task in tasks}
    site.assert_one_end(tasks)
    kept = [text for text, task in zip(texts, tasks, strict=True) if answers[task] == 409]
    for memory in site.stack.get("memories", project=project, page_size=50)["results"]:
        if memory["processing_status"] == "cancelled":
            site.stack.client.delete(f"/api/v1/memories/{memory['id']}").raise_for_status()
    if kept:
        site.assert_whole(project, *kept)
