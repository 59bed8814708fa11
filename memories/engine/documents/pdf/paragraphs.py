"""From the lines of a page to paragraphs, headings and the items of lists."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from memories.engine.documents.model import BlockKind
from memories.engine.documents.pdf.lines import Line

_ENDED = re.compile(r"[.!?:\u2026\u3002\uff01\uff1f][\"'\u201d\u2019)\]]*\Z")
_BULLET = re.compile(
    r"([\u2022\u25cf\u25cb\u25aa\u25a0\u2023\u2043\u00b7\uf0b7*\u2013-]|\(?(?:\d{1,2}|[a-z])[.)])\s+(?=\S)"
)
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
LARGER = 1.12  # times the body's size: a heading's
LONGEST_HEADING = 160
GAP = 1.3  # times the usual distance of lines: a new paragraph
AHEAD = 7  # lines that tell how wide the column is


@dataclass(frozen=True, slots=True)
class Paragraph:
    kind: BlockKind
    text: str
    level: int = 0
    mark: str = ""


class Setter:
    """Knows the document's usual size, leading and words, from all its lines."""

    def __init__(self, lines: Sequence[Line]) -> None:
        sizes: Counter[float] = Counter()
        bold = 0
        for line in lines:
            sizes[_rounded(line.size)] += len(line.text)
            bold += len(line.text) if line.bold else 0
        self._size = sizes.most_common(1)[0][0] if sizes else 10.0
        self._bold_tells = bold * 2 < sizes.total()
        larger = sorted((size for size in sizes if size >= self._size * LARGER), reverse=True)
        self._levels = {size: min(level, 5) for level, size in enumerate(larger, 1)}
        self._lines = lines

    @cached_property
    def _words(self) -> Counter[str]:
        """The words inside lines: what a hyphen at a line's end has cut is looked up among them."""
        words: Counter[str] = Counter()
        for line in self._lines:
            inner = [word.lower() for word in _WORD.findall(line.text)]
            words.update(inner[:-1] if line.hyphen else inner)
        return words

    def paragraphs(self, lines: Sequence[Line]) -> Iterator[Paragraph]:
        """The paragraphs of one page in the order of its lines."""
        leading = self._leading(lines)
        group: list[Line] = []
        for place, line in enumerate(lines):
            if group and self._breaks(group, line, lines[place + 1 : place + AHEAD], leading):
                yield self._set(group)
                group = []
            group.append(line)
        if group:
            yield self._set(group)

    def _leading(self, lines: Sequence[Line]) -> float:
        """The usual distance from line to line: the most frequent one of lines of the body's size."""
        gaps = Counter(
            round(a.baseline - b.baseline, 0)
            for a, b in itertools.pairwise(lines)
            if 0.7 * self._size < a.baseline - b.baseline < 2.2 * self._size and _alike(a, b)
        )
        return gaps.most_common(1)[0][0] if gaps else self._size * 1.2

    def _breaks(self, group: Sequence[Line], line: Line, ahead: Sequence[Line], leading: float) -> bool:
        before = group[-1]
        step = before.baseline - line.baseline
        if not _alike(before, line) or _BULLET.match(line.text):
            return not _same_row(before, line)
        if step < -0.5 * line.size or step > 4 * leading:  # the next column, or the other side of a picture
            return not (before.hyphen or line.text[:1].islower())
        if step > GAP * max(leading, line.size) or self._is_heading(group) != self._is_heading([line]):
            return True
        indented = line.left - min(one.left for one in group) > 0.7 * line.size and before.left < line.left
        return (indented and bool(_ENDED.search(before.text))) or _had_room(group, line, ahead)

    def _set(self, group: Sequence[Line]) -> Paragraph:
        bullet = _BULLET.match(group[0].text)
        text = self._joined(group)
        if self._is_heading(group):
            return Paragraph("heading", text, self._level(group))
        if bullet:
            mark = bullet[1] if bullet[1][-1] in ".)" else "-"
            return Paragraph("list_item", text[bullet.end() :].lstrip(), 1, f"{mark} ")
        return Paragraph("paragraph", text)

    def _is_heading(self, group: Sequence[Line]) -> bool:
        letters = sum(len(line.text) for line in group)
        first = group[0]
        if letters > LONGEST_HEADING or not any(sign.isalpha() for sign in first.text):
            return False
        if _rounded(first.size) >= self._size * LARGER:
            return True
        return self._bold_tells and all(line.bold for line in group) and not _ENDED.search(group[-1].text)

    def _level(self, group: Sequence[Line]) -> int:
        return self._levels.get(_rounded(group[0].size), min(len(self._levels) + 1, 6))

    def _joined(self, group: Sequence[Line]) -> str:
        text = ""
        for line in group:
            text += line.text + self._seam(line, following=group, text=text)
        return text.rstrip()

    def _seam(self, line: Line, following: Sequence[Line], text: str) -> str:
        """What stands between this line and the next: nothing after a word that was cut, else a blank."""
        if not line.hyphen:
            return "" if _is_ideograph(line.text[-1]) else " "
        place = next(i for i, one in enumerate(following) if one is line)
        if place + 1 == len(following):
            return "-"
        rest = _WORD.match(following[place + 1].text)
        head = _WORD.findall(line.text)[-1:]
        if not rest or not head or not rest[0][0].islower():
            return "-"
        whole, compound = head[0].lower() + rest[0].lower(), f"{head[0]}-{rest[0]}".lower()
        return "-" if self._words[compound] > self._words[whole] else ""


def _had_room(group: Sequence[Line], line: Line, ahead: Sequence[Line]) -> bool:
    """Whether the next line's first word would have fitted: then the line was ended on purpose."""
    before = group[-1]
    if before.hyphen:
        return False
    below = [one for one in ahead if 0 < line.baseline - one.baseline < AHEAD * 3 * line.size and _alike(one, line)]
    column = max(one.right for one in (*group, line, *below))
    word = line.text.partition(" ")[0]
    needed = (len(word) + 1.5) * (line.right - line.left) / len(line.text)
    return before.right + needed < column - 0.02 * (column - before.left)


def _rounded(size: float) -> float:
    return round(size * 2) / 2


def _alike(a: Line, b: Line) -> bool:
    return abs(a.size - b.size) <= 0.1 * max(a.size, b.size)


def _same_row(a: Line, b: Line) -> bool:
    """A smaller number set higher, an item's bullet set apart."""
    overlap = min(a.top, b.top) - max(a.baseline, b.baseline)
    return overlap > 0.5 * min(a.size, b.size) and b.left >= a.right - 1


def _is_ideograph(sign: str) -> bool:
    return "\u3040" <= sign <= "\u9fff" or "\uff00" <= sign <= "\uffef"
