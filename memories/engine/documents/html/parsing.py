"""From markup to a tree that the other steps can rely on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree, html

from memories.engine.documents.errors import UnreadableDocument

Element = Any  # lxml has no types
MOST_ELEMENTS = 200_000  # long pages of a book have 20,000
TOO_MANY = "The page is far longer than any article, so it was not read. Save the part that you need as a file."
DEEPEST = 400  # levels; browsers draw 512, and what walks a tree level by level must not run out of stack
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_XML_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")


def parsed(markup: str) -> Element | None:
    """The page as a tree without comments, at most DEEPEST levels deep; None when there is nothing in it.

    Raises UnreadableDocument for more than MOST_ELEMENTS: what finds the body takes their square, in the end.
    """
    clean = _XML_DECLARATION.sub("", _UNSTORABLE.sub("", markup))
    parser = html.HTMLParser(
        encoding="utf-8",
        collect_ids=False,
        default_doctype=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
    )
    try:
        tree = etree.fromstring(clean.encode("utf-8", "replace"), parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return None
    if tree is None:
        return None
    _flatten(tree)
    return tree


def _flatten(tree: Element) -> None:
    """What lies deeper than DEEPEST keeps its words and loses its tags."""
    depth = 0
    deep = []
    count = 0
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        count += event == "start"
        if count > MOST_ELEMENTS:
            raise UnreadableDocument(TOO_MANY)
        if event == "start" and depth == DEEPEST and len(element):
            deep.append(element)
    for element in deep:
        words = " ".join(element.itertext())
        for child in list(element):
            element.remove(child)
        element.text = words


def drop(element: Element) -> None:
    """Takes the element out; the text after it stays."""
    parent = element.getparent()
    if parent is None:
        return
    if element.tail:
        before = element.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def tokens(element: Element) -> Iterator[str]:
    """The words of its class and id: "articleBody main-content" has article, body, main, content."""
    for name in ("class", "id"):
        for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", element.get(name) or ""):
            yield word.lower()


def words_in(element: Element) -> int:
    """How many there are, outside of scripts and styles."""
    return sum(len(text.split()) for text in element.itertext() if text)
