"""The values of a summary. Offsets are Unicode code points of the text, half open."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SummarySentence:
    """`text` is the text from `start` to `end`, its white space included, or what a language model says of that."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Sentences in the order of the text; phrases, the most telling first; minutes, 0 for no text."""

    sentences: tuple[SummarySentence, ...] = ()
    key_phrases: tuple[str, ...] = ()
    reading_minutes: int = 0
