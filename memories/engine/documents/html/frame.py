"""Where on a page its body is: the element around most of what reads like prose.

trafilatura takes the first element whose class looks like an article's, and with it the first of several posts, or the
text without what stands above it. So the frame is looked for here, by what is in it, and trafilatura gets it alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree, html
from trafilatura.xpaths import OVERALL_DISCARD_XPATH

from memories.engine.documents.html.parsing import Element, drop, words_in
from memories.engine.documents.html.tidying import tidy

FEWEST = 60  # words of prose; with fewer there is nothing to measure
MOST_LINKED = 0.5  # of a piece's words: what is linked more is a list of links
SENTENCE = 8  # words
HELD = 0.7  # of all prose, in the innermost element that may be the frame
GAIN = 0.15  # of all prose, that the next element around must add to be taken instead
_PIECES = ("p", "li", "dd", "blockquote", "pre", "td", "div", "section", "article")
_BLOCKS = {
    "p", "li", "dd", "dt", "blockquote", "pre", "td", "th", "tr", "table", "ul", "ol", "dl", "div", "section",
    "article", "main", "figure",
    "h1", "h2", "h3", "h4", "h5", "h6", "header", "footer", "form", "details",
}  # fmt: skip


def framed(tree: Element) -> Element | None:
    """A new page with the frame alone, its elements without class and id; None when no frame can be told."""
    frame = _frame(tree)
    if frame is None:
        return None
    _discard(frame)
    frame.tag, frame.tail = "article", None
    tidy(frame)
    for element in frame.iter(etree.Element):
        for name in ("class", "id", "role", "style"):
            if element.get(name) is not None and element.tag != "code":
                del element.attrib[name]
    page, body = html.Element("html"), html.Element("body")
    page.append(body)
    body.append(frame)
    return page


def _frame(tree: Element) -> Element | None:
    held: dict[Element, int] = {}
    total = 0
    for piece in tree.iter(*_PIECES):
        words = _prose(piece)
        total += words
        for around in (piece, *piece.iterancestors()) if words else ():
            held[around] = held.get(around, 0) + words
    if total < FEWEST:
        return None
    inner = _innermost(tree, held, HELD * total)
    return _widened(inner, held, total)


def _innermost(tree: Element, held: dict[Element, int], needed: float) -> Element:
    here = tree
    while (below := next((child for child in here if held.get(child, 0) >= needed), None)) is not None:
        here = below
    return here


def _widened(frame: Element, held: dict[Element, int], total: int) -> Element:
    """Out to the article or main part that it is in, else as far as there is more to read."""
    named = next((one for one in (frame, *frame.iterancestors()) if _is_named(one)), None)
    if named is not None:
        return named
    for around in frame.iterancestors():
        if around.tag in {"body", "html"} or held[around] - held[frame] < GAIN * total:
            break
        frame = around
    return frame


def _is_named(element: Element) -> bool:
    return element.tag in {"article", "main"} or element.get("role") in {"main", "article"}


def _prose(piece: Element) -> int:
    """Words of the piece itself, without those of blocks in it; none when it is short or mostly links."""
    linked = words = 0
    for text, in_link in _own(piece, False):
        count = len(text.split())
        words += count
        linked += count if in_link else 0
    if piece.tag != "pre" and (words < SENTENCE or linked > MOST_LINKED * words):
        return 0
    return words


def _own(element: Element, in_link: bool) -> Iterator[tuple[str, bool]]:
    in_link = in_link or element.tag == "a"
    yield element.text or "", in_link
    for child in element:
        if child.tag not in _BLOCKS and isinstance(child.tag, str):
            yield from _own(child, in_link)
        yield child.tail or "", in_link


def _discard(frame: Element) -> None:
    """What trafilatura's rules call no content, one by one: by themselves they take all or nothing."""
    most = 0.25 * words_in(frame)
    for rule in OVERALL_DISCARD_XPATH:
        for element in rule(frame):
            if words_in(element) <= most and next(element.iter("h1"), None) is None:
                drop(element)
