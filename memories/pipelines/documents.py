"""From a file to a memory with its text, its summary and its graph: the stages that articles and files share.

Everything that readers see changes in the transaction of the completion: until then a memory that is read again shows
what it had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import msgspec
from django.db import transaction
from django.utils import timezone

from memories import files
from memories.engine import summary
from memories.engine.documents.model import Block, Document, Section
from memories.engine.errors import EngineError, Unavailable
from memories.engine.summary import Summary
from memories.engine.types import Source
from memories.llm import summary as llm_summary
from memories.models import Memory, SavedDocument
from memories.pipelines import contents, duplicates, ingest_episode, originals
from memories.pipelines.contents import Content
from memories.pipelines.originals import Original
from tasks_app import checkpoints
from tasks_app.runner import Outcome, Progress
from tasks_app.transitions import TaskCancelled

SUMMARY = "document.summary"
SAVED = ("save_complete", 98, "Saved")
TITLE_LENGTH = 500


@dataclass(frozen=True)
class Work:
    """A memory, its document's row as it was when the attempt began, and what was read of it now."""

    memory: Memory
    row: SavedDocument
    original: Original
    content: Content
    summary: Summary
    file: str = ""  # the name in the store of the one that is kept

    @property
    def title(self) -> str:
        """What the memory will be called: a title that a person gave it stays."""
        theirs = self.memory.title if self.memory.title != self.row.title else ""
        return theirs or self.document_title

    @property
    def document_title(self) -> str:
        return (" ".join(self.content.document.title.split()) or self.row.file_name or self.row.title)[:TITLE_LENGTH]

    def source(self) -> Source:
        """What the engine reads."""
        document = self.content.document
        given = self.memory.reference_time != self.row.reference_time
        moment = self.memory.reference_time if given else document.published_at or self.row.reference_time
        return Source(document.text, "text", moment, title=self.title, sections=document.sections)


Get = Callable[[Progress, Memory, SavedDocument], Original]


def run(progress: Progress, get: Get) -> Outcome:
    """All stages; `get` brings the file, in those from `fetch_start` to `fetch_complete`."""
    with _folder_removed_at_the_end(progress):
        progress.stage("started", 1, "Starting...")
        memory = ingest_episode.memory_of(progress)
        row = SavedDocument.objects.get(memory=memory)
        return _saved_from(progress, memory, row, get)


@contextmanager
def _folder_removed_at_the_end(progress: Progress) -> Iterator[None]:
    """What may be tried again by itself keeps its files."""
    originals.sweep()
    try:
        yield
    except Unavailable:
        raise
    except (EngineError, TaskCancelled):
        originals.forget(progress.task.pk)
        raise


def _saved_from(progress: Progress, memory: Memory, row: SavedDocument, get: Get) -> Outcome:
    if kept := kept_content(memory, row) if progress.task.payload.get("fetch") is False else None:
        original = _untouched(progress)
    else:
        original = get(progress, memory, row)
        kept = kept_content(memory, row) if original.unchanged else None
    content = _as_kept(progress, kept) if kept else _read_anew(progress, original)
    work = Work(memory, row, original, content, _understood(progress, content))
    with progress.within(10, 100, 62, 90):
        progress.stage("start", 10, "Starting episode ingestion...")
        worked_out = ingest_episode.worked_out(progress, memory, work.source())
        progress.stage("episode", 100, "Episode ingestion completed")
    progress.stage("save_start", 92, "Saving...")
    work = replace(work, file=originals.kept_for_good(progress, memory.project_id, content.kept))
    return _outcome(progress, work, ingest_episode.outcome(*worked_out))


# --- a text that is there already


def kept_content(memory: Memory, row: SavedDocument) -> Content | None:
    """What an earlier task read of the document; None when none has."""
    if not memory.generation or not memory.content:
        return None
    document = Document(
        text=memory.content,
        title=row.title,
        author=row.author,
        site=row.site,
        language=row.language,
        published_at=row.published_at,
        image_url=row.image_url,
        canonical_url=row.canonical_url,
        sections=msgspec.convert(row.sections, tuple[Section, ...]),
        blocks=msgspec.convert(row.blocks, tuple[Block, ...]),
        notes=tuple(row.notes),
    )
    return Content(document, seconds=row.duration_seconds)


def _untouched(progress: Progress) -> Original:
    progress.stage("fetch_start", 2, "Its text is kept; nothing is fetched...")
    progress.stage("fetch_complete", 15, "Nothing had to be fetched")
    return Original("")


