"""Plain text: kept to the letter, its paragraphs and lists marked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from memories.engine.documents.encoding import decoded
from memories.engine.documents.errors import UnreadableDocument
from memories.engine.documents.messages import Job
from memories.engine.documents.model import Block, Document

_PARAGRAPH = re.compile(r"[^\s][^\n]*(?:\n(?![^\S\n]*(?:\n|\Z))[^\n]*)*")
_ITEM = re.compile(r"[^\S\n]*(?:[-*+\u2022\u2013]|\d{1,3}[.)])[^\S\n]+(?=\S)")


def read(job: Job, progress: Callable[[int, int], None]) -> Document:
    text = text_of(job)
    return Document(text, blocks=tuple(_blocks(text, job.limits.blocks)))


def text_of(job: Job) -> str:
    """The file's text, letter for letter but for zeros, which no database holds. Raises UnreadableDocument."""
    size = job.path.stat().st_size
    if size > 4 * job.limits.text_bytes:
        raise UnreadableDocument(
            f"The text has {size:,} bytes; a memory may have {job.limits.text_bytes:,}. Split it into parts."
        )
    text = decoded(job.path.read_bytes(), job.charset).replace("\0", "\ufffd")
    if not text.strip():
        raise UnreadableDocument("The file is empty.")
    return text


def _blocks(text: str, most: int) -> Iterator[Block]:
    """At most `most` and one, which is the rest."""
    count = 0
    for found in _PARAGRAPH.finditer(text):
        for block in _parts(text, found.start(), found.start() + len(found[0].rstrip())):
            count += 1
            if count > most:
                yield Block("paragraph", block.start, len(text.rstrip()))
                return
            yield block


def _parts(text: str, start: int, end: int) -> Iterator[Block]:
    """One paragraph, or the items of a list and what stands before the first of them."""
    marks = [mark for line in _line_starts(text, start, end) if (mark := _ITEM.match(text, line, end))]
    if len(marks) < 2:
        yield Block("paragraph", start, end)
        return
    if text[start : marks[0].start()].strip():
        yield Block("paragraph", start, start + len(text[start : marks[0].start()].rstrip()))
    for mark, following in zip(marks, [*(mark.start() for mark in marks[1:]), end], strict=True):
        yield Block("list_item", mark.end(), mark.end() + len(text[mark.end() : following].rstrip()), 1)


def _line_starts(text: str, start: int, end: int) -> Iterator[int]:
    yield start
    while (start := text.find("\n", start, end) + 1) > 0:
        yield start
