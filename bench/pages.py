"""From a worker's change to the drawn page: `.venv/bin/python -m bench.pages [--tasks 20] [--text 4000]`.

A MemStack of its own, a headless Chromium on the page of each task, one after the other; ingestions and rebuilds in
turn. A task begins when its page is live. "changed" ends when the DOM says so, "painted" with the frame that shows it.
The clock starts with the event's `at`, which is a moment before its commit.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from playwright.sync_api import Page, expect, sync_playwright

from tests.chromium import CHROMIUM
from tests.pages import recorder
from tests.pages.browser import ARGUMENTS, visit
from tests.stack import Stack

SENTENCES = (
    "In {year} Ada Lovelace met Charles Babbage in London. She moved to Lisbon and he stayed at Oxford. "
    "They wrote {number} letters to Mary Somerville in Edinburgh. "
)


@dataclass
class Figures:
    """What was seen of the tasks of one kind; milliseconds."""

    expected: int = 0
    seen: int = 0
    changed: list[float] = field(default_factory=list)
    painted: list[float] = field(default_factory=list)

    def add(self, shown: recorder.Drawn, stages: Sequence[recorder.Stage]) -> None:
        self.expected += len(stages)
        rows = iter(shown.stages)
        for stage in stages:  # in order: what is not found between here and the end was not drawn
            row = next((row for row in rows if row["words"] == stage.words), None)
            if row is None:
                return
            self.seen += 1
            self.changed.append(row["changed"] - stage.at)
            self.painted.append(row.get("painted", math.inf) - stage.at)


def main() -> None:
    options = _options()
    figures = {"ingest_episode": Figures(), "rebuild_communities": Figures()}
    with Stack() as stack, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        visitor = visit(browser, stack)
        visitor.context.add_init_script(recorder.SCRIPT)
        project = stack.project("Bench")
        page = visitor.open(f"/project/{project}/tasks")
        for number in range(options.tasks):
            text = _text(number, options.text)
            for kind, path, body in (
                ("ingest_episode", "memories", {"project": project, "content": text}),
                ("rebuild_communities", "communities/rebuild", {"project": project}),
            ):
                figures[kind].add(*_watch(stack, page, path, body))
        browser.close()
    _print(figures)
    sys.exit(any(each.seen != each.expected for each in figures.values()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--tasks", type=int, default=20, help="ingestions, and as many rebuilds")
    parser.add_argument("--text", type=int, default=4000, help="characters of each memory")
    return parser.parse_args()


def _text(number: int, length: int) -> str:
    sentences = "".join(SENTENCES.format(year=1900 + number + each, number=each) for each in range(2 + length // 150))
    return sentences[:length]


def _watch(stack: Stack, page: Page, path: str, body: dict[str, str]) -> tuple[recorder.Drawn, list[recorder.Stage]]:
    """Runs one task under the eyes of its page: what was drawn, and the stages that its events tell of."""
    recorder.rest(stack, begin=True)
    try:
        task_id = stack.post(path, body)["task_id"]
        page.goto(f"{stack.url}/project/{body['project']}/tasks/{task_id}")
        expect(page.locator('task-progress [data-part="connection"]')).to_have_text("Live")
    finally:
        recorder.rest(stack, begin=False)
    expect(page.locator("task-progress")).to_have_attribute("data-status", "completed", timeout=120_000)
    page.wait_for_timeout(100)  # the last frame
    return recorder.drawn(page), recorder.stages(stack.get(f"tasks/{task_id}/events")["results"])[1:]


def _print(figures: dict[str, Figures]) -> None:
    print("| task | stages seen / expected | changed p50 | p95 | max | painted p50 | p95 | max |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, each in figures.items():
        numbers = [f"{value:.0f} ms" for times in (each.changed, each.painted) for value in _summary(times)]
        print(f"| `{name}` | {each.seen} / {each.expected} | {' | '.join(numbers)} |")


def _summary(times: list[float]) -> tuple[float, float, float]:
    """The median, the 95th percentile and the largest."""
    if not times:
        return (math.nan, math.nan, math.nan)
    ordered = sorted(times)
    return ordered[len(ordered) // 2], ordered[math.ceil(0.95 * len(ordered)) - 1], ordered[-1]


if __name__ == "__main__":
    main()
