"""Every stage is drawn as it happens, whatever becomes of the connection; compared with the events' own times."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.pages import recorder
from tests.pages.conftest import Visitor
from tests.pages.test_live import LONG
from tests.stack import Stack

pytestmark = pytest.mark.browser

TEXT = "Ada Lovelace met Charles Babbage in London in June 1833. She moved to Lisbon. He works with Mary Somerville."
AT_ONCE, STALL = 1000, 8000  # milliseconds, of most stages and of each; generous, for the machine has other work
COUNTS = re.compile(r"[1-9]\d* of \d+")
HEAR = """
globalThis.heard = [];
addEventListener("DOMContentLoaded", () => new MutationObserver((changes) => {
  for (const { addedNodes } of changes) if (addedNodes.length) heard.push(addedNodes[0].data);
}).observe(document.querySelector("task-progress [aria-live]"), { childList: true }));
"""


def started(own: Stack, guest: Visitor, path: str, body: dict[str, Any]) -> tuple[Page, str]:
    """The page of a task that begins when the page is live."""
    recorder.rest(own, begin=True)
    try:
        task_id = own.post(path, body)["task_id"]
        page = guest.open(f"/project/{body['project']}/tasks/{task_id}")
        expect(page.locator('task-progress [data-part="connection"]')).to_have_text("Live")
        assert recorder.drawn(page).first == "Waiting"
    finally:
        recorder.rest(own, begin=False)
    return page, task_id


def assert_soon(page: Page, expected: Sequence[recorder.Stage]) -> None:
    delays = recorder.delays(recorder.drawn(page), expected)
    assert min(delays) > -50
    assert median(delays) < AT_ONCE
    assert max(delays) < STALL


def test_each_stage_of_an_ingestion_is_drawn_when_it_happens(own: Stack, guest: Visitor) -> None:
    page, task_id = started(own, guest, "memories", {"project": own.project("Stages"), "content": TEXT})
    expected = recorder.assert_all_drawn(own, page, task_id)
    assert len(expected) == 7
    assert_soon(page, expected)


def test_each_stage_of_a_rebuild_is_drawn_when_it_happens(own: Stack, guest: Visitor) -> None:
    project = own.project("Rebuilt")
    own.wait_for_task(own.post("memories", {"project": project, "content": TEXT})["task_id"])
    page, task_id = started(own, guest, "communities/rebuild", {"project": project})
    expected = recorder.assert_all_drawn(own, page, task_id)
    assert len(expected) == 7
    assert_soon(page, expected)


@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGKILL])
def test_nothing_is_missed_over_a_restart_of_the_web_process(
    own: Stack, guest: Visitor, number: signal.Signals
) -> None:
    page, task_id = started(own, guest, "memories", {"project": own.project("Restart"), "content": LONG[:60_000]})
    expect(page.locator('[data-part="counter"]')).to_have_text(COUNTS)
    own.wait_until_restarted("web", own.send("web", number))
    assert own.get(f"tasks/{task_id}")["status"] == "processing"
    recorder.assert_all_drawn(own, page, task_id)
    guest.forgive("ERR_")


def test_a_screen_reader_hears_of_stages_and_of_nothing_else(own: Stack, guest: Visitor) -> None:
    guest.context.add_init_script(HEAR)
    page, task_id = started(own, guest, "memories", {"project": own.project("Heard"), "content": LONG[:20_000]})
    expected = recorder.assert_all_drawn(own, page, task_id)
    assert [words.partition(". ")[2] for words in page.evaluate("heard")] == [stage.words for stage in expected]
    assert page.locator("task-progress [aria-live]").count() == 1
    bar = page.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", "100")
    expect(bar).to_have_attribute("aria-valuemax", "100")


def test_a_bar_does_not_glide_for_who_wants_no_motion(own: Stack, guest: Visitor) -> None:
    project = own.project("Still")
    task_id = own.post("memories", {"project": project, "content": TEXT})["task_id"]
    page = guest.open()
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{guest.url}/project/{project}/tasks/{task_id}")
    moving = page.evaluate(
        "[...document.querySelectorAll('*')].filter((e) => parseFloat(getComputedStyle(e).transitionDuration) > 0.01)"
    )
    assert not moving
    own.wait_for_task(task_id)


def test_a_page_that_was_put_away_catches_up_when_it_is_shown_again(own: Stack, guest: Visitor) -> None:
    """What the browser does with its back and forward buttons, where it keeps the page in memory."""
    page, task_id = started(own, guest, "memories", {"project": own.project("Back"), "content": LONG[:20_000]})
    expect(page.locator('[data-part="counter"]')).to_have_text(COUNTS)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    own.wait_for_task(task_id)
    assert page.locator("task-progress").get_attribute("data-status") == "processing"
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    recorder.assert_all_drawn(own, page, task_id)


def test_back_and_forward_show_the_state(own: Stack, guest: Visitor) -> None:
    page, task_id = started(own, guest, "memories", {"project": own.project("Forth"), "content": LONG[:20_000]})
    page.get_by_role("link", name="Communities").first.click()
    own.wait_for_task(task_id)
    page.go_back()
    expect(page.locator("task-progress")).to_have_attribute("data-status", "completed")


def test_the_page_of_a_task_that_has_ended_waits_for_nothing(own: Stack, guest: Visitor) -> None:
    project = own.project("Ended")
    task_id = own.post("memories", {"project": project, "content": TEXT})["task_id"]
    own.wait_for_task(task_id)
    page = guest.open(f"/project/{project}/tasks/{task_id}")
    card = page.locator("task-progress")
    expect(card).to_contain_text("Episode ingestion completed")
    expect(card.locator('[data-part="connection"]')).to_be_hidden()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert not [url for url in asked if f"/tasks/{task_id}" in url]
    assert recorder.drawn(page).stages == []


def test_a_row_that_was_drawn_before_an_event_and_comes_after_it_shows_it(own: Stack, guest: Visitor) -> None:
    project = own.project("Overtaken")
    page = guest.open(f"/project/{project}/tasks")
    expect(page.get_by_text("Nothing has run yet")).to_be_visible()
    own.wait_for_task(own.post("memories", {"project": project, "content": TEXT, "title": "First"})["task_id"])
    expect(page.get_by_role("row", name="First")).to_contain_text("Completed")
    recorder.rest(own, begin=True)
    task_id = own.post("memories", {"project": project, "content": TEXT, "title": "Second"})["task_id"]

    def hold_back(route: Route) -> None:
        drawn = route.fetch()
        recorder.rest(own, begin=False)
        own.wait_for_task(task_id)
        page.wait_for_timeout(300)
        route.fulfill(response=drawn)
        page.unroute("**/tasks", hold_back)

    page.route("**/tasks", hold_back)
    expect(page.get_by_role("row", name="Second")).to_contain_text("Completed")
