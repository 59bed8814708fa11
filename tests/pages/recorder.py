"""What a page showed of its tasks, and when: every change of the DOM, on the clock that the events' `at` are of."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from playwright.sync_api import Page, expect

from tests.stack import Stack

# Changes that are made in one go come as one report, which names the texts that came and the numbers that went.
SCRIPT = """
addEventListener("DOMContentLoaded", () => {
  const now = () => performance.timeOrigin + performance.now();
  const card = document.querySelector("task-progress");
  if (!card) return;
  const first = card.querySelector("[data-part='stage']").textContent;
  globalThis.recorded = { first, stages: [], seqs: [] };
  const painted = (row) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { row.painted = now(); };
    port2.postMessage(null);
  });
  new MutationObserver((changes) => {
    for (const { type, target, oldValue, addedNodes } of changes) {
      if (type === "attributes") recorded.seqs.push(Number(oldValue));
      else if (target.dataset?.part === "stage" && addedNodes.length) {
        const row = { words: addedNodes[0].data, changed: now() };
        recorded.stages.push(row);
        painted(row);
      }
    }
  }).observe(card, { subtree: true, childList: true, attributeFilter: ["data-seq"], attributeOldValue: true });
});
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """The words of a stage, when it began, in milliseconds since 1970, and the number of the event that told of it."""

    words: str
    at: float
    seq: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the card showed: the words it came with, each stage after it, and the numbers of all events it drew."""

    first: str
    stages: Sequence[dict[str, Any]]
    seqs: Sequence[int]

    @property
    def words(self) -> list[str]:
        return [stage["words"] for stage in self.stages]


def drawn(page: Page) -> Drawn:
    found = page.evaluate("({ ...recorded, last: Number(document.querySelector('task-progress').dataset.seq) })")
    return Drawn(found["first"], found["stages"], [*found["seqs"], found["last"]])


def stages(events: Iterable[dict[str, Any]]) -> list[Stage]:
    """The stages that a task's events (`tasks/{id}/events`) tell of, in order."""
    told = [
        Stage(
            event["data"]["error"] or event["data"]["message"],
            datetime.fromisoformat(event["at"]).timestamp() * 1000,
            event["seq"],
        )
        for event in events
    ]
    return [next(rows) for _, rows in groupby(told, key=lambda stage: stage.words)]


def delays(shown: Drawn, expected: Sequence[Stage], clock: str = "changed") -> list[float]:
    """Milliseconds from each stage's change to its drawing; `shown` must have all of them."""
    return [float(row[clock]) - stage.at for row, stage in zip(shown.stages, expected, strict=True)]


def rest(stack: Stack, *, begin: bool) -> None:
    """Halts the worker, or lets it go on: what a test opens meanwhile sees its task from the beginning."""
    stack.send("worker", signal.SIGSTOP if begin else signal.SIGCONT)
    while begin and not _writable(stack):  # it was halted in the middle of a sign of life, which holds up all others
        stack.send("worker", signal.SIGCONT)
        time.sleep(0.1)
        stack.send("worker", signal.SIGSTOP)


def _writable(stack: Stack) -> bool:
    with closing(sqlite3.connect(stack.folder / "memstack.sqlite3", timeout=2)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.rollback()
        return True


def assert_all_drawn(stack: Stack, page: Page, task_id: str) -> list[Stage]:
    """Each stage, in order, once, none left for the end; and each event's number. Returns the stages."""
    expect(page.locator("task-progress")).to_have_attribute("data-status", "completed", timeout=180_000)
    events = stack.get(f"tasks/{task_id}/events")["results"]
    expected, shown = stages(events), drawn(page)
    assert shown.words == [stage.words for stage in expected[1:]]
    assert list(shown.seqs) == [event["seq"] for event in events]
    return expected[1:]
