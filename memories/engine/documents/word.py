"""Word files (.docx) by python-docx: headings, lists, tables, and what the file tells of itself."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docx
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn

from memories.engine.documents.errors import UnreadableDocument
from memories.engine.documents.limits import MEGABYTE, Limits
from memories.engine.documents.messages import Job
from memories.engine.documents.model import BlockKind, Document
from memories.engine.documents.moments import moment
from memories.engine.documents.writing import Writer, flowing, verbatim

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # what Word wrote before 2007, and what a password is wrapped in
MAIN = "word/document.xml"
MACROS = "word/vbaProject.bin"
MOST_PARTS = 5_000
MOST_RATIO = 200  # of a part's size to its packed one, from a megabyte on; ordinary texts reach 30
OLD = "This is a Word file of the old form (.doc). Open it in Word or LibreOffice, save it as .docx, and add that."
PROTECTED = "This Word file is protected by a password. Save a copy without one, and add that."
WITH_MACROS = "This Word file carries macros (.docm), which MemStack does not take. Save it as .docx, and add that."
BROKEN = "This file is no Word file that can be read: it is damaged or was cut off. Check that it opens elsewhere."
BOMB = "This Word file unpacks to far more than a text has, so it was not opened. Save the text alone, and add that."

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_LEFT_OUT = {_W + name for name in ("del", "moveFrom", "instrText", "rPr", "pPr", "txbxContent", "delText")} | {
    _FALLBACK
}
_HEADING = re.compile(r"(?:heading|überschrift|titre|título|titolo|kop|rubrik)\s*([1-9])\Z", re.IGNORECASE)
_CODE = re.compile(r"code|source|listing|preformatted|macro", re.IGNORECASE)


def read(job: Job, progress: Callable[[int, int], None]) -> Document:
    _check(job.path, job.limits)
    try:
        file = docx.Document(str(job.path))
    except (KeyError, ValueError, SyntaxError, zipfile.BadZipFile, OpcError) as error:
        raise UnreadableDocument(BROKEN) from error
    writer = Writer()
    title = _Body(file, writer).write()
    told = file.core_properties
    return Document(
        writer.text,
        title=told.title or title,
        author=told.author if told.author != "python-docx" else "",
        language=_language(file),
        published_at=moment(told.created),
        blocks=tuple(writer.blocks),
        tags=tuple(dict.fromkeys(word.strip() for word in re.split(r"[,;]", told.keywords) if word.strip())),
    )


def _check(path: Path, limits: Limits) -> None:
    """Refuses what is no .docx, and what would unpack to too much; the table of contents is read, nothing else."""
    with path.open("rb") as file:
        start = file.read(8)
    if start == OLE:
        raise UnreadableDocument(PROTECTED if _is_encrypted(path) else OLD)
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise UnreadableDocument(BROKEN) from error
    names = {part.filename for part in parts}
    if MACROS in names:
        raise UnreadableDocument(WITH_MACROS)
    if MAIN not in names:
        raise UnreadableDocument(BROKEN)
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > limits.unpacked_bytes:
        raise UnreadableDocument(BOMB)
    if any(part.file_size > max(MEGABYTE, MOST_RATIO * part.compress_size) for part in parts):
        raise UnreadableDocument(BOMB)


def _is_encrypted(path: Path) -> bool:
    name = "EncryptedPackage".encode("utf-16-le")
    with path.open("rb") as file:
        return name in file.read(MEGABYTE) or (path.stat().st_size > MEGABYTE and _ends_with(file, name))


def _ends_with(file: Any, name: bytes) -> bool:
    """The directory of such a file may stand at its end."""
    file.seek(-MEGABYTE, 2)
    return name in file.read()


def _language(file: Any) -> str:
    told = file.core_properties.language or next(
        (lang.get(qn("w:val")) or "" for lang in file.styles.element.iter(qn("w:lang"))), ""
    )
    return told.partition("-")[0].lower() if re.fullmatch(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*", told) else ""


class _Body:
    """Writes what stands in the body, also in content controls and in what was inserted on review."""

    def __init__(self, file: Any, writer: Writer) -> None:
        self._body = file.element.body
        self._writer = writer
        self._styles = {style.style_id: (style.name or "", style) for style in file.styles if style.style_id}
        self._ordered = _ordered_lists(file)
        self._counts: dict[tuple[str, int], int] = {}
        self._title = ""

    def write(self) -> str:
        """The title by its style, or the first heading."""
        self._write_below(self._body)
        return self._title or next(
            (self._writer.text[block.start : block.end] for block in self._writer.blocks if block.kind == "heading"), ""
        )

    def _write_below(self, element: Any) -> None:
        for child in element.iterchildren():
            if child.tag == _W + "p":
                self._paragraph(child)
            elif child.tag == _W + "tbl":
                self._table(child)
            elif child.tag in {_W + "sdt", _W + "sdtContent", _W + "ins", _W + "smartTag", _W + "customXml"}:
                self._write_below(child)

    def _paragraph(self, element: Any) -> None:
        style = self._style(element)
        raw = "".join(_pieces(element))
        if _CODE.search(style):
            self._writer.add("code", verbatim(raw))
        else:
            kind, level, mark = self._kind(element, style)
            text = flowing(raw)
            if style.lower() == "title" and not self._title:
                self._title = text
            self._writer.add(kind, text, level, mark=mark)
        for box in element.iter(_W + "txbxContent"):
            if not any(above.tag == _FALLBACK for above in box.iterancestors()):
                self._write_below(box)

    def _style(self, element: Any) -> str:
        found = element.find(f"{_W}pPr/{_W}pStyle")
        return self._styles.get(found.get(_W + "val") if found is not None else "", ("", None))[0]

    def _kind(self, element: Any, style: str) -> tuple[BlockKind, int, str]:
        heading = _HEADING.match(style)
        if heading:
            return "heading", min(int(heading[1]), 6), ""
        if style.lower() in {"title", "titel", "titre", "título"}:
            return "heading", 1, ""
        if "quote" in style.lower():
            return "quote", 0, ""
        listed = self._listed(element, style)
        return ("list_item", *listed) if listed else ("paragraph", 0, "")

    def _listed(self, element: Any, style: str) -> tuple[int, str] | None:
        """(depth, mark) of a list's item: by its own numbering, or by that of its style."""
        numbering = element.find(f"{_W}pPr/{_W}numPr")
        if numbering is None and not style.lower().startswith("list"):
            return None
        number, depth = _value(numbering, "numId"), int(_value(numbering, "ilvl") or 0)
        if number == "0":  # taken out of its list
            return None
        if numbering is None and style.lower() == "list paragraph":
            return None
        last = re.search(r"\d\Z", style)
        level = depth + 1 if numbering is not None else int(last[0]) if last else 1
        ordered = self._ordered.get((number, depth), "number" in style.lower())
        return min(level, 9), f"{self._count(number, depth)}. " if ordered else "- "

    def _count(self, number: str, depth: int) -> int:
        for key in [key for key in self._counts if key[0] == number and key[1] > depth]:
            del self._counts[key]
        if self._writer.blocks and self._writer.blocks[-1].kind != "list_item" and not number:
            self._counts.pop((number, depth), None)
        self._counts[number, depth] = self._counts.get((number, depth), 0) + 1
        return self._counts[number, depth]

    def _table(self, element: Any) -> None:
        for row in element.iter(_W + "tr"):
            if next(row.iterancestors(_W + "tbl"), None) is not element:
                continue  # of a table in a cell, which is told with its cell
            cells = (flowing(" ".join("".join(_pieces(p)) for p in cell.iter(_W + "p"))) for cell in _cells(row))
            self._writer.add("table_row", " | ".join(cells).strip(" |"))


