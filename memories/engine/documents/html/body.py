"""The body of a page: what trafilatura takes for it, written block by block."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import trafilatura
from trafilatura.settings import Document as Extracted
from trafilatura.settings import Extractor, use_config

from memories.engine.documents.html.frame import framed
from memories.engine.documents.html.leftovers import Piece, without_leftovers
from memories.engine.documents.html.parsing import Element
from memories.engine.documents.model import BlockKind, Document
from memories.engine.documents.writing import Writer, flowing, verbatim

_BLOCKS = {"p", "head", "list", "quote", "code", "table", "graphic", "div"}
_WITH_WORDS = {"p", "item", "head", "cell", "quote", "hi", "ref"}
LINE_END = "\x1e"  # of `<br>`, as against white space of the source
_EMPTY_LINE = re.compile(r"\x1e\s*\x1e[\s\x1e]*")
_NO_ALT = re.compile(
    r"(?:image|photo|picture|img|logo|icon|avatar|screenshot|thumbnail)?\W*\d*\Z|\S+\.(?:jpe?g|png|gif|webp|svg)\Z",
    re.I,
)


def written(tree: Element, url: str, told: Document) -> Writer:
    """The blocks of the body. A heading that says what the title says is left out: it is told already."""
    frame = framed(tree)
    found = trafilatura.bare_extraction(tree if frame is None else frame, options=_options(url, fast=frame is not None))
    writer = Writer()
    if isinstance(found, Extracted):
        scribe = _Scribe()
        scribe.write(found.body)
        for piece in without_leftovers(scribe.pieces, told.title, told.author):
            writer.add(piece.kind, piece.text, piece.level, mark=piece.mark)
    return writer


def _options(url: str, *, fast: bool) -> Extractor:
    """The package's own settings alone. `fast`: no other algorithm is asked where the body is."""
    return Extractor(
        config=use_config(),
        output_format="python",
        comments=False,
        formatting=True,
        images=True,
        tables=True,
        fast=fast,
        url=url or None,
    )


@dataclass(slots=True)
class _Scribe:
    """Walks trafilatura's tree: head, p, list/item, quote, code, table/row/cell, graphic, and inline elements."""

    pieces: list[Piece] = field(default_factory=list)

    def write(self, body: Element) -> None:
        self._mixed(body, "paragraph", 0)

    def _mixed(self, element: Element, kind: BlockKind, level: int, mark: str = "") -> None:
        """Text and inline elements in a row are one block; block elements among them are blocks of their own.

        Of an item of a list the first block is the item; what follows in it are its further paragraphs.
        """
        rest: BlockKind = "paragraph" if kind == "list_item" else kind
        opening = (kind, level, mark)
        for part in _parts(element):
            before = len(self.pieces)
            if isinstance(part, str):
                self._add(opening[0], part, *opening[1:])
            elif part.tag in {"p", "div"}:
                self._mixed(part, *opening)
            else:
                self._block(part, rest)
            if len(self.pieces) > before:
                opening = (rest, 0, "")

    def _block(self, element: Element, around: BlockKind) -> None:
        if element.tag == "head":
            rank = re.search(r"[1-6]", element.get("rend") or "")
            self._add("heading", "".join(_inline(element)), int(rank[0]) if rank else 2)
        elif element.tag == "list":
            self._list(element)
        elif element.tag == "code":
            self._put("code", verbatim("".join(element.itertext())))
        elif element.tag == "table":
            self._table(element)
        elif element.tag == "graphic":
            self._image(element)
        else:
            self._mixed(element, "quote" if element.tag == "quote" else around, 0)

    def _list(self, element: Element) -> None:
        depth = 1 + sum(1 for _ in element.iterancestors("list"))
        for number, item in enumerate(element.iterchildren("item"), 1):
            is_term = (item.get("rend") or "").startswith("dt")
            ordered = element.get("rend") == "ol"
            self._mixed(item, "list_item", depth, "" if is_term else f"{number}. " if ordered else "- ")

    def _table(self, element: Element) -> None:
        for row in element.iter("row"):
            cells = [flowing(" ".join(cell.itertext())) for cell in row.iterchildren("cell")]
            self._put("table_row", " | ".join(cells).strip(" |"))

    def _image(self, element: Element) -> None:
        alt = flowing(element.get("alt") or element.get("title") or "")
        if not _NO_ALT.match(alt):
            self._put("image", alt)

    def _add(self, kind: BlockKind, text: str, level: int, mark: str = "") -> None:
        """Empty lines in running text part paragraphs; the ends of single lines stay."""
        for part in _EMPTY_LINE.split(text):
            self._put(kind, "\n".join(line for one in part.split(LINE_END) if (line := flowing(one))), level, mark)

    def _put(self, kind: BlockKind, text: str, level: int = 0, mark: str = "") -> None:
        if text:
            self.pieces.append(Piece(kind, text, level, mark))


def _parts(element: Element) -> Iterator[str | Element]:
    """Its text with inline elements, and the block elements between."""
    run = [element.text or ""]
    for child in element:
        if child.tag in _BLOCKS and not _is_inline(child, element):
            yield "".join(run)
            yield child
            run = []
        else:
            run.extend(_inline(child))
        run.append(child.tail or "")
    yield "".join(run)


def _is_inline(child: Element, parent: Element) -> bool:
    """Code within a sentence is a word of it."""
    return child.tag == "code" and parent.tag in _WITH_WORDS and "\n" not in "".join(child.itertext())


def _inline(element: Element) -> Iterator[str]:
    if element.tag == "lb":
        yield LINE_END
    elif element.tag != "graphic":
        yield element.text or ""
        for child in element:
            yield from _inline(child)
            yield child.tail or ""
