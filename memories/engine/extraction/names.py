"""The names of a window as values, and where their tokens are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.tokens import Doc


@dataclass(frozen=True, slots=True)
class Name:
    """A name in a window: characters `start` to `end`, tokens `first` to `last`, half open. Lower rank, more sure."""

    start: int
    end: int
    first: int
    last: int
    text: str
    type: str
    rank: int


def text_of(doc: Doc) -> str:
    """The text of a window. (`doc.text` puts it together again each time.)"""
    if "text" not in doc.user_data:
        doc.user_data["text"] = doc.text
    return str(doc.user_data["text"])


def located(doc: Doc, start: int, end: int, kind: str, rank: int) -> Name | None:
    span = doc.char_span(start, end, alignment_mode="expand")
    return Name(start, end, span.start, span.end, text_of(doc)[start:end], kind, rank) if span else None
