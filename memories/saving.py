"""Saves an address or a file as a memory whose text is yet to come: once in a project, however often it comes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from memories import files, intake
from memories.engine.documents import kinds
from memories.fetching import FetchError, addresses, sniffing
from memories.fetching.addresses import key_of, shown
from memories.fetching.errors import NEVER
from memories.models import Memory, MemoryTag, Project, SavedDocument, SourceKey
from memories.validation import NewMemory, check_characters
from tasks_app import services as tasks
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskLog
from tasks_app.services import StateConflict

ADDRESS_LENGTH = 2000
CHUNK = 1024 * 1024
KIND_OF_ORIGIN = {
    SavedDocument.Origin.ADDRESS.value: Kind.INGEST_ARTICLE,
    SavedDocument.Origin.UPLOAD.value: Kind.INGEST_FILE,
}


@dataclass(frozen=True, slots=True)
class Saved:
    """`is_new`: the memory was made now; otherwise the project had the document already."""

    memory: Memory
    is_new: bool


def save_article(user_id: int | None, project: Project, url: str, tags: Sequence[str] = ()) -> Saved:
    """Saves an address and enqueues its ingestion.

    ValidationError says what is wrong with the address, TooManyPending that the project has enough to do.
    """
    url = check_address(url)
    new = NewMemory(title=shown(url), source_url=url, tags=tags)
    return _once(user_id, project, key_of(url), new, lambda memory: _of_address(memory, url))


def save_file(user_id: int | None, project: Project, path: Path, name: str, tags: Sequence[str] = ()) -> Saved:
    """Takes the file at `path` into the store and enqueues its ingestion; `name` is what its owner calls it.

    ValidationError says why such a file can't be read, TooManyPending that the project has enough to do, NoRoom that
    the disk is full; the file stays where it was then, and when the project has it already.
    """
    name = check_file_name(name)
    media_type = check_file(path, name)
    sha256 = digest_of(path)
    new = NewMemory(title=name, tags=tags)
    if found := known(project, sha256):
        return Saved(_again(found, tags), is_new=False)
    tasks.ensure_room(project)
    with _stored(project, path, sha256) as stored:

        def document(memory: Memory) -> SavedDocument:
            return SavedDocument(
                memory=memory,
                origin=SavedDocument.Origin.UPLOAD,
                title=memory.title,
                reference_time=memory.reference_time,
                media_type=media_type,
                file=stored.name,
                file_name=name,
                size=stored.size,
                sha256=sha256,
            )

        saved = _once(user_id, project, sha256, new, document)
        stored.is_wanted = saved.is_new
    return saved


@dataclass(slots=True)
class _Stored:
    name: str
    size: int
    is_wanted: bool = False


@contextmanager
def _stored(project: Project, path: Path, sha256: str) -> Iterator[_Stored]:
    """A second name of the file goes into the store, before the transaction, as this may take seconds."""
    twin = path.with_name(f"{path.name}.kept")
    size = path.stat().st_size
    twin.hardlink_to(path)
    try:
        stored = _Stored(files.store(project.pk, twin, sha256), size)
    finally:
        twin.unlink(missing_ok=True)
    try:
        yield stored
    finally:
        if stored.is_wanted:
            path.unlink(missing_ok=True)
        else:
            files.remove(stored.name)


def _of_address(memory: Memory, url: str) -> SavedDocument:
    return SavedDocument(
        memory=memory,
        origin=SavedDocument.Origin.ADDRESS,
        title=memory.title,
        reference_time=memory.reference_time,
        url=url,
    )


# --- once


def _once(
    user_id: int | None,
    project: Project,
    key: str,
    new: NewMemory,
    document: Callable[[Memory], SavedDocument],
) -> Saved:
    """The project's memory with this key, made when there is none; of two requests at once, one makes it."""
    for _ in range(3):
        if found := known(project, key):
            return Saved(_again(found, new.tags), is_new=False)
        try:
            return Saved(_insert(user_id, project, key, new, document), is_new=True)
        except IntegrityError:  # another request was first
            continue
    raise StateConflict("This was saved and deleted at the same moment; send it again.")


def known(project: Project, key: str) -> Memory | None:
    rows = Memory.objects.filter(document__keys__project=project, document__keys__key=key)
    return rows.select_related("task", "project").prefetch_related("memory_tags").first()


def _insert(
    user_id: int | None, project: Project, key: str, new: NewMemory, document: Callable[[Memory], SavedDocument]
) -> Memory:
    with transaction.atomic():
        tasks.ensure_room(project)
        memory = intake.insert(project, new, user_id)
        row = document(memory)
        row.save(force_insert=True)
        SourceKey.objects.create(project=project, document=row, key=key)
        submit(memory, row)
        memory.refresh_from_db()
    return memory


def _again(memory: Memory, tags: Sequence[str]) -> Memory:
    """Adds the tags it does not have; what failed before it was ever read is tried again."""
    with transaction.atomic():
        MemoryTag.objects.bulk_create(
            [MemoryTag(memory=memory, name=name) for name in dict.fromkeys(tags)], ignore_conflicts=True
        )
        ended = memory.task is None or memory.task.status in (Status.FAILED, Status.CANCELLED)
        if memory.generation == 0 and ended:
            submit(memory, memory.document)
    return Memory.objects.select_related("task", "project").prefetch_related("memory_tags").get(pk=memory.pk)


def submit(memory: Memory, document: SavedDocument, *, fetch: bool = True) -> TaskLog:
    """Enqueues the document's ingestion. Without `fetch`, of the text as it is kept, if there is one."""
    payload = {} if fetch else {"fetch": False}
    return tasks.submit(memory.project, KIND_OF_ORIGIN[document.origin], memory=memory, payload=payload)


# --- addresses


def check_address(url: str) -> str:
    """The address without white space around it; ValidationError when no page can be behind it."""
    url = check_characters(url).strip()
    if not url:
        raise ValidationError("There is no address; give one like https://example.org/article.", code="blank")
    if len(url) > ADDRESS_LENGTH:
        raise ValidationError(f"The address has {len(url):,} characters; {ADDRESS_LENGTH:,} may be.", code="too_long")
    if "://" not in url:
        raise ValidationError(
            "This is no address of a page; give one that begins with https:// or http://.", code="no_address"
        )
    try:
        addresses.parse(url)
    except FetchError as error:
        raise ValidationError(str(error).removesuffix(NEVER).strip(), code=error.code) from None
    return url


# --- files


def check_file_name(name: str) -> str:
    """The last part of the name as it was given, without characters that can't be shown."""
    name = check_characters(name.replace("\\", "/").rsplit("/", 1)[-1])
    return "".join(sign for sign in name if sign.isprintable()).strip()[:300] or "file"


def check_file(path: Path, name: str) -> str:
    """The media type of a file that can be read, by its bytes; ValidationError for others."""
    if path.stat().st_size == 0:
        raise ValidationError("The file is empty.", code="empty")
    media_type = sniffing.media_type_of(path, "", name)
    if media_type == "application/msword":
        raise ValidationError(
            "This is a Word file of the old form (.doc), or one with a password; save it as .docx without one.",
            code="wrong_type",
        )
    if not kinds.is_readable(media_type):
        raise ValidationError(
            f"This file looks like {media_type}, which can't be read. Text, Markdown, HTML, PDF, Word (docx) and "
            "recordings (wav, mp3, m4a, mp4, ogg, flac) can.",
            code="wrong_type",
        )
    return media_type


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
