"""Finds given names in a text: the project's, the speakers', the gazetteer's. Linear in the text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

# Scripts whose words have no spaces around them: Thai to Tibetan, Burmese, Khmer, kana, Chinese characters, Hangul.
_UNSPACED = "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+|[^\w\s]|_")
_INSIDE_AFTER = re.compile(r"[\w+#]")


@dataclass(frozen=True, slots=True)
class Hit:
    """`text[start:end]` is the name `name`, or that name in other letters' case."""

    start: int
    end: int
    name: str
    type: str


@dataclass
class NameIndex:
    """Names by their first word. `exact` ones are found only in their own case."""

    exact: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    folded: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def add(self, names: Iterable[tuple[str, str]], *, exact: bool) -> None:
        """Adds pairs of name and type; a blank name is nothing to look for."""
        for name, kind in names:
            word = WORD.search(name)
            if word and name == name.strip():
                key = word[0] if exact else word[0].casefold()
                (self.exact if exact else self.folded).setdefault(key, []).append((name, kind))

    def find(self, text: str) -> Iterator[Hit]:
        """The longest name at each place, left to right, without overlap."""
        free = 0
        for word in WORD.finditer(text):
            if word.start() < free:
                continue
            hit = self._longest(text, word.start(), word[0])
            if hit:
                free = hit.end
                yield hit

    def _longest(self, text: str, start: int, word: str) -> Hit | None:
        hits = [
            Hit(start, start + len(name), name, kind)
            for name, kind in self.exact.get(word, [])
            if text.startswith(name, start) and ends(text, start + len(name))
        ]
        hits += [
            Hit(start, start + len(name), name, kind)
            for name, kind in self.folded.get(word.casefold(), [])
            if text[start : start + len(name)].casefold() == name.casefold() and ends(text, start + len(name))
        ]
        return max(hits, key=lambda hit: hit.end, default=None)


def ends(text: str, end: int) -> bool:
    """Whether a name may end here: not inside a word, nor before the signs of C++ and C#."""
    if end >= len(text):
        return True
    if text[end] in "-.'&" and not text[end - 2 : end - 1].isalnum() and text[end : end + 2].strip() not in {".", "'"}:
        return False  # the R of R-CODE is no language
    if re.match(f"[{_UNSPACED}]", text[end - 1]):
        return True
    if unicodedata.combining(text[end]):
        return False  # an accent of the last letter
    return not (_INSIDE_AFTER.match(text, end) and text[end - 1].isalnum())
