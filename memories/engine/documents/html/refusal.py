"""Pages that show no article to who is not logged in, runs no scripts, or has nothing to show."""

from __future__ import annotations

import re

from memories.engine.documents.errors import UnreadableDocument
from memories.engine.documents.html.parsing import Element

EMPTY = "The page is empty: there is no text on it. Check the address in a browser."
LOGIN = (
    "The page asks for a login and shows no article without one. Open it in your browser, save or print it to a file, "
    "and add that file."
)
SCRIPTS = (
    "The page is drawn by scripts in the browser; what the server sends has no article in it. Open it in your browser, "
    "save or print it to a file, and add that file."
)
HARDLY = 60  # words: a login page has as many of its own
FEW = 25
_NEEDS_SCRIPTS = re.compile(
    r"(?:enable|activate|turn on|requires?|needs?|without|activer|aktivieren|habilit\w+|activ\w+)\W.{0,40}java ?script|"
    r"java ?script\W.{0,60}(?:enable|required|disabled|aktivier|activ|habilit)",
    re.IGNORECASE | re.DOTALL,
)
_ROOTS = {"root", "app", "__next", "__nuxt", "application", "react-root", "app-root", "main-app"}


class Signs:
    """Read from the page before anything is taken out of it."""

    def __init__(self, tree: Element) -> None:
        self.has_password = any((one.get("type") or "").lower() == "password" for one in tree.iter("input"))
        notices = [" ".join(one.itertext()) for one in tree.iter("noscript")]
        self.asks_for_scripts = any(_NEEDS_SCRIPTS.search(notice[:2_000]) for notice in notices)
        self.has_scripts = next(tree.iter("script"), None) is not None
        self.has_empty_root = any(_is_empty_root(one) for one in tree.iter("div", "main", "app-root"))
        self.says_scripts = bool(_NEEDS_SCRIPTS.search(_visible(tree)))


def _is_empty_root(element: Element) -> bool:
    return ((element.get("id") or "") in _ROOTS or element.tag == "app-root") and not "".join(
        element.itertext()
    ).strip()


def _visible(tree: Element) -> str:
    """The first words that are no script's."""
    parts: list[str] = []
    for element in tree.iter():
        if (
            isinstance(element.tag, str)
            and element.tag not in {"script", "style", "noscript", "title"}
            and element.text
        ):
            parts.append(element.text)
            if len(parts) > 200:
                break
    return " ".join(parts)[:2_000]


def check(signs: Signs, text: str, *, has_recording: bool = False) -> None:
    """Raises UnreadableDocument for a page whose body is not there; `text` is what was found of it.

    A page with a recording need not say anything itself.
    """
    words = len(text.split())
    if signs.has_password and words < HARDLY:
        raise UnreadableDocument(LOGIN)
    if has_recording:
        return
    needs = signs.says_scripts or (signs.has_scripts and (signs.asks_for_scripts or signs.has_empty_root))
    if needs and words < FEW:
        raise UnreadableDocument(SCRIPTS)
    if not words:
        raise UnreadableDocument(EMPTY)
