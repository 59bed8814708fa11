"""Entities of a project's own types: by its patterns, its lists of names, its nouns. What these find wins over all
else that finds names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from memories.engine.extraction.names import Name, located, text_of
from memories.engine.extraction.patterns import BadPattern, matches
from memories.engine.extraction.vocabulary import Vocabulary, vocabulary
from memories.engine.types import TypeRule

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

RANK = -1
_MODIFYING = frozenset({"compound", "amod", "nmod"})


class OwnTypes:
    """A project's rules, ready to be used on any number of texts."""

    def __init__(self, rules: Sequence[TypeRule]) -> None:
        self._rules = bool(rules)
        self._patterns = [(rule.name, rule.pattern) for rule in rules if rule.pattern]
        self._names: Vocabulary = vocabulary(rules)
        self._nouns = {
            noun.casefold(): rule.name for rule in reversed(rules) if rule.noun_phrases and rule.words
            for noun in rule.words.names
        }  # fmt: skip

    def find(self, doc: Doc, *, parsed: bool) -> Iterator[Name | None]:
        """Names of rank RANK, of each way in the order of the text; they may overlap."""
        if not self._rules:
            return
        text = text_of(doc)
        for hit in self._names.find(text):
            yield located(doc, hit.start, hit.end, hit.type, RANK)
        for start, end, kind in self.by_pattern(text):
            yield located(doc, start, end, kind, RANK)
        if self._nouns and parsed:
            yield from self._phrases(doc)

    def by_pattern(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Spans with their type. A pattern that an older version let in and this one does not finds nothing."""
        for kind, pattern in self._patterns:
            try:
                yield from ((start, end, kind) for start, end in matches(pattern, text))
            except BadPattern:
                continue

    def _phrases(self, doc: Doc) -> Iterator[Name | None]:
        """ "a severe peanut allergy" for "allergy": the noun with what describes it, without the article."""
        for token in doc:
            kind = self._nouns.get(token.lemma_.casefold()) or self._nouns.get(token.lower_)
            if kind and token.pos_ in {"NOUN", "PROPN"}:
                first = _first_word(token)
                yield located(doc, first.idx, token.idx + len(token), kind, RANK)


def _first_word(noun: Token) -> Token:
    start = noun.i
    while start > 0 and _describes(noun.doc[start - 1], start, noun.i):
        start -= 1
    return noun.doc[start]


def _describes(word: Token, start: int, end: int) -> bool:
    within = start <= word.head.i <= end
    return bool(within and word.dep_ in _MODIFYING and word.pos_ in {"NOUN", "PROPN", "ADJ"} and word.is_alpha)
