"""Puts a text together from pieces and remembers where each of them is."""

from __future__ import annotations

import re

from memories.engine.documents.model import Block, BlockKind

_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_INVISIBLE = re.compile(r"[\u00ad\u200b\u2060]")
_BLANK = re.compile(r"\s+")
_TIGHT = {"list_item", "table_row"}  # stand on lines one below the other


def flowing(text: str) -> str:
    """Running text as it is seen: white space is one blank, what can't be seen or stored is gone."""
    return _BLANK.sub(" ", _INVISIBLE.sub("", _UNSAFE.sub(" ", text))).strip()


def verbatim(text: str) -> str:
    """Code: its lines and blanks as they are."""
    lines = _UNSAFE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).expandtabs(4).split("\n")
    while lines and not lines[0].strip():
        lines.pop(0)
    return "\n".join(line.rstrip() for line in lines).rstrip()


class Writer:
    """A text that grows block by block: items and rows a line each, all else a paragraph."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self.blocks: list[Block] = []

    @property
    def text(self) -> str:
        return "".join(self._parts)

    @property
    def length(self) -> int:
        return self._length

    def add(self, kind: BlockKind, text: str, level: int = 0, *, mark: str = "") -> None:
        """Appends one block; the mark ("- ", "2. ") stands in the text before it, and is no part of it."""
        if not text:
            return
        self._put(self._gap(kind) + mark)
        start = self._length
        self._put(text)
        self.blocks.append(Block(kind, start, self._length, level))

    def _gap(self, kind: BlockKind) -> str:
        if not self.blocks:
            return ""
        return "\n" if kind in _TIGHT and self.blocks[-1].kind == kind else "\n\n"

    def _put(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)
