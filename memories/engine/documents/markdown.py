"""Markdown: the source is the text, kept to the letter; its headings, lists, tables and code are marked in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from memories.engine.documents.front_matter import parted
from memories.engine.documents.messages import Job
from memories.engine.documents.model import Block, BlockKind, Document
from memories.engine.documents.moments import moment
from memories.engine.documents.plain import text_of

_LINE_END = re.compile(r"\r\n?|\n")  # as the parser counts them
_IMAGE = re.compile(r"!\[([^\]]*)\]\([^)\s]*(?:\s+\"[^\"]*\")?\)")
_FENCE = re.compile(r"[ >]*(?:`{3,}|~{3,})\s*\Z")


def read(job: Job, progress: Callable[[int, int], None]) -> Document:
    told, text = parted(text_of(job))
    blocks = tuple(_Outline(text).blocks())
    return Document(
        text,
        title=_name(told.get("title")) or _first_heading(text, blocks),
        author=_name(told.get("author") or told.get("authors")),
        language=_name(told.get("lang") or told.get("language")),
        published_at=moment(told.get("date") or told.get("published")),
        blocks=blocks,
        tags=_tags(told),
    )


def _name(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(filter(None, map(_name, value)))
    return str(value) if isinstance(value, str | int | float) else ""


def _tags(told: Mapping[str, Any]) -> tuple[str, ...]:
    tags = told.get("tags") or told.get("keywords") or ()
    names = re.split(r"[,;]", tags) if isinstance(tags, str) else tags if isinstance(tags, list) else ()
    return tuple(dict.fromkeys(name for tag in names if (name := _name(tag).strip())))


def _first_heading(text: str, blocks: tuple[Block, ...]) -> str:
    return next((text[block.start : block.end] for block in blocks if block.kind == "heading" and block.level == 1), "")


@dataclass(slots=True)
class _Place:
    """Where among lists and quotes the parser is. `opens`: an item has begun and nothing of it was seen."""

    lists: int = 0
    quotes: int = 0
    opens: bool = False

    def move(self, token: Token) -> None:
        if token.type in {"bullet_list_open", "ordered_list_open", "bullet_list_close", "ordered_list_close"}:
            self.lists += token.nesting
        elif token.type in {"blockquote_open", "blockquote_close"}:
            self.quotes += token.nesting
        elif token.type == "list_item_open":
            self.opens = True

    def kind(self) -> tuple[BlockKind, int]:
        if self.opens:
            self.opens = False
            return "list_item", self.lists
        return ("quote", 0) if self.quotes else ("paragraph", 0)


class _Outline:
    """The blocks of a text by CommonMark's rules and tables; what is inside a line is not parsed."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(end.end() for end in _LINE_END.finditer(text)), len(text)]

    def blocks(self) -> Iterator[Block]:
        parser = MarkdownIt("commonmark").enable("table")
        parser.core.ruler.disable("inline")
        place = _Place()
        heading = 0
        in_table = False
        for token in parser.parse(self._text):
            place.move(token)
            if token.type == "heading_open":
                heading = int(token.tag[1])
            elif token.type in {"table_open", "table_close"}:
                in_table = token.nesting > 0
            elif token.type == "tr_open" and token.map:
                yield self._row(token.map[0])
            elif token.type == "inline" and token.map and not in_table:
                yield from self._line(token, heading, place)
                heading = 0
            elif token.type in {"fence", "code_block", "html_block"} and token.map:
                yield from self._literal(token, *token.map)

    def _line(self, token: Token, heading: int, place: _Place) -> Iterator[Block]:
        span = self._located(token.content, *(token.map or (0, 0)))
        if span is None:
            return
        if heading:
            yield Block("heading", *span, heading)
            return
        image = _IMAGE.fullmatch(token.content)
        if image:
            if image[1]:
                yield Block("image", span[0] + image.start(1), span[0] + image.end(1))
            return
        kind, level = place.kind()
        yield Block(kind, *span, level)

    def _located(self, content: str, first: int, last: int) -> tuple[int, int] | None:
        """Where the content is, whose lines the parser has freed from the marks of quotes and lists."""
        lines = content.split("\n")
        start = self._text.find(lines[0], self._starts[first], self._starts[first + 1])
        row = min(first + len(lines) - 1, last - 1)
        end = self._text.find(lines[-1], max(start, self._starts[row]), self._starts[row + 1])
        if start < 0 or end < 0 or not content.strip():
            return None
        return start, end + len(lines[-1])

    def _row(self, line: int) -> Block:
        whole = self._text[self._starts[line] : self._starts[line + 1]]
        bare = whole.strip(" \t\r\n>|")
        start = self._starts[line] + whole.find(bare)
        return Block("table_row", start, start + len(bare))

    def _literal(self, token: Token, first: int, last: int) -> Iterator[Block]:
        if token.type == "fence":
            first += 1
            if last > first and _FENCE.match(self._text[self._starts[last - 1] : self._starts[last]].rstrip()):
                last -= 1
        whole = self._text[self._starts[first] : self._starts[last]] if first < last else ""
        if not whole.strip() or whole.lstrip().startswith("<!--"):
            return
        blank = re.match(r"(?:[^\S\n]*\n)*", whole)
        start = self._starts[first] + (blank.end() if blank else 0)
        kind: BlockKind = "paragraph" if token.type == "html_block" else "code"
        yield Block(kind, start, self._starts[first] + len(whole.rstrip()))
