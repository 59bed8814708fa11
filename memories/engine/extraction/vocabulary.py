"""The names that a project lists for its types: any number of them, found in time that depends on the text alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from memories.engine.extraction.lookup import WORD, Hit, ends
from memories.engine.types import TypeRule, WordList

MOST_WORDS = 16  # words and signs of one name


class Vocabulary:
    """Names with their types. One in small letters is found in any case, one with a capital as it is written.

    A name is kept as its words in a row, so that finding one is a look-up for each length that a name with its first
    word has: a hundred thousand names that begin alike cost as much as one.
    """

    def __init__(self, lists: Iterable[tuple[str, Iterable[str]]]) -> None:
        self._written: dict[str, str] = {}
        self._folded: dict[str, str] = {}
        self._lengths: dict[str, int] = {}  # first word, folded → the numbers of words that names have, as bits
        for kind, names in lists:
            for name in names:
                self._add(name, kind)

    def _add(self, name: str, kind: str) -> None:
        words = WORD.findall(name)
        if not 0 < len(words) <= MOST_WORDS:
            return
        key = " ".join(words)
        folded = key.casefold()
        (self._folded if key == key.lower() else self._written).setdefault(folded if key == key.lower() else key, kind)
        first = words[0].casefold()
        self._lengths[first] = self._lengths.get(first, 0) | 1 << len(words)

    def find(self, text: str) -> Iterator[Hit]:
        """The longest name at each place, left to right, without overlap."""
        spans = [match.span() for match in WORD.finditer(text)]
        written = [text[start:end] for start, end in spans]
        folded = [word.casefold() for word in written]
        i = 0
        while i < len(spans):
            count, kind = self._longest(text, spans, written, folded, i)
            if kind:
                start, end = spans[i][0], spans[i + count - 1][1]
                yield Hit(start, end, text[start:end], kind)
            i += count

    def _longest(
        self, text: str, spans: list[tuple[int, int]], written: list[str], folded: list[str], i: int
    ) -> tuple[int, str]:
        """How many words the name at word `i` has, and its type; one word and nothing where there is none."""
        lengths = self._lengths.get(folded[i], 0)
        for count in range(min(lengths.bit_length() - 1, len(spans) - i), 0, -1):
            if lengths >> count & 1:
                kind = self._written.get(" ".join(written[i : i + count])) or self._folded.get(
                    " ".join(folded[i : i + count])
                )
                if kind and ends(text, spans[i + count - 1][1]):
                    return count, kind
        return 1, ""


def vocabulary(rules: Iterable[TypeRule]) -> Vocabulary:
    """The names of all rules; that of nouns is not among them. The last few projects' stay in memory."""
    return _built(tuple((rule.name, rule.words) for rule in rules if rule.words and not rule.noun_phrases))


@lru_cache(maxsize=4)
def _built(lists: tuple[tuple[str, WordList], ...]) -> Vocabulary:
    return Vocabulary((kind, words.names) for kind, words in lists)
