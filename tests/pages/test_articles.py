"""New memories from addresses and files in a browser, and a document as its reader sees it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.fetching.servers import Answer, Asked, Server, reply, serving
from tests.flows.articles_parts import PARAGRAPHS, page, pdf_file, post_article
from tests.pages.browser import Visitor, visit
from tests.pages.test_look import SHIFT, obstacles
from tests.stack import Stack

pytestmark = pytest.mark.browser
RICH = page().replace(
    b"</article>",
    b"<table><tr><th>Engine</th><th>Year</th></tr><tr><td>Difference engine</td><td>1822</td></tr></table>"
    b"<pre><code>for n in range(8):\n    bernoulli(n, with_a_name_that_is_longer_than_a_narrow_screen_can_show_at_once)"
    b"</code></pre>"
    b"<ol><li>Write it down.<ul><li>In ink, with a date.</li></ul></li><li>Have it printed.</li></ol></article>",
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving({"/rich": reply(RICH), "/plain": reply(page(title="Plain"))}) as running:
        yield running


@pytest.fixture(scope="module")
def reading(server: Server) -> Iterator[Stack]:
    with Stack(workers=2, environment={"MEMSTACK_PRIVATE_HOSTS": f"127.0.0.1:{server.port}"}) as running:
        yield running


@pytest.fixture
def reader(chromium: Browser, reading: Stack) -> Iterator[Visitor]:
    alice = visit(chromium, reading)
    yield alice
    alice.context.close()
    assert not alice.complaints


def drips_until(seen: threading.Event) -> Answer:
    """A byte now and then, and the rest at once when somebody has seen it."""

    def answer(asked: Asked, connection: socket.socket) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(RICH)}\r\n\r\n"
        connection.sendall(head.encode())
        for place in range(len(RICH)):
            if seen.wait(0.03):
                connection.sendall(RICH[place:])
                return
            connection.sendall(RICH[place : place + 1])

    return answer


def wide(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def test_an_article_is_watched_and_then_read(reader: Visitor, reading: Stack, server: Server) -> None:
    seen = threading.Event()
    server.answers["/dripping"] = drips_until(seen)
    project = reading.project("Watched")
    page = reader.open(f"/project/{project}/memories/new/addresses")
    page.get_by_label("Addresses").fill(server.url("/dripping"))
    page.get_by_role("button", name="Save").click()
    card = page.locator("task-progress")
    expect(card.locator('[data-part="stage"]')).to_contain_text("Fetching")
    expect(card.locator('[data-part="counter"]')).to_contain_text("bytes of 1.")
    seen.set()
    expect(page.get_by_role("heading", name="Summary")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("The analytical engine")
    article = page.get_by_role("article", name="Text")
    expect(article.locator("a.mention", has_text="Ada Lovelace").first).to_be_visible()
    expect(article.get_by_role("cell", name="Difference engine")).to_be_visible()
    expect(article.locator("ol > li > ul > li")).to_have_text("In ink, with a date.")
    page.locator(".digest a").first.click()
    expect(page.locator("#hit")).to_be_in_viewport()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_document_is_accessible_at_any_width(
    reader: Visitor, reading: Stack, server: Server, width: int, scheme: str
) -> None:
    project = reading.project(f"Look {width} {scheme}")
    saved = post_article(reading, project, server.url("/rich"))
    reading.wait_for_task(saved["task_id"])
    page = reader.open()
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    for path in (f"memories/{saved['id']}", "memories", "memories/new/addresses", "memories/new/files"):
        page.goto(f"{reading.url}/project/{project}/{path}")
        assert wide(page) <= 0, path
        assert page.evaluate(SHIFT) < 0.01, path
        assert not obstacles(page), path


def test_several_addresses_are_told_one_by_one(reader: Visitor, reading: Stack, server: Server) -> None:
    page = reader.open(f"/project/{reading.project('Several')}/memories/new/addresses")
    page.get_by_label("Addresses").fill(f"{server.url('/rich')}\nnonsense\n{server.url('/none')}")
    page.get_by_role("button", name="Save").click()
    rows = page.locator(".taken-row")
    expect(rows).to_have_count(3)
    expect(rows.nth(0).locator('[data-part="state"]')).to_have_text("Completed")
    expect(rows.nth(1).locator(".refusal")).to_contain_text("no address")
    expect(rows.nth(2).locator('[data-part="state"]')).to_have_text("Failed")
    expect(page.get_by_label("Addresses")).to_have_value("nonsense")
    reader.forgive("status of 400")


def test_files_are_sent_one_by_one_and_read(reader: Visitor, reading: Stack) -> None:
    page = reader.open(f"/project/{reading.project('Files')}/memories/new/files")
    page.get_by_label("Files", exact=True).set_input_files(
        [
            FilePayload(name="engine.pdf", mimeType="application/pdf", buffer=pdf_file(2)),
            FilePayload(name="photo.png", mimeType="image/png", buffer=b"\x89PNG\r\n\x1a\n" + b"\0" * 99),
            FilePayload(name="again.pdf", mimeType="application/pdf", buffer=pdf_file(2)),
        ]
    )
    page.get_by_label("Tags").fill("engines, old")
    page.get_by_role("button", name="Save").click()
    rows = page.locator(".taken-row")
    expect(rows).to_have_count(3)
    expect(rows.nth(0).locator('[data-part="state"]')).to_have_text("Completed")
    expect(rows.nth(1).locator(".refusal")).to_contain_text("image/png")
    expect(rows.nth(2)).to_contain_text("The project has it already.")
    rows.nth(0).get_by_role("link", name="engine.pdf").click()
    expect(page.get_by_text("Page 2")).to_be_visible()
    expect(page.get_by_role("link", name="engines")).to_be_visible()
    reader.forgive("status of 400")


def test_a_dropped_file_is_sent(reader: Visitor, reading: Stack) -> None:
    page = reader.open(f"/project/{reading.project('Dropped')}/memories/new/files")
    page.evaluate(
        """(text) => {
          const carried = new DataTransfer();
          carried.items.add(new File([text], "dropped.txt", { type: "text/plain" }));
          const drop = new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true });
          document.querySelector('[data-part="zone"]').dispatchEvent(drop);
        }""",
        " ".join(PARAGRAPHS),
    )
    expect(page.locator(".taken-row task-row [data-part='state']")).to_have_text("Completed")


def test_files_go_without_scripts_too(chromium: Browser, reading: Stack) -> None:
    visitor = visit(chromium, reading, java_script_enabled=False)
    page = visitor.open(f"/project/{reading.project('Plain')}/memories/new/files")
    page.get_by_label("Files", exact=True).set_input_files(
        FilePayload(name="plain.txt", mimeType="text/plain", buffer=" ".join(PARAGRAPHS).encode())
    )
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("plain.txt")
    visitor.context.close()
