"""Many tabs, one connection: HTTP/1.1 has six to a server, and a browser that uses them up shows nothing any more."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.pages import recorder
from tests.pages.conftest import Visitor
from tests.pages.test_live import LONG, STREAM
from tests.stack import Stack

pytestmark = pytest.mark.browser

SHORT = "Ada Lovelace lives in London."
HOLD_THE_LOCK = "void navigator.locks.request('memstack-stream', () => new Promise(() => {})).catch(() => {})"
TAKE_THE_LOCK = "navigator.locks.request('memstack-stream', { steal: true }, () => {})"
NO_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })"
REFUSED_LOCKS = "LockManager.prototype.request = () => Promise.reject(new DOMException('no', 'SecurityError'))"
HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@dataclass
class Streams:
    """The streams that a browser has open: a request for one ends with the stream, or with its tab."""

    asked: set[Request] = field(default_factory=set)

    def add(self, request: Request) -> None:
        if STREAM.search(request.url):
            self.asked.add(request)

    def remove(self, request: Request) -> None:
        self.asked.discard(request)

    def settle(self, page: Page, count: int) -> None:
        """Waits until so many are open."""
        deadline = time.monotonic() + 60
        while len(self.urls) != count and time.monotonic() < deadline:
            page.wait_for_timeout(50)
        assert len(self.urls) == count

    @property
    def urls(self) -> list[str]:
        return [request.url for request in self.asked if not request.frame.page.is_closed()]


@pytest.fixture
def streams(guest: Visitor) -> Streams:
    streams = Streams()
    guest.context.on("request", streams.add)
    guest.context.on("requestfinished", streams.remove)
    guest.context.on("requestfailed", streams.remove)
    return streams


def tabs(own: Stack, guest: Visitor, project: str, text: str, count: int) -> tuple[list[Page], str]:
    """Tabs that show the same task, which begins when all of them are live."""
    recorder.rest(own, begin=True)
    try:
        task_id = own.post("memories", {"project": project, "content": text})["task_id"]
        pages = [guest.open(f"/project/{project}/tasks/{task_id}") for _ in range(count)]
        for page in pages:
            expect(page.locator('task-progress [data-part="connection"]')).to_have_text("Live")
    finally:
        recorder.rest(own, begin=False)
    return pages, task_id


def saved(own: Stack, project: str, title: str) -> None:
    own.post("memories", {"project": project, "content": SHORT, "title": title})


def test_eight_tabs_draw_every_event_over_one_connection(own: Stack, guest: Visitor, streams: Streams) -> None:
    pages, task_id = tabs(own, guest, own.project("Eight"), LONG[:10_000], 8)
    for page in pages:
        recorder.assert_all_drawn(own, page, task_id)
    assert len(streams.urls) == 1


@pytest.mark.slow
def test_another_tab_takes_over_and_no_event_is_lost(own: Stack, guest: Visitor, streams: Streams) -> None:
    pages, task_id = tabs(own, guest, own.project("Heirs"), LONG[:60_000], 4)
    for _ in range(2):
        leader = pages.pop(0)
        expect(leader.locator('[data-part="counter"]')).not_to_be_empty()
        leader.close()
        pages[0].wait_for_timeout(300)
    assert own.get(f"tasks/{task_id}")["status"] == "processing"
    for page in pages:
        recorder.assert_all_drawn(own, page, task_id)
    assert len(streams.urls) == 1


def test_a_tab_that_comes_late_is_told_what_the_others_had(own: Stack, guest: Visitor) -> None:
    (first,), _ = tabs(own, guest, own.project("Late"), LONG[:60_000], 1)
    expect(first.locator('[data-part="counter"]')).not_to_be_empty()
    page = guest.open()

    def be_late(route: Route) -> None:
        before = recorder.drawn(first).seqs[-1]
        while recorder.drawn(first).seqs[-1] < before + 4:
            assert first.locator("task-progress").get_attribute("data-status") == "processing", "it was over too soon"
            first.wait_for_timeout(50)
        route.continue_()

    page.route("**/js/stream.js", be_late)  # late is the page's question, too, what has happened since it was drawn
    page.goto(first.url)
    expect(page.locator("task-progress")).to_have_attribute("data-status", "completed", timeout=180_000)
    seqs = list(recorder.drawn(page).seqs)
    assert len(seqs) > 3
    assert seqs == list(range(seqs[0], seqs[-1] + 1))


def test_tabs_of_eight_projects_are_all_live(own: Stack, guest: Visitor, streams: Streams) -> None:
    projects = [own.project(f"Many {number}") for number in range(8)]
    pages = [guest.open(f"/project/{project}/tasks") for project in projects]
    for project in projects:
        saved(own, project, f"Of {project}")
    for page, project in zip(pages, projects, strict=True):
        expect(page.get_by_role("row", name=f"Of {project}")).to_contain_text("Completed")
    streams.settle(pages[0], 1)
    assert all(project in streams.urls[0] for project in projects)
    pages[0].close()
    saved(own, projects[5], "After")
    expect(pages[5].get_by_role("row", name="After")).to_contain_text("Completed")


def test_a_tab_takes_over_from_one_that_does_not_answer(own: Stack, guest: Visitor) -> None:
    frozen = guest.open("/login")
    frozen.evaluate(HOLD_THE_LOCK)
    project = own.project("Frozen")
    page = guest.open(f"/project/{project}/tasks")
    saved(own, project, "Thawed")
    expect(page.get_by_role("row", name="Thawed")).to_contain_text("Completed")


def test_a_tab_whose_lock_was_taken_goes_on_listening(own: Stack, guest: Visitor, streams: Streams) -> None:
    project = own.project("Robbed")
    pages = [guest.open(f"/project/{project}/tasks") for _ in range(2)]
    pages[0].evaluate(TAKE_THE_LOCK)
    saved(own, project, "Kept")
    for page in pages:
        expect(page.get_by_role("row", name="Kept")).to_contain_text("Completed")
    assert len(streams.urls) == 1
    pages[1].close()  # which had the next turn
    saved(own, project, "Queued")
    expect(pages[0].get_by_role("row", name="Queued")).to_contain_text("Completed")


@pytest.mark.parametrize("script", [NO_LOCKS, REFUSED_LOCKS], ids=["none", "refused"])
def test_without_locks_each_tab_connects_while_it_is_looked_at(
    own: Stack, guest: Visitor, streams: Streams, script: str
) -> None:
    guest.context.add_init_script(script)
    project = own.project("Plain")
    pages = [guest.open(f"/project/{project}/tasks") for _ in range(2)]
    saved(own, project, "First")
    for page in pages:
        expect(page.get_by_role("row", name="First")).to_contain_text("Completed")
    pages[0].evaluate(HIDE, True)
    pages[1].evaluate(HIDE, True)
    streams.settle(pages[0], 0)
    saved(own, project, "Hidden")
    pages[0].evaluate(HIDE, False)
    expect(pages[0].get_by_role("row", name="Hidden")).to_contain_text("Completed")
    assert pages[1].get_by_role("row", name="Hidden").count() == 0
