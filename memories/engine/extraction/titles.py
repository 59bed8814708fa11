"""Names as long as they are written: "There Will Come Soft Rains", "Hunters of Dune", "Friends of the Earth".

A recogniser trained on newspapers cuts such names at their little words. Here they are read where the text itself marks
them: after a noun that says what they are, in a list that such a noun opens, or before the year of their appearance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memories.engine.extraction.grammar import sentence_end, sentence_start
from memories.engine.extraction.kinds import kind_of
from memories.engine.extraction.recognised import RANKS
from memories.engine.extraction.wording import head_type

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

LONGEST = 12  # words of a title
_SMALL_WORDS = """
    of the and for in on to a an with at from de la du le les del da der und et i o' is are my your our me it & -
    's \u2019s ' \u2019 n't n\u2019t : as"""
_SMALL = frozenset(_SMALL_WORDS.split())
_JOINS = frozenset({"in", "on", "at", "with", "for", "to", "from", "as"})
_OPENERS = frozenset({"include", "includes", "included", "including", "like", ":"})
_CALLED = frozenset({"called", "titled", "entitled", "named"})
_FUNCTION = frozenset({"ADP", "SCONJ", "CCONJ", "ADV", "PRON", "AUX", "DET"})


@dataclass(frozen=True, slots=True)
class Title:
    """Tokens `first` to `last`, half open, that are one name; `type` is what the words around it say it is.

    `noun` is the token that says so and stands for the name in its clause; None where a year does.
    """

    first: int
    last: int
    type: str
    noun: int | None = None


def titles(doc: Doc) -> Iterator[Title]:
    """The names that the text marks as such, in no particular order; they may overlap."""
    for token in doc:
        kind = kind_of(token)
        if kind is not None:
            yield from _after(doc, token, kind)
        elif token.text == "(" and _is_year(doc, token.i + 1):
            yield from _before(doc, token.i)


def _is_year(doc: Doc, i: int) -> bool:
    """Whether a bracket that opens before token `i` holds a year, or who published it and a year."""
    while i + 2 < len(doc) and doc[i].text.istitle() and not doc[i].is_sent_start:
        i += 2 if doc[i + 1].text == "," else 1
    if i + 1 >= len(doc) or doc[i + 1].text not in {")", ","}:
        return False
    return len(doc[i].text) == 4 and doc[i].text.isdigit() and doc[i].text[:2] in {"18", "19", "20"}


# --- after a noun


def _after(doc: Doc, noun: Token, kind: str) -> Iterator[Title]:
    start, listed = _opening(doc, noun)
    if start is None:
        return
    found = list(_items(doc, start))
    if not found:
        return
    plural = noun.tag_ in {"NNS", "NNPS"}
    if not (listed or plural):
        found = [_shortened(doc, found[0])]
    for first, last in found:
        if _plausible(doc, first, last, kind):
            yield Title(first, last, kind, noun.i)


def _opening(doc: Doc, noun: Token) -> tuple[int | None, bool]:
    """Where the names that a noun announces begin, and whether they are a list; None when it announces none."""
    i = noun.i + 1
    if i < len(doc) and _capital(doc[i]):
        return i, False
    if i < len(doc) and doc[i].text in {",", "(", "-", "\u2013"} and i + 1 < len(doc):
        i += 1
    if i >= len(doc):
        return None, False
    word = doc[i].lower_
    if word == "such" and i + 1 < len(doc) and doc[i + 1].lower_ == "as":
        return i + 2, True
    if word in _OPENERS:
        return i + 1, True
    if word in _CALLED:
        return i + 1, False
    return None, False


def _items(doc: Doc, start: int) -> Iterator[tuple[int, int]]:
    """The names of a list, as token ranges; it ends with the sentence or at the first word that is in no name."""
    segments = list(_segments(doc, start))
    for number, (first, last) in enumerate(segments):
        final = number == len(segments) - 1
        joint = next((i for i in range(first + 1, last - 1) if doc[i].lower_ in {"and", "or"}), None) if final else None
        pieces = [(first, joint), (joint + 1, last)] if joint is not None else [(first, last)]
        for piece in pieces:
            trimmed = _trimmed(doc, *piece)
            if trimmed:
                yield trimmed


