"""What a file says: read as a document, or heard as a recording; kept, so that no attempt reads it twice.

A web page that is mainly about a recording becomes both: its own words, then what is said. It is so when the page
offers a recording (an audio or video element, an enclosure) and has fewer words of its own than `FEW_WORDS`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from django.conf import settings
from django.db import transaction

from memories.engine import documents, speech
from memories.engine.documents import kinds
from memories.engine.documents.errors import UnreadableDocument
from memories.engine.documents.model import Block, Document, MediaLink, Section
from memories.engine.errors import InvalidSource, Unavailable
from memories.pipelines import originals
from memories.pipelines.originals import Original
from tasks_app import checkpoints
from tasks_app.pace import Pace
from tasks_app.runner import Progress

CONTENT, RECORDING = "document.content", "document.recording"
FEW_WORDS = 300
TRIES = 2  # for the recording of a page that has a text to show without it
READ, FETCHED, HEARD = 20, 26, 50  # the percents at which a page is read, its recording fetched, all of it heard
GAP = "\n\n"
PARAGRAPH = re.compile(r"\S(?:.*\S)?(?:\n[^\S\n]*\S(?:.*\S)?)*")


@dataclass(frozen=True, slots=True)
class Content:
    """A document with what is kept of its files: `kept` is the one that people can open again, None of a plain page.

    `is_whole` is False when a part of it could not be had, which another reading may bring.
    """

    document: Document
    kept: Original | None = None
    seconds: float | None = None
    is_whole: bool = True


# --- what it is


def detect(progress: Progress, original: Original) -> speech.Recording | None:
    """Looks at the file; a recording when it is one that can be heard."""
    progress.stage("media_detect_start", 16, "Looking at what it is...")
    recording = _probe(progress, original) if kinds.is_recording(original.media_type) else None
    progress.stage("media_detected", 18, _in_words(original, recording))
    if recording is not None:  # its stages take time by its length, those of other documents by their passages
        progress.pace = Pace(f"{progress.task.kind}/recording")
        progress.weigh(int(recording.duration))
    return recording


def _probe(progress: Progress, original: Original) -> speech.Recording:
    try:
        return speech.probe(Path(original.path), stop=progress.checkpoint)
    except UnreadableDocument as error:
        raise InvalidSource(str(error)) from None


def _in_words(original: Original, recording: speech.Recording | None) -> str:
    if recording is not None:
        return f"{kinds.in_words(original.media_type)} of {clock(recording.duration)}"
    return f"{kinds.in_words(original.media_type)}, {size(original.size)}"


def clock(seconds: float) -> str:
    """ "2:05", "1:00:00"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(count: int) -> str:
    for unit, least in (("MB", 1_000_000), ("kB", 1000)):
        if count >= least:
            return f"{count / least:.1f} {unit}"
    return f"{count} bytes"


# --- what it says


def extract(progress: Progress, original: Original, recording: speech.Recording | None) -> Content:
    """The text of it all, with the stages from `content_extract_start` to `content_extracted`."""
    progress.stage("content_extract_start", READ, _doing(original, recording))
    content = next(iter(checkpoints.load(progress.task, CONTENT, Content)), None)
    if content is None:
        content = _heard(progress, original, recording) if recording else _read(progress, original)
        if not content.document.text.strip():
            raise InvalidSource("There is no text in it, so there is nothing to remember.")
        content = replace(content, document=with_blocks(content.document))
        with transaction.atomic():
            progress.hold()
            checkpoints.keep(progress.task, CONTENT, content)
    tell_extracted(progress, f"{len(content.document.text.split()):,} words")
    return content


def _doing(original: Original, recording: speech.Recording | None) -> str:
    """What is counted is said with it."""
    if recording is not None:
        return "Listening to it, second by second..."
    return "Taking the text out of it" + (", page by page..." if original.media_type == kinds.PDF else "...")


