"""A memory's text as blocks of segments: who speaks, which entity is mentioned, which facts are said here."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memories.models import Entity, Fact, Memory, Mention, Passage
from memories.queries import MemoryDetail, hints_last
from memories.views.spans import Span, segments

if TYPE_CHECKING:
    from memories.views.article import Part

WINDOW = 60_000


@dataclass(frozen=True, slots=True)
class Mark:
    """What one span stands for; exactly one of them is given. `hit` is the span that the reader came to see."""

    mention: Mention | None = None
    fact: Fact | None = None
    hit: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """Text with the same marks: `facts` are ids, parted by blanks; `anchor` is where links to a fact or hit lead."""

    text: str
    mention: Mention | None
    entity: Entity | None
    facts: str
    anchor: str
    hit: bool


@dataclass(frozen=True, slots=True)
class Block:
    """A passage: its speaker, if it is a message, and its text."""

    passage: Passage | None
    speaker: list[Piece]
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class Reading:
    """The part of a memory that one page shows, and the facts said in it: `parts` of a document, else `blocks`.

    `previous` and `next` are offsets to link to, or None. `in_step`: the marks belong to the text as it is now.
    """

    blocks: list[Block]
    facts: list[Fact]
    previous: int | None
    next: int | None
    in_step: bool
    parts: Sequence[Part] = ()


def read(memory: Memory, detail: MemoryDetail, at: int = 0, hit: tuple[int, int] | None = None) -> Reading:
    """The blocks around offset `at`. Where the text has changed since it was read, it stands without marks."""
    in_step = bool(detail.passages) and all(
        memory.content[passage.start : passage.end] == passage.text for passage in detail.passages
    )
    if not in_step:
        return _plain(memory.content, detail, at)
    groups = _windows(detail.passages)
    index = next((i for i, group in enumerate(groups) if group[-1].end > at), len(groups) - 1)
    group = groups[index]
    lead = groups[index - 1][-1].end if index else 0
    spans = [span for span in spans_of(memory, detail, hit) if span.start < group[-1].end and span.end > lead]
    marker = Marker(memory.content, spans, detail)
    said = {span.mark.fact.pk for span in spans if span.mark.fact}
    return Reading(
        blocks=[marker.block(passage) for passage in group],
        facts=hints_last(fact for fact in detail.facts if fact.pk in said),
        previous=groups[index - 1][0].start if index else None,
        next=groups[index + 1][0].start if index + 1 < len(groups) else None,
        in_step=True,
    )


def _plain(content: str, detail: MemoryDetail, at: int) -> Reading:
    start = at // WINDOW * WINDOW if at < len(content) else 0
    end = start + WINDOW
    piece = Piece(content[start:end], None, None, "", "", hit=False)
    previous = start - WINDOW if start else None
    following = end if end < len(content) else None
    return Reading([Block(None, [], [piece])], hints_last(detail.facts), previous, following, in_step=False)


def _windows(passages: Sequence[Passage]) -> list[list[Passage]]:
    groups: list[list[Passage]] = [[]]
    for passage in passages:
        if groups[-1] and passage.end - groups[-1][0].start > WINDOW:
            groups.append([])
        groups[-1].append(passage)
    return groups


def spans_of(memory: Memory, detail: MemoryDetail, hit: tuple[int, int] | None) -> list[Span[Mark]]:
    found = [
        Span(mention.start, mention.end, Mark(mention=mention))
        for group in detail.entities
        for mention in group.mentions
    ]
    found += [
        Span(support.start, support.end, Mark(fact=fact))
        for fact in detail.facts
        for support in fact.support.all()
        if support.memory_id == memory.pk
    ]
    if hit is not None:
        found.append(Span(*hit, Mark(hit=True)))
    return found


class Marker:
    """Makes blocks of one text; an anchor is given once, to the first piece of its sentence."""

    def __init__(self, content: str, spans: list[Span[Mark]], detail: MemoryDetail) -> None:
        self._content = content
        self._spans = sorted(spans, key=lambda span: span.start)
        self._starts = [span.start for span in self._spans]
        self._longest = max((span.end - span.start for span in self._spans), default=0)
        self._entities = {group.entity.pk: group.entity for group in detail.entities}
        self._sentences = {span.start for span in spans if span.mark.fact}
        self._hit_given = False

    def block(self, passage: Passage) -> Block:
        start = self._start_of_speaker(passage)
        spans = self._within(start, passage.end)
        return Block(
            passage=passage,
            speaker=self.pieces(start, start + len(passage.speaker), spans) if start < passage.start else [],
            pieces=self.pieces(passage.start, passage.end, spans),
        )

    def _start_of_speaker(self, passage: Passage) -> int:
        """Where "Ada: " stands before a message of Ada's; the passage's start where it does not."""
        opening = f"{passage.speaker}: "
        start = max(0, passage.start - len(opening))
        return start if passage.speaker and self._content[start : passage.start] == opening else passage.start

    def pieces(self, start: int, end: int, spans: Iterable[Span[Mark]] | None = None) -> list[Piece]:
        """The text from start to end, cut where marks begin and end."""
        spans = self._within(start, end) if spans is None else spans
        return [self._piece(cut.start, cut.end, cut.marks) for cut in segments(start, end, spans)]

    def _within(self, start: int, end: int) -> list[Span[Mark]]:
        """Those that may touch the stretch: a later one never begins before an earlier, and the longest is known."""
        first = bisect_left(self._starts, start - self._longest)
        last = bisect_left(self._starts, end)
        return [span for span in self._spans[first:last] if span.end > start]

    def _piece(self, start: int, end: int, marks: tuple[Mark, ...]) -> Piece:
        mention = next((mark.mention for mark in marks if mark.mention), None)
        facts = " ".join(dict.fromkeys(str(mark.fact.pk) for mark in marks if mark.fact))
        hit = any(mark.hit for mark in marks)
        return Piece(
            text=self._content[start:end],
            mention=mention,
            entity=self._entities.get(mention.entity_id) if mention else None,
            facts=facts,
            anchor=self._anchor(start, hit),
            hit=hit,
        )

    def _anchor(self, start: int, hit: bool) -> str:
        if hit and not self._hit_given:
            self._hit_given = True
            return "hit"
        if start in self._sentences:
            self._sentences.discard(start)
            return f"s{start}"
        return ""
