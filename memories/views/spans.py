"""Cuts a text at the borders of spans, so that a template can mark them. Offsets are Unicode code points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Span(Generic[T]):
    """`text[start:end]` is marked as `mark`."""

    start: int
    end: int
    mark: T


@dataclass(frozen=True, slots=True)
class Segment(Generic[T]):
    """A piece of the text that lies in the same spans from its first to its last character, the shortest span first."""

    start: int
    end: int
    marks: tuple[T, ...]


def segments(start: int, end: int, spans: Iterable[Span[T]]) -> Iterator[Segment[T]]:
    """The segments of `[start, end)` in order, without gaps. Spans may overlap; what lies outside is cut off."""
    inside = sorted(
        (span for span in spans if span.start < span.end and span.start < end and span.end > start),
        key=lambda span: span.start,
    )
    borders = {start, end}
    borders.update(max(span.start, start) for span in inside)
    borders.update(min(span.end, end) for span in inside)
    cuts = sorted(borders)
    opened: list[Span[T]] = []
    upcoming = 0
    for left, right in pairwise(cuts):
        opened = [span for span in opened if span.end > left]
        while upcoming < len(inside) and inside[upcoming].start <= left:
            opened.append(inside[upcoming])
            upcoming += 1
        marks = sorted(opened, key=lambda span: span.end - span.start)
        yield Segment(left, right, tuple(span.mark for span in marks))
