"""What a page, a file or a recording is once it has been read.

Offsets (`start`, `end`) are Unicode code points of `Document.text`, half open. Times of a recording are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

BlockKind = Literal["heading", "paragraph", "list_item", "quote", "code", "table_row", "image"]


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch that no passage may leave: a page of a PDF (counted from 1), or a segment of a recording."""

    start: int
    end: int
    page: int | None = None
    seconds: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A piece as the reader sees it. `level` is that of a heading (1 to 6) or the depth of a list item (from 1)."""

    kind: BlockKind
    start: int
    end: int
    level: int = 0


@dataclass(frozen=True, slots=True)
class MediaLink:
    """An audio or video file that a page or feed offers; `media_type` is what it says of it, or empty."""

    url: str
    media_type: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """`text` is the body alone. What is not known is empty, or None."""

    text: str
    title: str = ""
    author: str = ""
    site: str = ""
    language: str = ""
    published_at: datetime | None = None
    image_url: str = ""
    canonical_url: str = ""
    sections: tuple[Section, ...] = ()
    blocks: tuple[Block, ...] = ()
    media: tuple[MediaLink, ...] = ()
    tags: tuple[str, ...] = ()
    """As the author set them: keywords of a page or file, `tags` of Markdown's front matter."""
    notes: tuple[str, ...] = ()
    """Sentences for the person: "3 of 20 pages have no text; they may be scans"."""