def _cells(row: Any) -> Iterator[Any]:
    return (cell for cell in row.iter(_W + "tc") if next(cell.iterancestors(_W + "tr"), None) is row)


def _pieces(paragraph: Any) -> Iterator[str]:
    """The text as it would be printed: without what was deleted on review, and without field codes."""
    for child in paragraph.iterchildren():
        if child.tag in _LEFT_OUT or not isinstance(child.tag, str):
            continue
        if child.tag == _W + "t":
            yield child.text or ""
        elif child.tag in {_W + "tab", _W + "ptab"}:
            yield "\t"
        elif child.tag in {_W + "br", _W + "cr"}:
            yield "\n"
        elif child.tag == _W + "noBreakHyphen":
            yield "-"
        else:
            yield from _pieces(child)


def _value(element: Any, name: str) -> str:
    found = element.find(_W + name) if element is not None else None
    return (found.get(_W + "val") or "") if found is not None else ""


def _ordered_lists(file: Any) -> dict[tuple[str, int], bool]:
    """Whether the items of a list at a depth are counted: (numId, depth) → ordered."""
    try:
        root = file.part.numbering_part.element
    except (KeyError, NotImplementedError, AttributeError):
        return {}
    formats = {
        (abstract.get(_W + "abstractNumId"), level.get(_W + "ilvl")): _value(level, "numFmt")
        for abstract in root.iter(_W + "abstractNum")
        for level in abstract.iter(_W + "lvl")
    }
    return {
        (number.get(_W + "numId"), int(depth)): form not in {"bullet", "none", ""}
        for number in root.iter(_W + "num")
        for (abstract, depth), form in formats.items()
        if abstract == _value(number, "abstractNumId") and (depth or "").isdigit()
    }
