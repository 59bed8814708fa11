"""The import's page in a real browser: dropped files, the upload's progress, the live counter, what can't be taken."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.pages.conftest import Visitor, visit
from tests.stack import Stack

pytestmark = pytest.mark.browser

DROP = """(zone, files) => {
  const carrier = new DataTransfer();
  for (const [name, text] of files) carrier.items.add(new File([text], name));
  for (const type of ["dragenter", "dragover", "drop"]) {
    zone.dispatchEvent(new DragEvent(type, { dataTransfer: carrier, bubbles: true, cancelable: true }));
  }
}"""
COUNTS = """() => {
  window.seen = [];
  const counter = document.querySelector('task-progress [data-part="counter"]');
  new MutationObserver(() => window.seen.push(counter.textContent)).observe(counter, { childList: true });
}"""


@pytest.fixture
def root(stack: Stack, request: pytest.FixtureRequest) -> str:
    return f"/project/{stack.project(request.node.name[:100])}"


def lines(count: int, *bad: str) -> str:
    return "\n".join([*(json.dumps({"content": f"Day {n}."}) for n in range(count)), *bad])


def drop(page: Page, *files: tuple[str, str]) -> None:
    page.locator('[data-part="zone"]').evaluate(DROP, [list(file) for file in files])


def send(page: Page) -> None:
    page.get_by_role("button", name="Import", exact=True).click()


def test_dropped_files_are_imported_and_counted_live(visitor: Visitor, stack: Stack, root: str) -> None:
    page = visitor.open(f"{root}/memories")
    page.get_by_role("link", name="Import files").click()
    drop(page, ("many.jsonl", lines(40, "no", '{"content": ""}')), ("<b>note.txt", "Ada stayed."))
    expect(page.locator('[data-part="chosen"]')).to_contain_text("many.jsonl, <b>note.txt, ")
    send(page)
    page.wait_for_url(f"**{root}/import/*")
    expect(page.get_by_role("heading", level=1)).to_have_text("2 files")
    page.evaluate(COUNTS)
    card = page.locator("task-progress")
    expect(card.locator('[data-part="counter"]')).to_have_text(re.compile(r"[1-9]\d* of 41"), timeout=180_000)
    expect(card).to_have_attribute("data-status", "completed", timeout=240_000)
    told = [int(text.split()[0]) for text in page.evaluate("window.seen") if text]
    falls = [i for i in range(1, len(told)) if told[i] < told[i - 1]]
    assert len(falls) <= 1  # what is saved is counted first, then what is read
    assert len(set(told[falls[0] if falls else 0 :])) >= 3
    expect(card).to_contain_text("41 completed, 0 failed")
    rejected = page.get_by_role("table")
    expect(rejected).to_contain_text("many.jsonl, line 41")
    expect(rejected).to_contain_text("This is not JSON")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all 2 as CSV").click()
    assert len(Path(download.value.path()).read_text().splitlines()) == 3
    page.get_by_role("link", name="Import more").click()
    expect(page.get_by_role("row", name="2 files")).to_contain_text("Completed")
    page.get_by_role("link", name="2 files").click()
    card.get_by_role("link", name="See the memories").click()
    expect(page.get_by_role("link", name="<b>note.txt")).to_be_visible()


def test_what_is_refused_is_told_on_the_spot_and_the_form_stays(visitor: Visitor, root: str) -> None:
    page = visitor.open(f"{root}/import")
    drop(page, ("bad.jsonl", "<i>no</i>\nneither"))
    send(page)
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("No memory in it can be imported. Nothing was saved.")
    expect(problem).to_contain_text("Line 1 This is not JSON")
    visitor.forgive("400")
    drop(page, ("good.jsonl", lines(1)))
    expect(problem).to_have_count(0)
    send(page)
    page.wait_for_url(f"**{root}/import/*")


def test_the_same_content_again_leads_to_the_import_that_runs(visitor: Visitor, stack: Stack, root: str) -> None:
    text = lines(200)
    for name in ("one.jsonl", "two.jsonl"):
        page = visitor.open(f"{root}/import")
        drop(page, (name, text))
        send(page)
        if name == "one.jsonl":
            page.wait_for_url(f"**{root}/import/*")
    page.get_by_role("link", name="See the running import").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("one.jsonl")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("task-progress")).to_have_attribute("data-status", "cancelled")
    visitor.forgive("409")


def test_too_much_is_told_before_it_is_sent(visitor: Visitor, root: str) -> None:
    page = visitor.open(f"{root}/import")
    page.locator("import-drop").evaluate("(element) => (element.dataset.maxBytes = 1000)")
    drop(page, ("large.txt", "a" * 1001))
    expect(page.get_by_role("alert")).to_contain_text("An upload may have 1000 bytes")
    page.on("request", lambda request: pytest.fail("it was sent") if request.method == "POST" else None)
    send(page)
    page.locator("import-drop").evaluate("(element) => (element.dataset.maxFiles = 1)")
    drop(page, ("a.txt", "a"), ("b.txt", "b"))
    expect(page.get_by_role("alert")).to_contain_text("put them into a zip archive")


def test_the_upload_shows_how_far_it_is_and_can_be_stopped(visitor: Visitor, root: str) -> None:
    page = visitor.open(f"{root}/import")
    network = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 300_000}
    network.send("Network.emulateNetworkConditions", slow)
    drop(page, ("large.txt", "Ada stayed. " * 250_000))
    send(page)
    expect(page.locator('[data-part="sent"]')).to_have_text(re.compile(r"of 2\.9 MB sent"))
    assert page.locator('[data-part="bar"]').evaluate("(bar) => bar.value") < 100
    page.get_by_role("button", name="Stop the upload").click()
    expect(page.get_by_role("alert")).to_contain_text("You stopped the upload. Nothing was imported.")
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_enabled()


@pytest.fixture
def plain(chromium: Browser, stack: Stack) -> Iterator[Visitor]:
    """Alice without scripts."""
    alice = visit(chromium, stack, java_script_enabled=False)
    yield alice
    alice.context.close()
    assert not alice.complaints


def test_without_scripts_it_is_a_form(plain: Visitor, stack: Stack, root: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ada stayed.")
    page = plain.open(f"{root}/import")
    page.get_by_label("Files").set_input_files([tmp_path / "a.txt"])
    send(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("a.txt")
    expect(page.locator("task-progress")).to_be_visible()
    (tmp_path / "b.jsonl").write_text("no")
    page = plain.open(f"{root}/import")
    page.get_by_label("Files").set_input_files([tmp_path / "b.jsonl"])
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("No memory in it can be imported")
    plain.forgive("400")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_report_fits_and_has_no_serious_obstacles(
    chromium: Browser, stack: Stack, root: str, width: int, scheme: str
) -> None:
    body = {"project": root.rpartition("/")[2]}
    data = lines(1, *["5"] * 60)
    files = {"file": ("Long" * 60 + ".jsonl", data)}
    task = stack.client.post("/api/v1/memories/import", data=body, files=files).json()["task_id"]
    visitor = visit(chromium, stack, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = visitor.open(f"{root}/tasks/{task}")
    page.get_by_role("link", name="What was imported, and what could not be taken").click()
    expect(page.get_by_text("Line 2", exact=True)).to_be_visible()
    for _ in range(2):
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        found = Axe().run(page).response["violations"]
        assert not [rule["id"] for rule in found if rule["impact"] in ("serious", "critical")]
        page.goto(f"{stack.url}{root}/import")
    visitor.context.close()
    assert not visitor.complaints
