"""The live parts, in a real browser, against real processes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.pages.conftest import Visitor
from tests.stack import Stack

pytestmark = pytest.mark.browser

NOTE_WHAT_IS_SHOWN = """addEventListener("DOMContentLoaded", () => {
  const card = document.querySelector("task-progress");
  if (!card) return;
  let ended;
  const note = () => {
    if (card.dataset.status === "completed") ended ??= Date.now();
    const progress = card.querySelector("progress").getAttribute("aria-valuenow");
    const heading = document.querySelector("h1").textContent.trim();
    sessionStorage.shown = JSON.stringify([heading, card.dataset.status, progress, card.textContent, ended]);
  };
  new MutationObserver(note).observe(card, { subtree: true, childList: true, attributes: true });
  note();
});"""
STREAM = re.compile(r"/stream(\?|$)")
LONG = "\n\n".join(
    f"In {1900 + number % 100} Ada Lovelace met Charles Babbage in London. She moved to Lisbon. He stayed at Oxford. "
    f"They wrote {number} letters about the Analytical Engine and sent them to Mary Somerville in Edinburgh."
    for number in range(600)
)


@pytest.fixture
def root(stack: Stack, request: pytest.FixtureRequest) -> str:
    return f"/project/{stack.project(request.node.name)}"


def save(page: Page, title: str, text: str) -> None:
    page.get_by_label("Text", exact=True).last.fill(text)
    page.get_by_label("Title").fill(title)
    page.get_by_role("button", name="Save memory").click()


def ingested(stack: Stack, root: str, text: str = "Ada Lovelace met Charles Babbage in London.") -> str:
    memory = stack.post("memories", {"project": root.rpartition("/")[2], "content": text, "title": "First"})
    stack.wait_for_task(memory["task_id"])
    return str(memory["id"])


def test_a_new_memory_is_watched_until_it_is_read(visitor: Visitor, root: str) -> None:
    visitor.context.add_init_script(NOTE_WHAT_IS_SHOWN)
    page = visitor.open(f"{root}/memories/new")
    save(page, "A letter", "Ada Lovelace moved to Lisbon in May 2021. She works with Charles Babbage.")
    page.wait_for_url(f"**{root}/memories")
    heading, status, progress, words, ended = page.evaluate("JSON.parse(sessionStorage.shown)")
    assert (heading, status, progress) == ("Memory saved", "completed", "100")
    assert re.search(r"\d+ passages?, \d+ entit", words)
    assert 1000 < page.evaluate("performance.timeOrigin") - ended < 10_000, "there was time to read it"
    expect(page.get_by_role("row", name="A letter")).to_contain_text("Completed")


def test_the_stages_show_one_after_the_other(visitor: Visitor, root: str) -> None:
    page = visitor.open(f"{root}/memories/new")
    seen: list[int] = []

    def tell(percent: str) -> None:
        seen.append(int(percent))

    page.expose_function("tell", tell)
    page.add_init_script(
        """addEventListener("DOMContentLoaded", () => {
          const bar = document.querySelector("task-progress progress");
          if (bar) new MutationObserver(() => tell(bar.getAttribute("aria-valuenow")))
            .observe(bar, { attributes: true, attributeFilter: ["aria-valuenow"] });
        });"""
    )
    save(page, "Long", LONG[:40_000])
    expect(page.locator('[data-part="connection"]')).to_have_text("Live")
    expect(page.locator('[data-part="counter"]')).to_have_text(re.compile(r"\d+ of \d+"))
    expect(page.locator("task-progress")).to_have_attribute("data-status", "completed", timeout=180_000)
    assert seen == sorted(seen)
    assert len(set(seen)) >= 3


def test_rows_of_the_list_move_and_new_ones_come(visitor: Visitor, stack: Stack, root: str) -> None:
    ingested(stack, root)
    page = visitor.open(f"{root}/memories")
    expect(page.get_by_role("row")).to_have_count(2)
    body = {"project": root.rpartition("/")[2], "content": LONG[:40_000], "title": "Second"}
    stack.post("memories", body)
    row = page.get_by_role("row", name="Second")
    expect(row).to_be_visible()
    expect(row).to_contain_text("Completed", timeout=180_000)
    expect(page.get_by_role("row")).to_have_count(3)


def test_cancel(visitor: Visitor, stack: Stack, root: str) -> None:
    page = visitor.open(f"{root}/memories/new")
    save(page, "Long", LONG)
    card = page.locator("task-progress")
    expect(card).to_have_attribute("data-status", "processing")
    card.get_by_role("button", name="Cancel").click()
    expect(card).to_have_attribute("data-status", "cancelled")
    expect(card.get_by_role("button", name="Cancel")).to_be_hidden()
    expect(card.get_by_role("button", name="Retry")).to_be_visible()
    page.wait_for_timeout(1800)
    assert "saved=" in page.url


def test_rebuild(visitor: Visitor, stack: Stack, root: str) -> None:
    ingested(stack, root, LONG[:5000])
    page = visitor.open(f"{root}/communities")
    page.get_by_role("button", name="Rebuild communities").click()
    card = page.locator("task-progress")
    expect(card).to_have_attribute("data-status", "completed")
    expect(card).to_contain_text(re.compile(r"\d+ communit"))
    expect(page.locator(".card").first).to_be_visible()


def test_tabs_share_one_stream(visitor: Visitor, stack: Stack, root: str) -> None:
    streams: list[str] = []
    visitor.context.on("request", lambda request: streams.append(request.url) if STREAM.search(request.url) else None)
    pages = [visitor.open(f"{root}/memories") for _ in range(3)]
    stack.post("memories", {"project": root.rpartition("/")[2], "content": "Ada lives.", "title": "Shared"})
    for page in pages:
        expect(page.get_by_role("row", name="Shared")).to_contain_text("Completed")
    assert len(streams) == 1
    pages[0].close()
    stack.post("memories", {"project": root.rpartition("/")[2], "content": "Bob lives.", "title": "After"})
    expect(pages[1].get_by_role("row", name="After")).to_contain_text("Completed")
    assert len(streams) == 2


def test_without_streams_the_page_asks_and_says_so(visitor: Visitor, root: str) -> None:
    visitor.context.route(STREAM, lambda route: route.abort())
    page = visitor.open(f"{root}/memories/new")
    save(page, "Polled", LONG[:60_000])
    expect(page.locator('[data-part="connection"]')).to_contain_text("asking every few seconds")
    expect(page.locator("task-progress")).to_have_attribute("data-status", "completed", timeout=180_000)
    visitor.forgive("ERR_FAILED")


def test_a_stream_that_breaks_comes_back(visitor: Visitor, stack: Stack, root: str) -> None:
    page = visitor.open(f"{root}/memories/new")
    save(page, "Broken off", LONG[:60_000])
    expect(page.locator('[data-part="connection"]')).to_have_text("Live")
    visitor.context.set_offline(True)
    page.wait_for_timeout(500)
    visitor.context.set_offline(False)
    expect(page.locator("task-progress")).to_have_attribute("data-status", "completed", timeout=180_000)
    visitor.forgive("ERR_INTERNET_DISCONNECTED")


def test_without_scripts_a_reload_shows_the_state(visitor: Visitor, stack: Stack, root: str) -> None:
    state = visitor.context.storage_state()
    browser = visitor.context.browser
    assert browser is not None
    context = browser.new_context(java_script_enabled=False, storage_state=state)
    page = context.new_page()
    page.goto(f"{visitor.url}{root}/memories/new")
    save(page, "Plain", "Ada Lovelace lives in London.")
    for _ in range(300):
        if page.locator('task-progress[data-status="completed"]').count():
            break
        page.wait_for_timeout(100)
        page.reload()
    page.get_by_role("link", name="Read the memory").click()
    expect(page.get_by_role("heading", name="Plain")).to_be_visible()
    page.get_by_role("button", name="Read it again").click()
    expect(page.locator("task-progress, .reading").first).to_be_visible()
    context.close()


def test_pointing_at_a_fact_lights_up_where_it_is_said(visitor: Visitor, stack: Stack, root: str) -> None:
    memory = ingested(stack, root, "Ada Lovelace moved to Lisbon in May 2021. Charles Babbage lives in London.")
    page = visitor.open(f"{root}/memories/{memory}")
    fact = page.locator(".fact").first
    fact.hover()
    expect(page.locator(".said.lit").first).to_be_visible()
    mention = page.locator(".mention").first
    mention.focus()
    expect(mention).to_have_class(re.compile("lit"))
    expect(page.locator(".fact.lit").first).to_be_visible()


def test_search_leads_into_the_memory_at_the_passage(visitor: Visitor, stack: Stack, root: str) -> None:
    ingested(stack, root, "Ada Lovelace moved to Lisbon in May 2021.\n\nCharles Babbage lives in London.")
    page = visitor.open(f"{root}/search")
    page.get_by_label("Search for").fill("Lisbon")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".result mark").first).to_have_text("Lisbon")
    page.locator(".result a[href*='#hit']").first.click()
    expect(page.locator("#hit")).to_be_in_viewport()


def test_the_theme_stays(visitor: Visitor) -> None:
    page = visitor.open("/")
    page.get_by_role("button", name="Switch to the dark theme").click()
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).colorScheme || document.documentElement.dataset.theme")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    expect(page.get_by_role("button", name="Switch to the light theme")).to_be_visible()
