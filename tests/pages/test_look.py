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
    "{root}/search?q=Lisbon", "{root}/import", "{root}/entities", "{root}/entities/{entity}",
    "{root}/entities/{entity}/merge", "{root}/entities/{entity}/edit", "{root}/reviews", "{root}/reviews?show=merges",
    "{empty}/reviews", "{root}/communities",
    "{root}/communities/{community}", "{root}/tasks", "{root}/tasks/{task}", "{root}/settings",
    "{root}/settings/delete", "{root}/schema", "{root}/schema/entity-types/new", "{root}/schema/entity-types/{vessel}",
    "{root}/schema/relations/new", "{root}/schema/relations/{relation}", "{empty}/schema", "{empty}/",
    "{empty}/memories", "{empty}/communities", "{empty}/tasks",
)  # fmt: skip
SHIFT = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) sum += entry.value; })
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(sum), 200);
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
    words = {"project": project, "name": "vessel" + "long" * 12, "words": ["W" * 190], "pattern": "MS[a-z]" * 60}
    stack.wait_for_task(stack.post("communities/rebuild", {"project": project})["task_id"])
    return {
        "root": f"/project/{project}",
        "empty": f"/project/{empty}",
        "memory": memory["id"],
        "task": memory["task_id"],
        "vessel": stack.post("entity-types", words)["id"],
        "relation": stack.get("relation-types", project=project)["results"][0]["id"],
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


@pytest.fixture
def opened(alice: Visitor, ids: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Page]:
    page = alice.open(request.param.format(**ids))
    yield page
    page.close()


def obstacles(page: Page) -> list[tuple[str, list[str]]]:
    """What keeps people out, by axe's rules, with the elements."""
    found = Axe().run(page).response["violations"]
    return [
        (rule["id"], [node["html"] for node in rule["nodes"]])
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("opened", PAGES, indirect=True)
def test_every_page_fits_stands_still_and_has_no_serious_obstacles(opened: Page) -> None:
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert opened.evaluate(SHIFT) < 0.01
    assert not obstacles(opened)
    assert opened.locator("h1").count() == 1
    assert opened.title().endswith("MemStack")


@pytest.mark.parametrize("opened", ["{root}/memories"], indirect=True)
def test_the_keyboard_reaches_the_content_first(opened: Page) -> None:
    opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.textContent") == "Skip to the content"
    opened.keyboard.press("Enter")
    assert opened.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("opened", ["{root}/memories", "{root}/settings"], indirect=True)
@pytest.mark.parametrize("alice", [(390, "light")], indirect=True)
def test_what_is_touched_is_large_enough(opened: Page) -> None:
    heights = opened.evaluate(
        "[...document.querySelectorAll('.side > ul > li > a, button, input, select')]"
        ".filter((e) => e.offsetParent).map((e) => e.getBoundingClientRect().height)"
    )
    assert heights
    assert min(heights) >= 44


def test_own_styles_and_scripts_are_small() -> None:
    files = [path for kind in ("*.css", "*.js") for path in STATIC.rglob(kind) if "vendor" not in path.parts]
    assert files
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < 100_000