def _as_kept(progress: Progress, content: Content) -> Content:
    """The stages of reading, told in the order they have, for a text that needs none."""
    progress.stage("media_detect_start", 16, "It has not changed...")
    progress.stage("media_detected", 18, "It has not changed")
    progress.stage("content_extract_start", 20, "Taking the text that is kept...")
    contents.tell_extracted(progress, f"{len(content.document.text.split()):,} words, as they were")
    return content


# --- a new one


def _read_anew(progress: Progress, original: Original) -> Content:
    return contents.extract(progress, original, contents.detect(progress, original))


def _understood(progress: Progress, content: Content) -> Summary:
    """Summary and key phrases, kept for the next attempt; in a language model's words where one is configured."""
    progress.stage("ai_start", 52, "Summarising...")
    found = next(iter(checkpoints.load(progress.task, SUMMARY, Summary)), None)
    if found is None:
        document = content.document
        found = summary.summarize(document.text, document.sections, blocks=document.blocks, language=document.language)
        found, asked = llm_summary.improved(found, document.text, progress.checkpoint)
        if asked:
            progress.meter.count_tokens(asked["tokens_in"] + asked["tokens_out"])
        with transaction.atomic():
            progress.hold()
            checkpoints.keep(progress.task, SUMMARY, found)
    told = f"{len(found.sentences)} sentences of summary, {len(found.key_phrases)} key phrases"
    progress.stage("ai_complete", 60, told)
    return found


# --- publishing


def _outcome(progress: Progress, work: Work, episode: Outcome) -> Outcome:
    return Outcome(
        result={"words": len(work.content.document.text.split()), **episode.result},
        message="Saved",
        effects=partial(_publish, progress, work, episode.effects),
        again=lambda: _outcome(progress, work, episode.again() if episode.again else episode),
        saved=SAVED,
    )


def _publish(progress: Progress, work: Work, publish_episode: Callable[[], None]) -> None:
    """The text, its document and its graph, in the transaction of the completion."""
    publish_episode()
    fresh = Memory.objects.get(pk=work.memory.pk)  # its row is this transaction's now
    source = replace(work, memory=fresh).source()
    Memory.objects.filter(pk=fresh.pk).update(
        content=source.content,
        title=source.title,
        reference_time=source.reference_time,
        summary=" ".join(sentence.text for sentence in work.summary.sentences),
        updated_at=timezone.now(),
    )
    if work.original.url:
        duplicates.take_addresses(work.row, work.original.url, work.content.document.canonical_url)
    _write_document(work)
    task_id = progress.task.pk
    transaction.on_commit(lambda: originals.forget(task_id), robust=True)


def _write_document(work: Work) -> None:
    changes = {**_of_summary(work.summary)}
    if not work.original.unchanged:
        changes |= _of_document(work) | _of_file(work)
    elif work.original.etag or work.original.last_modified:
        changes |= {"etag": work.original.etag, "last_modified": work.original.last_modified}
    SavedDocument.objects.filter(pk=work.row.pk).update(**changes)


def _of_summary(found: Summary) -> dict[str, object]:
    return {
        "summary": msgspec.to_builtins(found.sentences),
        "key_phrases": list(found.key_phrases),
        "reading_minutes": found.reading_minutes,
    }


def _of_document(work: Work) -> dict[str, object]:
    document = work.content.document
    return {
        "title": work.document_title,
        "reference_time": document.published_at or work.row.reference_time,
        "author": document.author[:500],
        "site": document.site[:300],
        "language": document.language[:35],
        "image_url": document.image_url[:4000],
        "canonical_url": document.canonical_url[:4000],
        "published_at": document.published_at,
        "duration_seconds": work.content.seconds,
        "sections": msgspec.to_builtins(document.sections),
        "blocks": msgspec.to_builtins(document.blocks),
        "notes": list(document.notes),
    }


def _of_file(work: Work) -> dict[str, object]:
    """What is told of the file. A plain page is not kept; the file that it had before goes when this is committed."""
    told: dict[str, object] = {}
    if work.row.origin == SavedDocument.Origin.ADDRESS:
        original, kept = work.original, work.content.kept
        told = {
            "media_type": (kept or original).media_type,
            "file_name": (kept or original).name[:300],
            "size": (kept or original).size,
            "sha256": (kept or original).sha256,
            "url": original.url,
            "etag": original.etag if work.content.is_whole else "",  # else "not changed" would leave it as it is
            "last_modified": original.last_modified if work.content.is_whole else "",
            "fetched_at": timezone.now(),
            "file": work.file,
        }
        if work.row.file:
            transaction.on_commit(partial(files.remove, work.row.file), robust=True)
    return told