def _segments(doc: Doc, start: int) -> Iterator[tuple[int, int]]:
    """Ranges between commas, as long as they hold only words of names; brackets are passed over."""
    first, i, sentence = start, start, sentence_end(doc[start - 1]) if start else len(doc)
    while i < sentence:
        token = doc[i]
        if token.text in {",", ";"}:
            yield first, i
            first = i + 1
        elif token.text == "(":
            closing = next((j for j in range(i, sentence) if doc[j].text == ")"), None)
            if closing is None:
                break
            if first < i:
                yield first, i
            i = closing
            first = i + 1
        elif not _in_name(token) or i - first > LONGEST:
            break
        i += 1
    if first < i and (i >= sentence or _ends_name(doc[i])):
        yield first, i


def _ends_name(token: Token) -> bool:
    """Whether a name may end before this word: before a verb or preposition, not before "series"."""
    return not token.is_alpha or token.pos_ not in {"NOUN", "PROPN"}


def _in_name(token: Token) -> bool:
    return _capital(token) or token.lower_ in _SMALL or (token.text.isdigit() and len(token.text) < 5)


def _capital(token: Token) -> bool:
    return token.text[:1].isupper()


def _trimmed(doc: Doc, first: int, last: int) -> tuple[int, int] | None:
    """Without little words at the ends; None when that is no name."""
    while first < last and not _capital(doc[first]) and not doc[first].text.isdigit():
        first += 1
    while first < last and not _capital(doc[last - 1]) and not doc[last - 1].text.isdigit():
        last -= 1
    return (first, last) if first < last and any(_capital(doc[i]) for i in range(first, last)) else None


# --- before a year


def _before(doc: Doc, bracket: int) -> Iterator[Title]:
    first = bracket
    start = sentence_start(doc[bracket])
    while first > start and _in_name(doc[first - 1]) and bracket - first < LONGEST:
        if doc[first - 1].tag_ == "POS" and doc[first - 2].ent_type_ == "PERSON":
            break
        first -= 1
    if first < bracket and first == start and doc[first].pos_ in _FUNCTION - {"DET"} and first + 1 < bracket:
        first += 1
    trimmed = _trimmed(doc, first, bracket)
    if trimmed and not any(doc[i].lower_ == "and" for i in range(*trimmed)):
        trimmed = _shortened(doc, trimmed)
        if trimmed[1] == bracket and _plausible(doc, *trimmed, "work"):
            yield Title(*trimmed, "work")


def _shortened(doc: Doc, span: tuple[int, int]) -> tuple[int, int]:
    """Up to a preposition that leads on to another name: "Djinn" of "Djinn in Dubai", but "Exile in Guyville" whole."""
    first, last = span
    for i in range(first + 1, last - 1):
        if doc[i].lower_ in _JOINS and doc[i + 1].ent_type_ in {"GPE", "LOC", "PERSON", "ORG", "FAC", "DATE"}:
            return _trimmed(doc, first, i) or span
        if doc[i].lower_ in {"and", "or"} or doc[i].text == ":":
            return _trimmed(doc, first, i) or span
    return span


def _plausible(doc: Doc, first: int, last: int, kind: str) -> bool:
    """A person has no little words inside, and nothing that is only a date or a nationality is a name."""
    words = [doc[i] for i in range(first, last)]
    if all(word.ent_type_ in {"DATE", "NORP", "CARDINAL", "ORDINAL", "TIME"} for word in words):
        return False
    people = len(words) > 1 and all(word.ent_type_ == "PERSON" for word in words)
    if people and kind not in {"person", "work", "organization"}:
        return False
    if kind == "location" and (_rank(words[0]) or _rank(words[-1]) or _heads(words) in {"organization", "event"}):
        return False  # "state Sen. Mary Moe", "county Fire Department"
    if kind in {"person", "location"}:
        return not any(word.lower_ in _JOINS | {"is", "are", "my", "your", "it"} for word in words)
    return True


def _rank(word: Token) -> bool:
    return word.lower_.rstrip(".") in RANKS


def _heads(words: Sequence[Token]) -> str | None:
    return head_type([word.lower_ for word in words])
