"""From a worker's change to the drawn page: `.venv/bin/python -m bench.pages [--tasks 20] [--text 4000]`.

A MemStack of its own, a headless Chromium on the page of each task, one after the other; ingestions and rebuilds in
turn. A task begins when its page is live. "changed" ends when the DOM says so, "painted" with the frame that shows it.
The clock starts with the commit: the worker announces it at once, and this program hears it from the broker. The
event's own `at` is the time of the change, which is before what else its transaction writes; it is given beside it.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import redis
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
    since_change: list[float] = field(default_factory=list)
    changed: list[float] = field(default_factory=list)
    painted: list[float] = field(default_factory=list)

    def add(self, shown: recorder.Drawn, stages: Sequence[recorder.Stage], commits: Mapping[int, float]) -> None:
        self.expected += len(stages)
        rows = iter(shown.stages)
        for stage in stages:  # in order: what is not found between here and the end was not drawn
            row = next((row for row in rows if row["words"] == stage.words), None)
            if row is None:
                return
            self.seen += 1
            self.since_change.append(row["changed"] - stage.at)
            self.changed.append(row["changed"] - commits[stage.seq])
            self.painted.append(row.get("painted", math.inf) - commits[stage.seq])


class Commits(threading.Thread):
    """Notes when each event of each task was announced: `of[task][seq]`, in milliseconds since 1970."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(daemon=True)
        self.of: dict[str, dict[int, float]] = defaultdict(dict)
        self._heard = redis.Redis(unix_socket_path=str(stack.folder / "valkey/valkey.sock")).pubsub()  # type: ignore[no-untyped-call]
        self._heard.subscribe("events_channel")

    def run(self) -> None:
        for message in self._heard.listen():
            now = time.time() * 1000
            if message["type"] == "message":
                event = json.loads(message["data"])
                self.of[event["channel"].removeprefix("task-")][int(event["pub_id"])] = now


def main() -> None:
    options = _options()
    figures = {"ingest_episode": Figures(), "rebuild_communities": Figures()}
    with Stack() as stack, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        visitor = visit(browser, stack)
        visitor.context.add_init_script(recorder.SCRIPT)
        commits = Commits(stack)
        commits.start()
        project = stack.project("Bench")
        page = visitor.open(f"/project/{project}/tasks")
        for number in range(options.tasks):
            text = _text(number, options.text)
            for kind, path, body in (
                ("ingest_episode", "memories", {"project": project, "content": text}),
                ("rebuild_communities", "communities/rebuild", {"project": project}),
            ):
                task_id, shown, stages = _watch(stack, page, path, body)
                figures[kind].add(shown, stages, commits.of[task_id])
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


def _watch(
    stack: Stack, page: Page, path: str, body: dict[str, str]
) -> tuple[str, recorder.Drawn, list[recorder.Stage]]:
    """Runs one task under the eyes of its page: its id, what was drawn, and the stages that its events tell of."""
    recorder.rest(stack, begin=True)
    try:
        task_id = stack.post(path, body)["task_id"]
        page.goto(f"{stack.url}/project/{body['project']}/tasks/{task_id}")
        expect(page.locator('task-progress [data-part="connection"]')).to_have_text("Live")
    finally:
        recorder.rest(stack, begin=False)
    expect(page.locator("task-progress")).to_have_attribute("data-status", "completed", timeout=120_000)
    page.wait_for_timeout(100)  # the last frame
    return task_id, recorder.drawn(page), recorder.stages(stack.get(f"tasks/{task_id}/events")["results"])[1:]


def _print(figures: dict[str, Figures]) -> None:
    print(
        "| task | stages seen | changed p50 | p95 | max | painted p50 | p95 | max | `at` to changed p50 | p95 | max |"
    )
    print("|---" + "|---:" * 10 + "|")
    for name, each in figures.items():
        numbers = [
            f"{value:.0f} ms" for times in (each.changed, each.painted, each.since_change) for value in _summary(times)
        ]
        print(f"| `{name}` | {each.seen} / {each.expected} | {' | '.join(numbers)} |")


def _summary(times: list[float]) -> tuple[float, float, float]:
    """The median, the 95th percentile and the largest."""
    if not times:
        return (math.nan, math.nan, math.nan)
    ordered = sorted(times)
    return ordered[len(ordered) // 2], ordered[math.ceil(0.95 * len(ordered)) - 1], ordered[-1]


if __name__ == "__main__":
    main()
