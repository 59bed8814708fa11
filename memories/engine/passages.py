"""From a memory's text to the passages that search returns.

A conversation gives one passage per message. Other texts are cut into sentences, which are packed to about `TARGET`
tokens along paragraphs; a heading always opens a passage and stays with what follows it. No passage leaves the section
(a page, a part of a recording) that it begins in. Every character that is not white space belongs to exactly one
passage of a text. All of it is linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from memories.engine.documents.model import Section
from memories.engine.errors import InvalidSource
from memories.engine.types import Message, Passage, Source

TARGET = 200  # tokens of a passage; the embedder reads 256 word pieces
HEADING_TOKENS = 20

# A cheap stand-in for word pieces: eight letters of a word with spaces around it, one sign of a script without.
_TOKEN = re.compile(r"[A-Za-z0-9_\u00c0-\u024f]{1,8}|[\u0370-\u06ff]{1,4}|\S")
_PARAGRAPH_END = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")
_SENTENCE_END = re.compile(
    r"[.!?\u2026]+[\"'\u201d\u2019)\]]*\s+"  # ellipsis, closing quotes
    r"|[\u3002\uff01\uff1f\uff61]+[\u201d\u2019\u300d\u300f]*\s*"  # full-width stops need no space after them
    r"|\n\s*"
)
_UNFINISHED = re.compile(r"[^.!?,;\u2026\u3002\uff01\uff1f]\Z")
_BULLET = re.compile(r"[-*\u2022+\u2013]\s|[\[{(\"'\u201c]")
_LINE = re.compile(r"^([^:\n]{1,80}): ?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A sentence, heading or forced cut: what packing moves as a whole. `paragraph` is its tokens when it opens one."""

    start: int
    end: int
    tokens: int
    heading: bool = False
    paragraph: int = 0


def render_conversation(messages: Sequence[Message]) -> str:
    """The text of a conversation: its messages as lines `speaker: text`, empty ones included."""
    return "\n".join(f"{message.speaker}: {message.content}" for message in messages)


def split(source: Source) -> list[Passage]:
    """The passages of a memory in order, `source.content[start:end] == text`; none for blank text.

    Raises InvalidSource when a conversation's messages are not those its content was rendered from.
    """
    if source.content_type != "conversation":
        return _text_passages(source.content, source.sections)
    if source.messages:
        return _message_passages(source)
    return _line_passages(source.content)


def _text_passages(content: str, sections: Sequence[Section]) -> list[Passage]:
    passages: list[Passage] = []
    for part in _stretches(len(content), sections):
        for start, end in _packed(_pieces(content, part.start, part.end)):
            text = content[start:end]
            passages.append(Passage(len(passages), start, end, text, page=part.page, seconds=part.seconds))
    return passages


def _stretches(length: int, sections: Sequence[Section]) -> Iterator[Section]:
    """The sections and what lies between them, from 0 to `length`; InvalidSource when they do not fit the text."""
    cursor = 0
    for section in sections:
        if not cursor <= section.start <= section.end <= length:
            raise InvalidSource("The document's pages or parts do not fit its text.")
        if cursor < section.start:
            yield Section(cursor, section.start)
        yield section
        cursor = section.end
    if cursor < length:
        yield Section(cursor, length)


def _numbered(content: str, spans: Iterable[tuple[int, int]]) -> list[Passage]:
    return [Passage(i, start, end, content[start:end]) for i, (start, end) in enumerate(spans)]


def _message_passages(source: Source) -> list[Passage]:
    passages: list[Passage] = []
    cursor = 0
    for message in source.messages:
        start = cursor + len(message.speaker) + 2
        end = start + len(message.content)
        if source.content[cursor:end] != f"{message.speaker}: {message.content}":
            raise InvalidSource("The conversation's text is not made of its messages.")
        cursor = end + 1
        if message.content.strip():
            passages.append(
                Passage(len(passages), start, end, message.content, message.id, message.speaker, message.at)
            )
    return passages


def _line_passages(content: str) -> list[Passage]:
    """A transcript that came as plain text: `speaker: text` opens a message, other lines continue it."""
    heads = list(_LINE.finditer(content))
    starts = [head.end() for head in heads]
    ends = [head.start() - 1 for head in heads[1:]] + [len(content)]
    spans = [(head[1].strip(), start, end) for head, start, end in zip(heads, starts, ends, strict=False)]
    before = _numbered(content, _packed(_pieces(content, 0, heads[0].start() if heads else len(content))))
    spoken = [(who, start, end) for who, start, end in spans if content[start:end].strip()]
    return before + [
        Passage(len(before) + i, start, end, content[start:end], speaker=who)
        for i, (who, start, end) in enumerate(spoken)
    ]


def _spans(end_of: re.Pattern[str], text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The trimmed, non-blank stretches between the matches of `end_of`."""
    cursor = start
    for match in end_of.finditer(text, start, end):
        yield from _trimmed(text, cursor, match.end())
        cursor = match.end()
    yield from _trimmed(text, cursor, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    bare = piece.strip()
    if bare:
        start += len(piece) - len(piece.lstrip())
        yield start, start + len(bare)


def _pieces(text: str, start: int, end: int) -> Iterator[_Piece]:
    for paragraph in _spans(_PARAGRAPH_END, text, start, end):
        pieces = [piece for span in _spans(_SENTENCE_END, text, *paragraph) for piece in _cut(text, *span)]
        alone = len(pieces) == 1
        total = sum(piece.tokens for piece in pieces)
        for i, piece in enumerate(pieces):
            heading = piece.tokens <= HEADING_TOKENS and _is_heading(text[piece.start : piece.end], alone)
            yield _Piece(piece.start, piece.end, piece.tokens, heading, 0 if i else total)


def _is_heading(line: str, alone: bool) -> bool:
    if re.match(r"#{1,6}\s", line):
        return True
    return alone and bool(_UNFINISHED.search(line)) and not _BULLET.match(line) and line[:1].isalnum()


def _cut(text: str, start: int, end: int) -> Iterator[_Piece]:
    """A sentence as one piece, or, when it is longer than a passage may be, as several cut before words if possible."""
    positions = [match.start() for match in _TOKEN.finditer(text, start, end)]
    first = 0
    while len(positions) - first > TARGET:
        last = first + TARGET
        cut = next((i for i in range(last, first + TARGET // 2, -1) if text[positions[i] - 1].isspace()), last)
        yield _Piece(positions[first], positions[cut - 1] + _width(text, positions, cut), cut - first)
        first = cut
    yield _Piece(positions[first], end, len(positions) - first)


def _width(text: str, positions: list[int], cut: int) -> int:
    """The length of the token before `cut`, without the white space after it."""
    return len(text[positions[cut - 1] : positions[cut]].rstrip())


def _packed(pieces: Iterable[_Piece]) -> Iterator[tuple[int, int]]:
    start, end, tokens, body = 0, 0, 0, False
    for piece in pieces:
        if tokens and _breaks(piece, tokens, body):
            yield start, end
            tokens, body = 0, False
        start = start if tokens else piece.start
        end, tokens, body = piece.end, tokens + piece.tokens, body or not piece.heading
    if tokens:
        yield start, end


def _breaks(piece: _Piece, tokens: int, body: bool) -> bool:
    if not body:  # headings alone wait for their text, unless there is none in sight
        return tokens > TARGET // 2
    if piece.heading or tokens + piece.tokens > TARGET:
        return True
    # A paragraph that would fit a passage of its own is not torn apart to fill this one.
    return tokens > TARGET // 2 and tokens + piece.paragraph > TARGET
