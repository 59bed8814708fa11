"""Takes out of a page what is no part of its body and says so, and makes the rest easier to read.

trafilatura has rules of its own after these; they are careful, and leave things that every page has today.
"""

from __future__ import annotations

import re

from lxml import etree

from memories.engine.documents.html.parsing import Element, drop, tokens, words_in

_CLUTTER_WORDS = """
cookie cookies consent gdpr ccpa onetrust newsletter newsletters subscribe subscription signup share sharing sharebar
sharer social socials addthis related recommended recommendations recirculation recirc promo promos promotion
sponsored sponsor advert adverts advertisement advertising ads ad adslot adsense adunit dfp outbrain taboola breadcrumb
breadcrumbs comments disqus sidebar popup modal lightbox toast snackbar pagination pager paginator skip skiplink
trending upsell crosssell upvote voting votecell reactions footer sitenav navbar noprint printonly dropdown editsection
headerlink backlink reflist references catlinks navbox taglist tagcloud usercard userinfo reviews
partage partager compartir teilen kommentare commentaires comentarios commenti reacties kommentarer suscribete
abonnement anzeige werbung publicidad publicite
"""
CLUTTER = frozenset(_CLUTTER_WORDS.split())
_SPEAKS_OF = frozenset({"has", "with", "no", "not", "without", "enabled", "disabled", "wrapper", "layout"})
_NOTES = {
    "note",
    "tip",
    "warning",
    "caution",
    "important",
    "callout",
    "admonition",
    "hint",
    "info",
    "pullquote",
    "quote",
}
_ROLES = {"navigation", "contentinfo", "complementary", "search", "dialog", "alertdialog", "menu", "menubar", "toolbar"}
_NEVER = {"html", "body", "main", "article", "h1", "pre", "code", "table", "tbody", "tr", "td", "th"}
_HIDDEN = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_NUMBERS = {"lineno", "linenos", "linenumber", "linenumbers", "gutter"}
_LARGE = 0.35  # of the page's words: what holds as many is the page, whatever it is called
_SCRIPTS = (
    "script",
    "style",
    "noscript",
    "template",
    "iframe",
    "svg",
    "canvas",
    "button",
    "select",
    "input",
    "textarea",
)


def prune(tree: Element) -> None:
    """In place."""
    for element in list(tree.iter(*_SCRIPTS)):
        if not _is_data(element):
            drop(element)
    _clutter(tree)
    for element in [one for one in tree.iter("td") if _NUMBERS & set(tokens(one))]:
        drop(element)
    for element in list(tree.iter("pre")):
        _code(element)
    for element in list(tree.iter("amp-img")):
        element.tag = "img"
    for element in list(tree.iter("figcaption")):
        element.tag = "p"
    for element in [one for one in tree.iter("footer") if next(one.iterancestors("blockquote"), None) is not None]:
        element.tag = "p"  # who is quoted
    for element in [one for one in tree.iter("aside") if _NOTES & set(tokens(one))]:
        element.tag = "div"


def _is_data(element: Element) -> bool:
    """What the page says of itself in JSON is read by trafilatura too."""
    return element.tag == "script" and "json" in (element.get("type") or "")


def _clutter(tree: Element) -> None:
    total = words_in(tree)
    for element in [one for one in tree.iter(etree.Element) if _is_clutter(one)]:
        if words_in(element) <= _LARGE * total and not _holds_the_page(element):
            drop(element)


def _is_clutter(element: Element) -> bool:
    if element.tag in _NEVER:
        return False
    if element.tag == "nav" or (element.get("role") or "").lower() in _ROLES:
        return True
    if element.get("aria-modal") == "true" or element.get("hidden") is not None:
        return True
    if _HIDDEN.search(element.get("style") or ""):
        return True
    named = list(tokens(element))
    return any(
        word in CLUTTER and (place == 0 or named[place - 1] not in _SPEAKS_OF) for place, word in enumerate(named)
    ) and not any(word in _SPEAKS_OF for word in named)


def _holds_the_page(element: Element) -> bool:
    return next(element.iter("h1", "main", "article"), None) is not None


def _code(element: Element) -> None:
    """Code as its lines: without line numbers, buttons, and the spans that colour it."""
    for part in [one for one in element.iter(etree.Element) if one is not element and _NUMBERS & set(tokens(one))]:
        drop(part)
    for end in element.iter("br"):
        end.tail = "\n" + (end.tail or "")
    text = "".join(element.itertext())
    if "\n" not in text.strip():
        lines = [one for one in element.iter("div", "span", "code") if "line" in set(tokens(one))]
        text = "\n".join("".join(line.itertext()) for line in lines) if len(lines) > 1 else text
    table = next((one for one in element.iterancestors("table") if _numbered(one)), None)
    tail = element.tail
    for child in list(element):
        element.remove(child)
    element.text, element.tail = None, tail
    etree.SubElement(element, "code").text = text
    if table is not None and table.getparent() is not None:
        element.tail = table.tail
        table.getparent().replace(table, element)


def _numbered(table: Element) -> bool:
    """A table that only puts line numbers beside code; they are gone by now."""
    return "highlight" in " ".join(tokens(table)) or sum(1 for _ in table.iter("td")) == 1
