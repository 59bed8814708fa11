"""The pages under `pages/`, what their bodies are, and how much of one a text has.

In a page, `<!--[-->` and `<!--]-->` stand around what belongs to the body: comments, which the reader never sees.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from pathlib import Path

PAGES = sorted((Path(__file__).parent / "pages").glob("*.html"))
_MARKED = re.compile(r"<!--\[-->(.*?)<!--\]-->", re.DOTALL)
_MARK = re.compile(r"<!--[\[\]]-->")
_PICTURE = re.compile(r"<(?:amp-)?img\b[^>]*?\balt=\"([^\"]*)\"[^>]*>")
_IN_WORDS = re.compile(
    r"</?(?:a|b|i|em|strong|span|code|mark|small|sup|sub|abbr|time|cite|q|u|s|kbd|var|dfn|font|wbr|ruby)\b[^>]*>"
)
_TAG = re.compile(r"<[^>]+>")
_SCRIPT_WITHOUT_BLANKS = re.compile(r"([\u3040-\u30ff\u4e00-\u9fff\u0e00-\u0e7f])")


def markup(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def without_marks(source: str) -> str:
    return _MARK.sub("", source)


def body(source: str) -> str:
    """The text between the marks, pictures as their `alt`."""
    marked = "".join(_MARKED.findall(source))
    shown = _TAG.sub(" ", _IN_WORDS.sub("", _PICTURE.sub(r" \1 ", marked)))
    return html.unescape(shown)


def everything(source: str) -> str:
    """All that a browser would show of the page."""
    visible = re.sub(r"(?s)<(script|style|head)\b.*?</\1>|<!--.*?-->", " ", source)
    return html.unescape(_TAG.sub(" ", _IN_WORDS.sub("", visible)))


def tokens(text: str) -> list[str]:
    """Words and numbers, in small letters; of scripts without blanks each sign."""
    return re.findall(r"\w+", _SCRIPT_WITHOUT_BLANKS.sub(r" \1 ", text.casefold()))


def f1(found: str, expected: str) -> float:
    """Of the bags of tokens: what is missing counts as much as what is too much."""
    have, want = Counter(tokens(found)), Counter(tokens(expected))
    common = (have & want).total()
    return 2 * common / (have.total() + want.total()) if common else 0.0
