"""A recording in a real browser: played from a part's time, marked while it is heard, by hand and without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from tests import recordings
from tests.flows.articles_parts import post_file
from tests.pages.conftest import Visitor, visit
from tests.stack import Stack

pytestmark = pytest.mark.browser
PLAYED = "() => { const { currentTime, paused } = document.querySelector('audio'); return [currentTime, paused]; }"
NOTE_WHAT_IS_HEARD = """() => {
  globalThis.heard = [];
  document.querySelectorAll(".spoken").forEach((part, number) => new MutationObserver(() => {
    if (part.classList.contains("heard") && heard.at(-1) !== number) heard.push(number);
  }).observe(part, { attributeFilter: ["class"] }));
}"""
FROM = "(second) => { const audio = document.querySelector('audio'); audio.currentTime = second; audio.play(); }"


@pytest.fixture(scope="module")
def address(stack: Stack) -> str:
    """The page of five sentences that were written down."""
    project = stack.project("Player")
    saved = post_file(stack, project, "austen.ogg", recordings.SPEECH.read_bytes())
    assert stack.wait_for_task(saved["task_id"], 240)["status"] == "completed"
    return f"/project/{project}/memories/{saved['id']}"


@pytest.fixture
def answers() -> list[Response]:
    return []


@pytest.fixture
def page(visitor: Visitor, address: str, answers: list[Response]) -> Iterator[Page]:
    page = visitor.open()
    page.on("response", lambda answer: answers.append(answer) if answer.url.endswith("/media") else None)
    page.goto(visitor.url + address)
    yield page
    page.close()


def played(page: Page) -> tuple[float, bool]:
    second, paused = page.evaluate(PLAYED)
    return float(second), bool(paused)


def test_a_part_is_played_from_its_time_and_marked(page: Page, answers: list[Response]) -> None:
    parts = page.locator(".spoken")
    expect(parts).to_have_count(2)
    second = parts.nth(1)
    at = float(second.get_attribute("data-seconds") or "")
    assert at > 10
    expect(page.locator(".heard")).to_have_count(0)
    second.get_by_role("link", name="Play from").click()
    expect(second).to_have_class(re.compile("heard"))
    page.wait_for_function(f"() => document.querySelector('audio').currentTime > {at} + 0.3")
    assert not played(page)[1]
    assert played(page)[0] < at + 15
    expect(page.locator("[aria-current=true]")).to_have_count(1)
    assert {answer.status for answer in answers} == {206}


def test_what_is_heard_is_marked_as_it_goes_on(page: Page) -> None:
    first, second = page.locator(".spoken").nth(0), page.locator(".spoken").nth(1)
    at = float(second.get_attribute("data-seconds") or "")
    page.evaluate(NOTE_WHAT_IS_HEARD)
    page.evaluate(FROM, at - 1)
    expect(second).to_have_class(re.compile("heard"))
    expect(first).not_to_have_class(re.compile("heard"))
    assert page.evaluate("heard") == [0, 1]


def test_by_the_keyboard(page: Page) -> None:
    link = page.locator(".spoken").nth(1).get_by_role("link", name="Play from")
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('audio').currentTime > 10")
    expect(link).to_be_focused()
    assert page.url.count("/media") == 0


def test_a_recording_that_this_browser_can_not_play_says_so(visitor: Visitor, address: str) -> None:
    page = visitor.open()
    page.route("**/media", lambda route: route.fulfill(status=200, content_type="audio/mpeg", body="no sound at all"))
    page.goto(visitor.url + address)
    expect(page.get_by_role("status").filter(has_text="can't play the recording")).to_be_visible()
    expect(page.get_by_role("link", name="Download it")).to_have_attribute("href", f"{address}/media")
    page.close()


def test_without_scripts_a_time_leads_to_the_recording(chromium: Browser, stack: Stack, address: str) -> None:
    alice = visit(chromium, stack, java_script_enabled=False)
    page = alice.open(address)
    expect(page.locator("audio[controls]")).to_be_visible()
    link = page.locator(".spoken").nth(1).get_by_role("link", name="Play from")
    expect(link).to_have_attribute("href", re.compile(rf"{address}/media#t=1\d\.\d\d"))
    alice.context.close()
