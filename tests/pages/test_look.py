"""Every page in a browser: accessible, nothing wider than the screen, nothing that jumps, small."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.pages.conftest import Visitor, visit
from tests.stack import Stack

pytestmark = pytest.mark.browser

STATIC = Path(__file__).parents[2] / "memstack/static/memstack"
PAGES = (
    "/", "/nothing", "{root}/", "{root}/memories", "{root}/memories/new", "{root}/memories/new?saved={memory}",
    "{root}/memories/{memory}", "{root}/memories/{memory}/edit", "{root}/memories/{memory}/delete", "{root}/search",
    "{root}/search?q=Lisbon", "{root}/entities", "{root}/entities/{entity}", "{root}/communities",
    "{root}/communities/{community}", "{root}/tasks", "{root}/tasks/{task}", "{root}/settings",
    "{root}/settings/delete", "{empty}/", "{empty}/memories", "{empty}/communities", "{empty}/tasks",
)  # fmt: skip
SHIFT = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) sum += entry.value; })
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(sum), 300);
})"""
TEXT = (
    "Ada Lovelace moved to Lisbon in May 2021. She works at Analytical Engines Ltd with Charles Babbage. "
    "Charles Babbage lives in London and knows Ada Lovelace. " + "Averylongwordwithoutanyspaces" * 12
)


@pytest.fixture(scope="module")
def ids(stack: Stack) -> dict[str, str]:
    """A project with a row of each kind, and an empty one."""
    project, empty = stack.project("Look " + "long" * 30), stack.project("Empty")
    body = {"project": project, "content": TEXT, "title": "T" + "itle" * 60, "tags": ["a tag", "w" * 90]}
    memory = stack.post("memories", body)
    stack.wait_for_task(memory["task_id"])
    stack.wait_for_task(stack.post("communities/rebuild", {"project": project})["task_id"])
    return {
        "root": f"/project/{project}",
        "empty": f"/project/{empty}",
        "memory": memory["id"],
        "task": memory["task_id"],
        "entity": stack.get("entities", project=project)["results"][0]["id"],
        "community": stack.get("communities", project=project)["results"][0]["id"],
    }


@pytest.fixture(scope="module", params=[(1280, "light"), (390, "dark")], ids=["desktop", "phone"])
def alice(request: pytest.FixtureRequest, chromium: Browser, stack: Stack) -> Iterator[Visitor]:
    width, scheme = request.param
    visitor = visit(chromium, stack, viewport={"width": width, "height": 800}, color_scheme=scheme)
    yield visitor
    visitor.context.close()
    assert not [words for words in visitor.complaints if "404" not in words]


def opened(alice: Visitor, ids: dict[str, str], path: str) -> Page:
    # a finished task's card leads on to the list after 1.5 s
    return alice.open(path.format(**ids))


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_wider_than_the_screen_or_jumps(alice: Visitor, ids: dict[str, str], path: str) -> None:
    page = opened(alice, ids, path)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(SHIFT) < 0.01
    page.close()


@pytest.mark.parametrize("path", PAGES)
def test_no_serious_obstacles(alice: Visitor, ids: dict[str, str], path: str) -> None:
    page = opened(alice, ids, path)
    found = Axe().run(page).response["violations"]
    serious = [
        (rule["id"], [node["html"] for node in rule["nodes"]])
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]
    assert not serious
    assert page.locator("h1").count() == 1
    assert page.title().endswith("MemStack")
    page.close()


def test_the_keyboard_reaches_the_content_first(alice: Visitor, ids: dict[str, str]) -> None:
    page = opened(alice, ids, "{root}/memories")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.close()


def test_what_is_touched_is_large_enough(alice: Visitor, ids: dict[str, str]) -> None:
    page = opened(alice, ids, "{root}/memories")
    if page.viewport_size and page.viewport_size["width"] > 400:
        page.close()
        return
    heights = page.evaluate(
        "[...document.querySelectorAll('.side > ul > li > a, button, input, select')]"
        ".filter((e) => e.offsetParent).map((e) => e.getBoundingClientRect().height)"
    )
    assert heights
    assert min(heights) >= 44
    page.close()


def test_own_styles_and_scripts_are_small() -> None:
    files = [path for kind in ("*.css", "*.js") for path in STATIC.rglob(kind) if "vendor" not in path.parts]
    assert files
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < 100_000
