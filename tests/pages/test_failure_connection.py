"""What a page says and does when there is no stream, no worker, no dispatcher; and that all of it goes away again."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.pages import recorder
from tests.pages.conftest import Visitor, visit
from tests.pages.test_live import LONG, STREAM
from tests.stack import Stack

pytestmark = pytest.mark.browser

TEXT = "Ada Lovelace met Charles Babbage in London. She moved to Lisbon."
NO_SIGN_OF_LIFE = "from tasks_app.models import WorkerHeartbeat; WorkerHeartbeat.objects.all().delete()"
NOTE_PAUSES = """
const later = setTimeout;
globalThis.pauses = [];
globalThis.setTimeout = (call, pause, ...rest) => {
  if (String(call).includes("connect()")) pauses.push(pause);
  return later(call, pause, ...rest);
};
"""
MUTE = """
globalThis.EventSource = class extends EventTarget {
  constructor() { super(); muted += 1; setTimeout(() => this.onopen(), 10); }
  close() {}
};
globalThis.muted = 0;
"""


def words_of(page: Page) -> Locator:
    """Of the notice; a screen reader is told the same."""
    return page.locator('connection-notice [data-part="words"]')


def cut(guest: Visitor, own: Stack) -> None:
    """Breaks the stream, and lets no new one through."""
    guest.context.route(STREAM, lambda route: route.abort())
    own.wait_until_restarted("web", own.send("web", signal.SIGKILL))


def live_page(own: Stack, guest: Visitor, name: str) -> tuple[Page, str]:
    project = own.project(name)
    page = guest.open(f"/project/{project}/tasks")
    own.wait_for_task(own.post("memories", {"project": project, "content": TEXT, "title": "First"})["task_id"])
    expect(page.get_by_role("row", name="First")).to_contain_text("Completed")
    return page, project


def test_a_break_is_told_polled_over_and_forgotten_when_it_is_mended(own: Stack, guest: Visitor) -> None:
    page, project = live_page(own, guest, "Broken")
    notice = page.locator("connection-notice")
    expect(notice.get_by_role("button")).to_have_count(0)
    cut(guest, own)
    expect(words_of(page)).to_contain_text(re.compile("The live connection broke|No live connection"))
    expect(words_of(page)).to_be_visible()
    expect(notice.get_by_role("status")).to_contain_text("connection")
    expect(words_of(page)).to_contain_text("asks for news every few seconds")
    own.post("memories", {"project": project, "content": TEXT, "title": "Polled"})
    expect(page.get_by_role("row", name="Polled")).to_contain_text("Completed")
    guest.context.unroute(STREAM)
    expect(words_of(page)).to_be_empty(timeout=30_000)  # it tries again by itself
    expect(notice.get_by_role("button")).to_have_count(0)
    guest.forgive("ERR_")


def test_trying_again_at_ones_own_wish(own: Stack, guest: Visitor) -> None:
    page, project = live_page(own, guest, "Again")
    other = guest.open(f"/project/{project}/memories")
    cut(guest, own)
    expect(words_of(other)).to_contain_text("asks for news every few seconds")
    guest.context.unroute(STREAM)
    other.get_by_role("button", name="Try again").click()  # in the tab that listens to the other one
    for each in (page, other):
        expect(words_of(each)).to_be_empty(timeout=5000)
    guest.forgive("ERR_")


def test_a_dismissed_notice_comes_back_with_the_next_break_only(own: Stack, guest: Visitor) -> None:
    page, _ = live_page(own, guest, "Dismissed")
    cut(guest, own)
    page.get_by_role("button", name="Dismiss").click()
    expect(words_of(page)).to_be_empty()
    expect(page.locator(".list-connection .connection")).to_contain_text("asking every few seconds")
    expect(words_of(page)).to_be_empty()
    guest.context.unroute(STREAM)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator(".list-connection .connection")).to_be_hidden()
    cut(guest, own)
    expect(words_of(page)).not_to_be_empty()
    page.close()
    guest.forgive("ERR_")


def test_pauses_between_tries_grow_and_differ(own: Stack, guest: Visitor) -> None:
    guest.context.route(STREAM, lambda route: route.abort())
    page = guest.open()
    page.clock.install()
    page.add_init_script(NOTE_PAUSES)
    page.goto(f"{guest.url}/project/{own.project('Patient')}/tasks")
    for _ in range(200):
        page.clock.run_for(1000)
        if len(pauses := [each for each in page.evaluate("pauses") if each > 100]) >= 9:
            break
    for number, pause in enumerate(pauses[:9]):
        assert 0.5 <= pause / min(30_000, 500 * 2**number) <= 1.5
    shares = [pause / min(30_000, 500 * 2**number) for number, pause in enumerate(pauses[:9])]
    assert max(shares) - min(shares) > 0.05
    page.close()
    guest.forgive("ERR_")


def test_a_stream_that_opens_and_says_nothing_is_given_up(own: Stack, guest: Visitor) -> None:
    """As behind a proxy that holds answers back until they are whole."""
    project = own.project("Mute")
    recorder.rest(own, begin=True)
    try:
        task_id = own.post("memories", {"project": project, "content": TEXT})["task_id"]
        page = guest.open()
        page.add_init_script(MUTE)
        page.clock.install()
        page.goto(f"{guest.url}/project/{project}/tasks/{task_id}")
        expect(page.locator('task-progress [data-part="connection"]')).to_have_text("Live")
    finally:
        recorder.rest(own, begin=False)
    own.wait_for_task(task_id)
    page.clock.run_for(40_000)
    expect(page.locator("task-progress")).to_have_attribute("data-status", "completed")
    page.clock.run_for(2000)
    # Opened anew for each look that finds something new. The page's clock goes on while the worker works, so one look
    # may fall between two steps of the task, and the next one finds its end.
    assert page.evaluate("muted") in {2, 3}


def test_missing_processes_are_told_with_what_to_do_and_the_banner_goes(own: Stack, guest: Visitor) -> None:
    page = guest.open(f"/project/{own.project('Alone')}/tasks")
    banner = page.locator(".banner:visible")
    expect(banner).to_have_count(0)
    for name in ("worker", "dispatcher"):
        own.send(name, signal.SIGSTOP)
    try:
        own.manage("shell", "-c", NO_SIGN_OF_LIFE)
        expect(banner).to_have_count(2)
        expect(banner.first).to_contain_text("celery -A memstack worker")
        expect(banner.last).to_contain_text("manage.py dispatcher")
        page.reload()
        expect(banner).to_have_count(2)
    finally:
        for name in ("worker", "dispatcher"):
            own.send(name, signal.SIGCONT)
    expect(banner).to_have_count(0)


def test_the_communities_are_drawn_anew_when_a_rebuild_is_done(own: Stack, guest: Visitor) -> None:
    project = own.project("Regrouped")
    page = guest.open(f"/project/{project}/communities")
    page.evaluate("globalThis.untouched = true")
    expect(page.get_by_text("No communities yet")).to_be_visible()
    own.wait_for_task(own.post("memories", {"project": project, "content": LONG[:3000]})["task_id"])
    own.post("communities/rebuild", {"project": project})
    expect(page.locator(".card").first).to_be_visible()
    assert page.evaluate("untouched")


def test_a_list_that_could_not_be_read_is_read_again(own: Stack, guest: Visitor) -> None:
    page, project = live_page(own, guest, "Unread")
    refused: list[str] = []

    def refuse(route: Route) -> None:
        refused.append(route.request.url)
        route.abort()

    page.route("**/tasks", refuse, times=1)
    own.post("memories", {"project": project, "content": TEXT, "title": "Second"})
    expect(page.get_by_role("row", name="Second")).to_contain_text("Completed")
    assert refused
    guest.forgive("ERR_FAILED")


@pytest.fixture
def elsewhere(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[tuple[Stack, Visitor]]:
    """A MemStack with other settings, and Alice there."""
    with Stack(environment=request.param) as stack:
        alice = visit(chromium, stack)
        yield stack, alice
        alice.context.close()
        assert not alice.complaints


@pytest.mark.parametrize("elsewhere", [{"MEMSTACK_STREAMS": "off"}], indirect=True)
def test_with_streams_off_the_page_polls_and_says_so(elsewhere: tuple[Stack, Visitor]) -> None:
    stack, alice = elsewhere
    asked: list[str] = []
    alice.context.on("request", lambda request: asked.append(request.url))
    said: list[str] = []
    project = stack.project("Off")
    memory = stack.post("memories", {"project": project, "content": LONG[:60_000]})
    page = alice.open()
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{alice.url}/project/{project}/tasks/{memory['task_id']}")
    expect(page.locator('task-progress [data-part="connection"]')).to_have_text(re.compile("streams are off: asking"))
    expect(words_of(page)).to_contain_text("MEMSTACK_STREAMS=off")
    expect(page.locator("task-progress")).to_have_attribute("data-status", "completed", timeout=180_000)
    page.get_by_role("button", name="Dismiss").click()
    page.goto(f"{alice.url}/project/{project}/tasks")
    page.wait_for_timeout(1500)
    expect(words_of(page)).to_be_empty()
    assert not [url for url in asked if STREAM.search(url)]
    assert said == []


@pytest.mark.slow
@pytest.mark.parametrize("elsewhere", [{"MEMSTACK_DEBUG": "on"}], indirect=True)
def test_with_debugging_on_the_console_tells_of_connections_and_events(elsewhere: tuple[Stack, Visitor]) -> None:
    stack, alice = elsewhere
    project = stack.project("Told")
    page = alice.open()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{alice.url}/project/{project}/tasks")
    task_id = stack.post("memories", {"project": project, "content": TEXT})["task_id"]
    expect(page.get_by_role("row", name="Ingest")).to_contain_text("Completed")
    events = stack.get(f"tasks/{task_id}/events")["results"]
    assert len([line for line in said if line.startswith("[event]") and task_id in line]) == len(events)
    assert any(line.startswith("[stream] connecting") for line in said)
    assert "[stream] open" in said
