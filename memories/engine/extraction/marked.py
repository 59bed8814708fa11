"""Names that the text itself marks: terms of method, titles in quotation marks, terms with their short form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from memories.engine.extraction import gazetteer
from memories.engine.extraction.names import Name, located, text_of
from memories.engine.extraction.titles import titles
from memories.engine.extraction.wording import NO_NAMES, clean

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

_QUOTED = re.compile(r"[\"\u201c]\s?([A-Z][^\"\u201c\u201d\n]{1,60}?)\s?[\"\u201d]")
_SHORT_FORM = re.compile(r"\(\s?([A-Z][A-Za-z]{1,6})\s?\)")
_TERM_WORD = re.compile(r"[^\W\d_]+")
_SMALL = frozenset({"of", "the", "and", "for", "in", "on", "to", "a", "an", "with", "at", "by", "from", "de", "la"})


def terms(doc: Doc) -> Iterator[Name | None]:
    """ "convolutional neural network", "a dystopian novel": compounds that name a method, or a kind of writing."""
    for token in doc:
        lemma = token.lemma_
        if lemma in gazetteer.METHODS and token.pos_ == "NOUN":
            start = token.i
            while start > 0 and doc[start - 1].head.i in range(start, token.i + 1) and _qualifies(doc[start - 1]):
                start -= 1
            if start < token.i:
                yield located(doc, doc[start].idx, token.idx + len(token), "concept", 4)
        elif lemma in gazetteer.WRITING and token.pos_ == "NOUN" and token.i > 0 and _classes(token.nbor(-1), token):
            yield located(doc, token.nbor(-1).idx, token.idx + len(token), "concept", 4)


def _classes(word: Token, noun: Token) -> bool:
    beside = word.head.i == noun.i and _qualifies(word) and word.text.islower() and len(word) > 2
    return beside and (word.pos_ == "NOUN" or word.lower_.endswith(gazetteer.CLASSING))


def _qualifies(token: Token) -> bool:
    return token.dep_ in {"compound", "amod", "nmod"} and token.pos_ in {"NOUN", "ADJ", "PROPN"} and token.is_alpha


def quoted(doc: Doc) -> Iterator[Name | None]:
    """Titles in quotation marks: of a work, unless the words are a sentence."""
    for match in _QUOTED.finditer(text_of(doc)):
        words = match[1].split()
        small = sum(word[0].islower() and word not in _SMALL for word in words)
        if not small and len(words) <= 8 and match[1][-1] not in ".?,!" and match[1].casefold() not in NO_NAMES:
            yield located(doc, match.start(1), match.end(1), "work", 1 if len(words) > 1 else 3)


def defined(doc: Doc) -> Iterator[Name | None]:
    """ "histogram of oriented gradients (HOG)": a term and its short form (after Schwartz and Hearst 2003)."""
    for match in _SHORT_FORM.finditer(text_of(doc)):
        letters = match[1].rstrip("s").lower()
        words = list(_TERM_WORD.finditer(text_of(doc), max(0, match.start() - 120), match.start()))
        for count in range(len(letters), min(len(letters) + 2, len(words)) + 1):
            term = words[-count:]
            initials = "".join(word[0][0] for word in term if word[0] not in _SMALL)
            if count and initials.lower() == letters and initials.islower():
                yield located(doc, term[0].start(), term[-1].end(), "concept", 1)
                yield located(doc, match.start(1), match.end(1), "concept", 1)
                break


def titled(doc: Doc) -> Iterator[Name | None]:
    """What the text marks as the name of a film, a band, a town."""
    for title in titles(doc):
        span = clean(
            text_of(doc), doc[title.first].idx, doc[title.last - 1].idx + len(doc[title.last - 1]), keep_the=True
        )
        name = located(doc, *span, title.type, 1) if span else None
        if name and name.text.casefold() not in NO_NAMES:
            yield name
