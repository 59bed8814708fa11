"""Segments as a text: joined to sections of about half a minute that end with a sentence, where there is one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from memories.engine.documents.model import Block, Document, Section
from memories.engine.speech.model import Segment

LEAST_SECONDS = 12.0
MOST_SECONDS = 30.0
PAUSE_SECONDS = 2.0
_STOPS = (".", "!", "?", "\u2026", "\u3002", "\uff01", "\uff1f")  # ellipsis, full-width stops
_CLOSING = "\"')]\u201d\u2019\u00bb\u300d\u300f"  # and quotes


def document(segments: Iterable[Segment], language: str, notes: tuple[str, ...] = ()) -> Document:
    """The recording's text: a paragraph for each section, with the seconds it was said in; empty without words."""
    text, sections = "", list[Section]()
    for group in _grouped(segments):
        if text:
            text += "\n\n"
        start = len(text)
        text += " ".join(segment.text for segment in group)
        sections.append(Section(start, len(text), seconds=group[0].start, until=group[-1].end))
    blocks = tuple(Block("paragraph", section.start, section.end) for section in sections)
    return Document(text, language=language, sections=tuple(sections), blocks=blocks, notes=notes)


def _grouped(segments: Iterable[Segment]) -> Iterator[Sequence[Segment]]:
    group: list[Segment] = []
    for segment in _with_words(segments):
        if group and _is_over(group, segment):
            yield group
            group = []
        group.append(segment)
    if group:
        yield group


def _with_words(segments: Iterable[Segment]) -> Iterator[Segment]:
    for segment in segments:
        if words := " ".join(segment.text.split()):
            yield Segment(segment.start, segment.end, words)


def _is_over(group: Sequence[Segment], following: Segment) -> bool:
    """Between sentences a section ends when it is long enough, or where the speaker paused; in one only at its most."""
    if following.end - group[0].start > MOST_SECONDS:
        return True
    length = group[-1].end - group[0].start
    paused = following.start - group[-1].end >= PAUSE_SECONDS
    return group[-1].text.rstrip(_CLOSING).endswith(_STOPS) and (length >= LEAST_SECONDS or paused)
