"""Makes plain markup of what only looks like it: text between tags, breaks for paragraphs, tables for columns.

trafilatura knows paragraphs, headings, lists and tables; text that stands loose in a container it may lose.
"""

from __future__ import annotations

from lxml import html

from memories.engine.documents.html.parsing import Element, words_in

_CONTAINERS = ("article", "body", "div", "section", "main", "center", "header")
_INLINE_TAGS = """
a abbr acronym b bdi bdo big br cite code data del dfn em font i img ins kbd label mark math nobr picture q rp rt ruby s
samp small span strike strong sub sup time tt u var wbr
"""
_INLINE = frozenset(_INLINE_TAGS.split())
_BLOCKS = ("p", "div", "section", "article", "ul", "ol", "dl", "table", "pre", "blockquote", "figure",
           "h1", "h2", "h3", "h4", "h5", "h6", "hr")  # fmt: skip
_LONG_CELL = 60  # words: a cell of a table with data has fewer


def tidy(frame: Element) -> None:
    """In place."""
    for table in [one for one in frame.iter("table") if _is_layout(one)]:
        _columns(table)
    for element in [
        one for one in frame.iter("font", "span", "b", "strong", "i", "em", "center") if _holds_blocks(one)
    ]:
        element.tag = "div"
    for container in list(frame.iter(*_CONTAINERS)):
        if (container.text or "").strip() or any(_is_loose(child) for child in container):
            _wrap(container)


def _holds_blocks(element: Element) -> bool:
    return next(element.iter(*_BLOCKS), None) is not None


def _is_layout(table: Element) -> bool:
    """Columns of a page: no cell is a header's, and one holds a whole text."""
    if next(table.iter("th", "caption"), None) is not None:
        return False
    cells = [cell for cell in table.iter("td") if next(cell.iterancestors("table")) is table]
    return any(
        words_in(cell) > _LONG_CELL and (len(cells) < 3 or _holds_blocks(cell) or cell.find(".//br") is not None)
        for cell in cells
    )


def _columns(table: Element) -> None:
    for part in table.iter("tr", "td", "tbody", "thead", "tfoot"):
        if next(part.iterancestors("table")) is table:
            part.tag = "div"
    table.tag = "div"


def _is_loose(child: Element) -> bool:
    return (child.tail or "").strip() != "" or child.tag in _INLINE - {"img", "picture", "a"}


def _wrap(container: Element) -> None:
    """Each run of text and inline elements becomes a paragraph; two breaks end one."""
    paragraph = html.Element("p")
    paragraph.text, container.text = container.text, None
    for child in list(container):
        tail, child.tail = child.tail, None
        if child.tag == "br" and _ends_with_break(paragraph):
            paragraph = _placed(paragraph, container, child, tail)
            container.remove(child)
        elif child.tag in _INLINE and not _holds_blocks(child):
            paragraph.append(child)
            child.tail = tail
        else:
            paragraph = _placed(paragraph, container, child, tail)
    _placed(paragraph, container, None, None)


def _placed(paragraph: Element, container: Element, before: Element | None, following: str | None) -> Element:
    """Puts the paragraph where it belongs, if there is anything in it, and begins the next."""
    if len(paragraph) or (paragraph.text or "").strip():
        if before is None:
            container.append(paragraph)
        else:
            before.addprevious(paragraph)
    begun = html.Element("p")
    begun.text = following
    return begun


def _ends_with_break(paragraph: Element) -> bool:
    return len(paragraph) > 0 and paragraph[-1].tag == "br" and not (paragraph[-1].tail or "").strip()
