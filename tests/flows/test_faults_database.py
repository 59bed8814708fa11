"""PostgreSQL goes away and comes back: what was answered 201 is there and is done, the rest was answered 503."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.flows.faults_parts import Posting
from tests.flows.faults_site import OTHER, SLACK, TEXT, Site, Viewer
from tests.postgres import Server
from tests.stack import PATIENCE, wait_for

pytestmark = [pytest.mark.flow, pytest.mark.slow]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One of its own, since it is stopped; not in pytest's folder, which another run would close to its user again."""
    with tempfile.TemporaryDirectory(prefix="memstack-pg-") as folder:
        running = Server(Path(folder) / "data")
        yield running
        running.stop()


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[Site]:
    with Site(database_url=server.new_database("faults")) as running:
        running.expected(TEXT)
        yield running


def ready(site: Site) -> bool | None:
    return httpx.get(f"{site.stack.url}/readyz", timeout=PATIENCE).status_code == 200 or None


def assert_kept(site: Site, posting: Posting, viewer: Viewer) -> None:
    """All that was answered 201 is there. A row more may be: its commit came through, the answer did not."""
    assert set(posting.statuses) == {201, 503}
    assert all(posting.retry_after)
    texts = [text for text, _ in site.ask("memories", project=posting.project)]
    assert set(posting.texts) <= set(texts)
    assert len(texts) <= len(posting.texts) + 2
    [last] = site.save(posting.project, OTHER)
    site.assert_whole(posting.project, *texts, OTHER)
    viewer.came(last, "completed")
    viewer.assert_whole()


def test_restarted_five_times(site: Site, server: Server) -> None:
    project = site.stack.project("Restarts")
    with Viewer(site.stack, project) as viewer, Posting(site.stack, project, every=0.2) as posting:
        for _ in range(5):
            posting.go_on(2)
            server.halt()
            posting.go_on(1)
            server.resume()
        posting.go_on(2)
        posting.end()
        wait_for(lambda: ready(site), PATIENCE)
        assert_kept(site, posting, viewer)


def test_down_for_half_a_minute(site: Site, server: Server) -> None:
    project = site.stack.project("Down")
    with Viewer(site.stack, project) as viewer, Posting(site.stack, project) as posting:
        with site.paused("worker", "extract", project):
            site.caught("worker", "extract")
            server.halt()
            down = time.monotonic()
        posting.go_on(2)
        assert ready(site) is None
        assert httpx.get(f"{site.stack.url}/healthz", timeout=PATIENCE).status_code == 200
        page = httpx.get(f"{site.stack.url}/project/{project}/", cookies={"sessionid": "a" * 32}, timeout=PATIENCE)
        assert (page.status_code, bool(page.headers.get("Retry-After"))) == (503, True)
        posting.go_on(max(0, 30 - (time.monotonic() - down)))
        server.resume()
        wait_for(lambda: ready(site), PATIENCE)
        posting.go_on(3)
        posting.end()
        assert max(posting.seconds) < 8 + SLACK
        assert_kept(site, posting, viewer)


def test_logs_and_metrics_tell_of_it(site: Site, server: Server, tmp_path: Path) -> None:
    server.halt()
    try:
        told = httpx.get(f"{site.stack.url}/metrics", timeout=PATIENCE)
        assert "memstack_database_up 0.0" in told.text
    finally:
        server.resume()
    wait_for(lambda: ready(site), PATIENCE)
    assert "memstack_database_up 1.0" in httpx.get(f"{site.stack.url}/metrics", timeout=PATIENCE).text
