"""The file that a document is read from: fetched into the task's own folder, or opened in the store of files.

The folder stays until the task has ended, so that no attempt fetches what an earlier one has.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction

from memories import fetching_rules, files
from memories.engine.errors import InvalidSource, Unavailable
from memories.fetching import FetchError, Rules, Validators, fetch
from memories.models import SavedDocument
from tasks_app import checkpoints
from tasks_app.models import TERMINAL, TaskLog
from tasks_app.runner import Progress

FETCHED = "document.fetched"
CHUNK = 1024 * 1024
ABANDONED_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Original:
    """A file as it came. `path` leads to it; it is "" when the server says that what is kept is still right."""

    path: str
    media_type: str = ""
    size: int = 0
    sha256: str = ""
    charset: str = ""
    name: str = ""
    url: str = ""
    etag: str = ""
    last_modified: str = ""

    @property
    def unchanged(self) -> bool:
        return not self.path


# --- fetched


def fetched(
    progress: Progress,
    url: str,
    rules: Rules,
    *,
    low: float,
    high: float,
    known: Validators | None = None,
    stage: str = FETCHED,
) -> Original:
    """What the address leads to, fetched once for all attempts of the task; counts bytes from percent low to high.

    InvalidSource when another try can't help, Unavailable when it may.
    """
    kept = next(iter(checkpoints.load(progress.task, stage, Original)), None)
    if kept is not None and (kept.unchanged or _is_whole(kept)):
        return kept
    try:
        original = _fetch(url, rules, known, Reporter(progress, low, high))
    except FetchError as error:
        if error.permanent:
            raise InvalidSource(str(error)) from None
        raise Unavailable(str(error), error.retry_after) from None
    with transaction.atomic():
        progress.hold()
        checkpoints.keep(progress.task, stage, original)
    return original


def _is_whole(original: Original) -> bool:
    path = Path(original.path)
    return path.is_file() and path.stat().st_size == original.size


@dataclass(frozen=True, slots=True)
class Reporter:
    """Where bytes are counted: as the percents from `low` to `high`."""

    progress: Progress
    low: float
    high: float

    def count(self, done: int, total: int | None) -> None:
        self.progress.count(done, total, low=self.low, high=self.high)


def _fetch(url: str, rules: Rules, known: Validators | None, report: Reporter) -> Original:
    folder, stop = folder_of(report.progress.task.pk), report.progress.checkpoint
    got = fetch(url, folder, rules, known=known, progress=report.count, stop=stop)
    return Original(
        path="" if got.not_modified else str(got.path),
        media_type=got.media_type,
        size=got.size,
        sha256=got.sha256,
        charset=got.charset,
        name=got.file_name,
        url=got.url,
        etag=got.etag,
        last_modified=got.last_modified,
    )


def page_rules() -> Rules:
    return fetching_rules.rules()


# --- uploaded


def opened(progress: Progress, document: SavedDocument, low: float, high: float) -> Original:
    """The uploaded file, after every byte of it was found to be as it came; counts bytes from percent low to high."""
    path, digest, done = files.path_of(document.file), hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while piece := file.read(CHUNK):
                digest.update(piece)
                done += len(piece)
                progress.count(done, document.size, low=low, high=high)
    except OSError:
        raise InvalidSource("The file is not in the store of files any more; save it again.") from None
    if digest.hexdigest() != document.sha256:
        raise InvalidSource("The file in the store is not as it was saved: its disk may be damaged. Save it again.")
    return Original(
        path=str(path),
        media_type=document.media_type,
        size=document.size,
        sha256=document.sha256,
        name=document.file_name,
    )


def kept_for_good(progress: Progress, project_id: UUID, original: Original | None) -> str:
    """The name in the store of a second name of the file, "" for none or one that is there; before the transaction
    that publishes it, as this may take seconds."""
    folder = folder_of(progress.task.pk)
    if original is None or Path(original.path).parent != folder:
        return ""
    twin = folder / "kept"
    twin.unlink(missing_ok=True)
    twin.hardlink_to(original.path)
    return files.store(project_id, twin, original.sha256)


# --- the task's folder


def folder_of(task_id: UUID) -> Path:
    """The folder of a task's own files, made when it is not there."""
    folder = _work() / str(task_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def forget(task_id: UUID) -> None:
    """The task has ended: its folder goes."""
    shutil.rmtree(_work() / str(task_id), ignore_errors=True)


def sweep() -> None:
    """Removes what is left of tasks and of uploads whose process died before it could."""
    folders = {folder.name: folder for folder in _untouched(_work(), ABANDONED_SECONDS)}
    if folders:
        active = TaskLog.objects.filter(pk__in=list(folders)).exclude(status__in=TERMINAL)
        for name in folders.keys() - {str(pk) for pk in active.values_list("pk", flat=True)}:
            shutil.rmtree(folders[name], ignore_errors=True)
    for path in _untouched(Path(settings.FILE_UPLOAD_TEMP_DIR), 24 * ABANDONED_SECONDS):
        shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):
            path.unlink()


def _untouched(folder: Path, seconds: float) -> Iterator[Path]:
    """What in the folder nobody has changed for so long."""
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(FileNotFoundError):  # another process sweeps too
            if time.time() - path.stat().st_mtime > seconds:
                yield path


def _work() -> Path:
    return Path(settings.MEMSTACK_DATA_DIR) / "work"
