"""What is noted of small conversations, and what is not: moves, jobs, kin, plans, jokes, thanks. At least 90 % must
be read as a careful reader would."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memories.engine.extraction import LocalExtractor, settled
from memories.engine.passages import render_conversation, split
from memories.engine.types import FactDraft, Message, Schema, Source

TABLE = Path(__file__).with_name("dialogues.txt")
SHARE = 0.9
HINT = 0.3  # confidence of "mentioned with", which asserts nothing
EMPTY = Schema(frozenset())


@dataclass(slots=True)
class Dialogue:
    """A conversation of the table. `wanted` and `unwanted` are lines of parts; `exact` allows no other fact, and
    `silent` is who must not be given any."""

    title: str
    at: datetime = datetime(2023, 5, 8, tzinfo=UTC)
    turns: list[tuple[str, str]] = field(default_factory=list)
    wanted: list[list[str]] = field(default_factory=list)
    unwanted: list[list[str]] = field(default_factory=list)
    exact: bool = False


Fact = tuple[str, str, str, FactDraft]


def dialogues() -> Iterator[Dialogue]:
    for block in TABLE.read_text(encoding="utf-8").split("\n== ")[1:]:
        title, *lines = block.strip().splitlines()
        found = Dialogue(title)
        for line in lines:
            _take(found, line)
        yield found


def _take(dialogue: Dialogue, line: str) -> None:
    parts = [part.strip() for part in line[1:].split("|")]
    if line.startswith("@"):
        dialogue.at = datetime.fromisoformat(parts[0]).replace(tzinfo=UTC)
    elif line.startswith("+"):
        dialogue.wanted.append(parts)
    elif line.startswith("-"):
        dialogue.unwanted.append(parts)
    elif line == "only":
        dialogue.exact = True
    elif line:
        speaker, _, text = line.partition(": ")
        dialogue.turns.append((speaker, text))


def facts_of(dialogue: Dialogue) -> list[Fact]:
    """What the engine asserts of a dialogue."""
    messages = tuple(Message(speaker, text, at=dialogue.at) for speaker, text in dialogue.turns)
    source = Source(render_conversation(messages), "conversation", dialogue.at, messages=messages)
    found = []
    for reading in settled(list(LocalExtractor().read(source, split(source), EMPTY))):
        for draft in reading.facts:
            if draft.polarity == "affirmed" and draft.confidence > HINT:
                end = reading.mentions[draft.object].name if draft.object is not None else str(draft.value)
                found.append((reading.mentions[draft.subject].name, draft.predicate, end, draft))
    return found


def _fits(fact: Fact, parts: list[str]) -> bool:
    who, what, whom, draft = fact
    if parts[0] not in {"*", who} or (parts[1] != "*" and what not in parts[1].split("/")):
        return False
    if parts[2] != "*" and not re.search(rf"\b{re.escape(parts[2])}\b", whom, re.I):
        return False
    return len(parts) < 4 or _is_dated(draft, parts[3])


def _is_dated(draft: FactDraft, date: str) -> bool:
    if date.startswith("<"):
        return draft.invalid_at is not None and draft.invalid_at.isoformat()[:10] <= date[1:].strip()
    return draft.valid_at is not None and draft.valid_at.isoformat().startswith(date)


def failures(dialogue: Dialogue) -> list[str]:
    """What is wrong with the reading of a dialogue, as lines; none when it is right."""
    facts = facts_of(dialogue)
    wrong = [f"missing: {' '.join(parts)}" for parts in dialogue.wanted if not any(_fits(one, parts) for one in facts)]
    bad = [one for one in facts if any(_fits(one, parts) for parts in dialogue.unwanted)]
    if dialogue.exact:
        bad += [one for one in facts if not any(_fits(one, parts[:3]) for parts in dialogue.wanted)]
    return wrong + [f"wrong: {who} {what} {whom}" for who, what, whom, _ in bad]


def test_most_dialogues_are_read_as_a_careful_reader_would() -> None:
    table = list(dialogues())
    assert len(table) >= 60
    wrong = {dialogue.title: lines for dialogue in table if (lines := failures(dialogue))}
    assert len(wrong) <= (1 - SHARE) * len(table), wrong
    assert set(wrong) <= _known_failures(), wrong


def test_quality_lists_the_dialogues_that_fail() -> None:
    assert _known_failures() == {dialogue.title for dialogue in dialogues() if failures(dialogue)}


def _known_failures() -> set[str]:
    """The titles in the list of docs/quality.md."""
    page = (Path(__file__).parents[2] / "docs" / "quality.md").read_text(encoding="utf-8")
    section = page.partition("## Dialogues")[2].partition("\n## ")[0]
    return set(re.findall(r"^- `([^`]+)`", section, re.M))


@pytest.mark.parametrize("turns", [("Bye Lars.", "You're so kind!"), ("I have an idea.", "That means a lot to me.")])
def test_a_wrong_expectation_fails(turns: tuple[str, str]) -> None:
    """The check can fail: nothing is asserted of small talk, so a fact that is wanted of it is missing."""
    talk = Dialogue("", turns=[("Ida", turns[0]), ("Lars", turns[1])], wanted=[["Ida", "likes", "Lars"]], exact=True)
    assert failures(talk) == ["missing: Ida likes Lars"]
