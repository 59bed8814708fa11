"""Running headers and footers: what stands in the margin of page after page."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from memories.engine.documents.pdf.lines import Line, Page

FEWEST = 3  # pages that a line must stand on
SHARE = 0.2  # of all pages: a chapter's title runs along its own pages only
MARGIN = 0.15  # of the page's height, above and below
DEPTH = 3  # lines from the edge that are looked at
LONGEST = 120
APART = 1.2  # times the usual distance that lies between furniture and text
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_NUMBER_ONLY = re.compile(
    r"\W*(?:(?:page|p\.|seite|página|pagina|stranica|strona|sida|sivu)\W*)?(?:\d{1,5}|[ivxlc]{1,8})"
    r"(?:\W*(?:of|/|von|de|sur|di|av|z|iz)\W*\d{1,5})?\W*",
    re.IGNORECASE,
)
Key = tuple[str, int]


def without_furniture(pages: Sequence[Page]) -> list[Page]:
    """The pages without their running lines. No page loses all it has: there the lines are its text."""
    seen: defaultdict[Key, list[int]] = defaultdict(list)
    for page in pages:
        for line in _candidates(page):
            seen[_key(page, line)].append(page.number)
    needed = max(FEWEST, SHARE * len(pages))
    running = {key for key, numbers in seen.items() if len(numbers) >= needed}
    return [_cleaned(page, running) for page in pages]


def _key(page: Page, line: Line) -> Key:
    """Its words, digits left open, and its height on the page to about a line."""
    return _NUMBER.sub("#", line.text.casefold()), round(line.baseline / max(page.height, 1.0) * 60)


def _candidates(page: Page) -> Iterator[Line]:
    """Short lines near the edge with a gap before the text begins."""
    ordered = sorted(page.lines, key=lambda line: -line.top)
    if len(ordered) < 2:
        return
    usual = _usual_gap(ordered)
    yield from _outer(ordered, page.height * (1 - MARGIN), page.height, usual)
    yield from _outer(ordered[::-1], 0.0, page.height * MARGIN, usual)


def _usual_gap(ordered: Sequence[Line]) -> float:
    gaps = Counter(round(a.baseline - b.baseline) for a, b in itertools.pairwise(ordered))
    gaps.pop(0, None)
    return float(gaps.most_common(1)[0][0]) if gaps else 12.0


def _outer(ordered: Sequence[Line], low: float, high: float, usual: float) -> Iterator[Line]:
    found: list[Line] = []
    for line, following in itertools.pairwise(ordered[: DEPTH + 1]):
        if not low <= line.baseline <= high or len(line.text) > LONGEST:
            return
        found.append(line)
        if abs(line.baseline - following.baseline) > APART * max(usual, line.size, following.size):
            yield from found
            found = []


def _cleaned(page: Page, running: set[Key]) -> Page:
    out = {id(line) for line in _candidates(page) if _key(page, line) in running or _NUMBER_ONLY.fullmatch(line.text)}
    kept = [line for line in page.lines if id(line) not in out]
    return replace(page, lines=kept) if kept else page
