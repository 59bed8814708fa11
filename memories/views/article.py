"""A document's text as its reader sees it: headings, paragraphs, lists, quotes, code and tables from their spans."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from memories.models import Memory, SavedDocument
from memories.queries import MemoryDetail, hints_last
from memories.views.reading import WINDOW, Marker, Piece, Reading, spans_of

CELLS = " | "
NUMBER = re.compile(r"(\d{1,9})[.)] \Z")
LEAST_LEVEL, LAST_LEVEL = 2, 6  # the page's own heading is the first


@dataclass(frozen=True, slots=True)
class Span:
    """A block of the document, and the page or the second that it begins at if it is the first there."""

    kind: str
    start: int
    end: int
    level: int = 0
    page: int | None = None
    seconds: float | None = None
    until: float | None = None


@dataclass(slots=True)
class Item:
    """An entry of a list; `number` is what stands before it, None in a list without numbers."""

    pieces: list[Piece]
    number: int | None
    inner: Part | None = None


@dataclass(slots=True)
class Part:
    """What is drawn as one: a heading, paragraph, quote, code, picture's caption, a whole list or table.

    `page` and `seconds` are given where a new page or a new part of a recording begins.
    """

    kind: str
    start: int = 0
    level: int = 0
    page: int | None = None
    seconds: float | None = None
    until: float | None = None
    pieces: list[Piece] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    rows: list[list[list[Piece]]] = field(default_factory=list)


def read_article(
    memory: Memory, document: SavedDocument, detail: MemoryDetail, at: int = 0, hit: tuple[int, int] | None = None
) -> Reading:
    """The parts around offset `at`; as `memories.views.reading.read` does for a memory without a document."""
    groups = _windows(list(_placed(document)))
    index = next((i for i, group in enumerate(groups) if group[-1].end > at), len(groups) - 1)
    group = groups[index]
    lead = groups[index - 1][-1].end if index else 0
    spans = [span for span in spans_of(memory, detail, hit) if span.start < group[-1].end and span.end > lead]
    marker = Marker(memory.content, spans, detail)
    said = {span.mark.fact.pk for span in spans if span.mark.fact}
    return Reading(
        blocks=[],
        parts=list(_parts(group, memory.content, marker)),
        facts=hints_last(fact for fact in detail.facts if fact.pk in said),
        previous=groups[index - 1][0].start if index else None,
        next=groups[index + 1][0].start if index + 1 < len(groups) else None,
        in_step=True,
    )


def _placed(document: SavedDocument) -> Iterator[Span]:
    """The blocks in order; the first of each section tells its page or second, also where it began before the block."""
    sections: list[dict[str, Any]] = [*document.sections]
    place, told = 0, -1
    for block in document.blocks:
        while place < len(sections) and sections[place]["end"] <= block["start"]:
            place += 1
        section = sections[place] if place < len(sections) and sections[place]["start"] < block["end"] else {}
        new = section if section and told != place else {}
        told = place if section else told
        yield Span(
            block["kind"],
            block["start"],
            block["end"],
            block.get("level", 0),
            new.get("page"),
            new.get("seconds"),
            new.get("until"),
        )


def _windows(blocks: Sequence[Span]) -> list[list[Span]]:
    groups: list[list[Span]] = [[]]
    for block in blocks:
        if groups[-1] and block.end - groups[-1][0].start > WINDOW:
            groups.append([])
        groups[-1].append(block)
    return groups


def _parts(blocks: Sequence[Span], content: str, marker: Marker) -> Iterator[Part]:
    """Items and rows that follow each other are one list, one table."""
    open_part: Part | None = None
    heading = LEAST_LEVEL - 1
    for block in blocks:
        goes_on = open_part is not None and open_part.kind == block.kind and block.page is None
        if not goes_on:
            if open_part is not None:
                yield open_part
            open_part = Part(block.kind, block.start, 0, block.page, block.seconds, block.until)
        assert open_part is not None  # noqa: S101 - made above
        if block.kind == "list_item":
            _add_item(open_part, block, content, marker)
        elif block.kind == "table_row":
            open_part.rows.append([marker.pieces(*cell) for cell in _cells(content, block.start, block.end)])
        else:
            if block.kind == "heading":  # no level is left out, whatever the author did
                heading = open_part.level = min(block.level + 1, heading + 1, LAST_LEVEL)
            open_part.pieces = marker.pieces(block.start, block.end)
            yield open_part
            open_part = None
    if open_part is not None:
        yield open_part


def _add_item(part: Part, block: Span, content: str, marker: Marker) -> None:
    """Appends the item to the list of its depth, which is within the last item of the list around it."""
    before = NUMBER.search(content[max(0, block.start - 12) : block.start])
    item = Item(marker.pieces(block.start, block.end), int(before[1]) if before else None)
    for _ in range(1, block.level):
        if not part.items:
            break
        last = part.items[-1]
        last.inner = last.inner or Part("list_item", block.start)
        part = last.inner
    part.items.append(item)


def _cells(content: str, start: int, end: int) -> Iterable[tuple[int, int]]:
    while (bar := content.find(CELLS, start, end)) >= 0:
        yield start, bar
        start = bar + len(CELLS)
    yield start, end
