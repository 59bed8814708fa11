"""The words of a passage: what is indexed, what is embedded, what is highlighted."""

from __future__ import annotations

import re
import unicodedata

from memories.engine.types import Passage

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_LITTLE = """
a an and are as at be been by can could did do does for from had has have he her him his how i if in into is it its
me my of on or our she should so that the their them they this those to was we were what when where which who whom
why will with would you your
"""
LITTLE = frozenset(_LITTLE.split())
# Endings from long to short with what replaces them; the stem that is left must have at least three letters.
_ENDINGS = (
    ("ational", "ate"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"), ("ization", "ize"),
    ("ations", "ate"), ("ation", "ate"), ("ments", ""), ("ment", ""), ("nesses", ""), ("ness", ""), ("ities", ""),
    ("ity", ""), ("ingly", ""), ("edly", ""), ("ings", ""), ("ing", ""), ("ied", "y"), ("ies", "y"), ("ers", ""),
    ("er", ""), ("ed", ""), ("est", ""), ("ly", ""), ("es", ""), ("s", ""),
)  # fmt: skip


def stem(word: str) -> str:
    """A rough stem for matching a question's words in a text: "hiking", "hiked" and "hikes" become "hik".

    One ending is taken off, a doubled consonant and a final e are dropped. Words of up to three letters and those with
    other than English letters stay as they are, in lower case.
    """
    plain = unicodedata.normalize("NFKC", word).casefold().replace("\u2019", "'").removesuffix("'s")
    if len(plain) <= 3 or not plain.isascii():
        return plain
    for ending, instead in _ENDINGS:
        if plain.endswith(ending) and len(plain) - len(ending) >= 3 and not plain.endswith("ss"):
            plain = plain[: len(plain) - len(ending)] + instead
            break
    if len(plain) > 3 and plain[-1] == plain[-2] and plain[-1] not in "aeiouls":
        plain = plain[:-1]
    return plain.removesuffix("e") if len(plain) > 3 else plain


def highlight(text: str, query: str) -> list[tuple[int, int]]:
    """The spans of the words in `text` whose stems are among those of the query's words, little words aside.

    In scripts without spaces each stretch of the query that occurs is marked. Sorted, without overlap.
    """
    words = _WORD.findall(query)
    wanted = {stem(word) for word in words if word.casefold() not in LITTLE} or {stem(word) for word in words}
    spans = [match.span() for match in _WORD.finditer(text) if stem(match[0]) in wanted]
    for piece in {word for word in words if _UNSPACED.search(word)}:
        spans += [match.span() for match in re.finditer(re.escape(piece), text)]
    return _merged(spans)


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def embedding_text(passage: Passage) -> str:
    """What the vector of a passage is made of: "[8 May 2023] Anna: …"; the text alone where nobody said it."""
    return f"{_date(passage)}{_turn(passage)}"


def search_text(passage: Passage, previous: Passage | None = None, title: str = "") -> str:
    """The words to index for a passage: "[8 May 2023] Tom: previous turn Anna: turn".

    A question and its answer share words with what is asked, so a turn is found by the one before it as well. A text's
    passage has the memory's title instead, and no previous one.
    """
    if passage.speaker is None:
        return f"{title}\n{passage.text}" if title else passage.text
    before = f"{_turn(previous)} " if previous is not None and previous.speaker is not None else ""
    return f"{_date(passage)}{before}{_turn(passage)}"


def _turn(passage: Passage) -> str:
    return f"{passage.speaker}: {passage.text}" if passage.speaker else passage.text


def _date(passage: Passage) -> str:
    return f"[{passage.at.day} {passage.at:%B %Y}] " if passage.at else ""
