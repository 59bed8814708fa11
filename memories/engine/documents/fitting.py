"""Makes a document fit what a memory may hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from memories.engine.documents.errors import UnreadableDocument
from memories.engine.documents.limits import Limits
from memories.engine.documents.model import Block, Document, Section

Span = TypeVar("Span", Section, Block)
MOST_NAME = 500  # characters of a title, an author, a site
MOST_ADDRESS = 2_000


def fitted(document: Document, limits: Limits) -> Document:
    """The same with a text of at most `limits.text_bytes` in UTF-8, cut before a block, and with short names.

    Raises UnreadableDocument when it has no text at all, nor a recording.
    """
    if not document.text.strip() and not document.media:
        raise UnreadableDocument("There is no text in this document.")
    short = replace(
        document,
        title=_one_line(document.title),
        author=_one_line(document.author),
        site=_one_line(document.site),
        language=document.language[:35],
        image_url=_address(document.image_url),
        canonical_url=_address(document.canonical_url),
    )
    return _few_blocks(_cut(short, limits.text_bytes), limits.blocks)


def _one_line(name: str) -> str:
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in name).split())
    return line if len(line) <= MOST_NAME else line[: MOST_NAME - 1].rstrip() + "…"


def _address(url: str) -> str:
    return url if len(url) <= MOST_ADDRESS and url.isprintable() else ""


def _cut(document: Document, most: int) -> Document:
    text = document.text
    if len(text) * 4 <= most or len(text.encode()) <= most:
        return document
    end = len(text.encode()[:most].decode(errors="ignore"))
    end = max((block.start for block in document.blocks if end // 2 < block.start <= end < block.end), default=end)
    kept = text[:end].rstrip()
    note = f"The text is longer than a memory may be; the first {len(kept):,} of {len(text):,} characters were kept."
    return replace(
        document,
        text=kept,
        sections=tuple(_within(section, len(kept)) for section in document.sections if section.start < len(kept)),
        blocks=tuple(_within(block, len(kept)) for block in document.blocks if block.start < len(kept)),
        notes=(*document.notes, note),
    )


def _within(span: Span, end: int) -> Span:
    return replace(span, end=min(span.end, end))


def _few_blocks(document: Document, most: int) -> Document:
    """The rest as one paragraph: a text of millions of lines is no page that anybody lays out."""
    if len(document.blocks) <= most:
        return document
    rest = Block("paragraph", document.blocks[most - 1].start, document.blocks[-1].end)
    return replace(document, blocks=(*document.blocks[: most - 1], rest))