def tell_extracted(progress: Progress, message: str) -> None:
    progress.stage("content_extracted", 50, message)


def _read(progress: Progress, original: Original) -> Content:
    document = _document(progress, original)
    if original.media_type in kinds.HTML:
        return _with_recording(progress, Content(document))
    return Content(document, kept=original)


def _document(progress: Progress, original: Original) -> Document:
    try:
        return documents.read(
            Path(original.path),
            original.media_type,
            url=original.url,
            name=original.name,
            charset=original.charset,
            progress=lambda done, total: progress.count(done, total, low=READ, high=HEARD),
            stop=progress.checkpoint,
        )
    except UnreadableDocument as error:
        raise InvalidSource(str(error)) from None


def _heard(progress: Progress, original: Original, recording: speech.Recording, low: float = READ) -> Content:
    """The words of a recording; counts seconds of it from percent `low` to 50."""
    try:
        document = speech.transcribe(
            Path(original.path),
            folder=Path(settings.MEMSTACK_DATA_DIR) / "weights",
            threads=settings.MEMSTACK_SPEECH_THREADS,
            progress=lambda done, total: progress.count(int(done), int(total), low=low, high=HEARD),
            stop=progress.checkpoint,
            preparing=progress.say,
        )
    except UnreadableDocument as error:
        raise InvalidSource(str(error)) from None
    return Content(document, kept=original, seconds=recording.duration)


# --- a page about a recording


def _with_recording(progress: Progress, page: Content) -> Content:
    """The page alone, or with what is said in its recording; where that can't be had, a note says why.

    Unavailable while the task may try it again by itself.
    """
    link = mainly_about(page.document)
    if link is None:
        return page
    progress.say("The page is about a recording; fetching that...")
    try:
        original = originals.fetched(
            progress, link.url, originals.page_rules(), low=READ + 2, high=FETCHED, stage=RECORDING
        )
        if not kinds.is_recording(original.media_type):
            return page
        recording = _probe(progress, original)
        progress.say(f"Listening to its recording of {clock(recording.duration)}, second by second...")
        heard = _heard(progress, original, recording, low=FETCHED)
    except (InvalidSource, Unavailable) as error:
        if not page.document.text.strip() or (isinstance(error, Unavailable) and progress.task.retries < TRIES):
            raise
        return _noted(page, f"The recording that the page is about could not be heard: {error}")
    return joined(page, heard)


def mainly_about(document: Document) -> MediaLink | None:
    """The recording that a page is mainly about: the first that it offers, when the page says little itself."""
    return document.media[0] if document.media and len(document.text.split()) < FEW_WORDS else None


def _noted(content: Content, note: str) -> Content:
    return replace(content, document=replace(content.document, notes=(*content.document.notes, note)), is_whole=False)


def joined(page: Content, heard: Content) -> Content:
    """The page's words, then those of its recording, as one document."""
    own, said = page.document, heard.document
    lead = own.text.rstrip() + GAP if own.text.strip() else ""
    shift = len(lead)
    document = replace(
        own,
        text=lead + said.text,
        language=own.language or said.language,
        sections=own.sections + tuple(_moved_section(part, shift) for part in said.sections),
        blocks=own.blocks + tuple(_moved_block(block, shift) for block in with_blocks(said).blocks),
        notes=own.notes + said.notes,
    )
    return replace(heard, document=document)


def with_blocks(document: Document) -> Document:
    """What has none is shown section by section, or paragraph by paragraph."""
    if document.blocks:
        return document
    spans = [(part.start, part.end) for part in document.sections] or [
        match.span() for match in PARAGRAPH.finditer(document.text)
    ]
    return replace(document, blocks=tuple(Block("paragraph", *span) for span in spans if span[0] < span[1]))


def _moved_section(section: Section, by: int) -> Section:
    return replace(section, start=section.start + by, end=section.end + by)


def _moved_block(block: Block, by: int) -> Block:
    return replace(block, start=block.start + by, end=block.end + by)
