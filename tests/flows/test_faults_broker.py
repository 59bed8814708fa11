"""The broker goes, hangs, flaps and forgets: requests are answered as before, and all that was accepted is done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

import pytest

from tests.flows.faults_parts import Broker, Posting
from tests.flows.faults_site import OTHER, SLACK, TEXT, Site, Viewer, stopped
from tests.stack import PATIENCE, wait_for

pytestmark = [pytest.mark.flow, pytest.mark.slow]
LONGEST_REQUEST = 2.0


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker() as running:
        yield running


@pytest.fixture(scope="module")
def site(broker: Broker) -> Iterator[Site]:
    """On SQLite alone: the database has no part in this."""
    with Site(environment={"REDIS_URL": broker.url}) as running:
        running.expected(TEXT)
        yield running


def assert_nobody_noticed(site: Site, posting: Posting, viewer: Viewer, back: float) -> None:
    """`back`: when the broker could be had again."""
    assert posting.statuses == [201] * len(posting.texts)
    assert max(posting.seconds) < LONGEST_REQUEST + SLACK
    site.assert_whole(posting.project, *posting.texts)
    began = time.time()
    [last] = site.save(posting.project, OTHER)
    viewer.came(last, "completed")
    viewer.assert_whole()
    assert max(viewer.delays()) < 2 + SLACK
    assert median(viewer.delays(since=max(began, back + 1))) < 0.4, "it is not heard again"


@pytest.mark.parametrize("seconds", [3, 15, 60])
def test_away_for_a_while(site: Site, broker: Broker, seconds: int) -> None:
    project = site.stack.project("Away")
    with Viewer(site.stack, project) as viewer, Posting(site.stack, project, every=max(0.5, seconds / 20)) as posting:
        posting.go_on(2)
        broker.kill()
        posting.go_on(seconds)
        broker.start()
        back = time.time()
        posting.end()
        assert_nobody_noticed(site, posting, viewer, back)


def test_frozen(site: Site, broker: Broker) -> None:
    project = site.stack.project("Frozen")
    with Viewer(site.stack, project) as viewer, Posting(site.stack, project) as posting:
        posting.go_on(2)
        with stopped(broker.pid):
            posting.go_on(15)
        back = time.time()
        posting.end()
        assert_nobody_noticed(site, posting, viewer, back)


def test_flapping(site: Site, broker: Broker) -> None:
    project = site.stack.project("Flapping")
    with Viewer(site.stack, project) as viewer, Posting(site.stack, project) as posting:
        for _ in range(10):
            broker.kill()
            posting.go_on(0.7)
            broker.start()
            posting.go_on(0.7)
        back = time.time()
        posting.end()
        assert_nobody_noticed(site, posting, viewer, back)


def test_restarted_empty_while_messages_wait(site: Site, broker: Broker) -> None:
    project = site.stack.project("Empty")
    texts = [f"{TEXT} It was number {number}." for number in range(12)]
    with Viewer(site.stack, project) as viewer:
        with site.paused("worker", "claimed"):
            site.save(project, *texts)
            wait_for(lambda: site.ask("queued", queue="ingest") or None, PATIENCE)
            with stopped(site.stack.processes["dispatcher"]):  # or it rings again before anybody can look
                broker.kill()
                broker.start()
                assert not site.ask("queued", queue="ingest")
        site.assert_whole(project, *texts)
        [last] = site.save(project, OTHER)
        viewer.came(last, "completed")
        viewer.assert_whole()
