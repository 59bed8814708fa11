"""Files that come with a request: Django has written them to disk, from where they go into the store."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from memories import saving
from memories.models import Project
from memories.saving import Saved


class TooLarge(Exception):
    """The file has more bytes than one may have; the message says how many that is."""


def save(user_id: int | None, project: Project, file: UploadedFile[Any], tags: Sequence[str] = ()) -> Saved:
    """The upload as a memory; TooLarge, or what `saving.save_file` raises, and then nothing is kept."""
    if (file.size or 0) > settings.MAX_FILE_BYTES:
        raise TooLarge(f"A file may have {settings.MAX_FILE_BYTES // 2**20:,} MB. Nothing was saved.")
    with on_disk(file) as path:
        return saving.save_file(user_id, project, path, file.name or "file", tags)


@contextmanager
def copy_of(file: IO[bytes]) -> Iterator[Path]:
    """A copy of somebody's file that may be moved away."""
    with _folder() as folder:
        with (folder / "file").open("wb") as copy:
            shutil.copyfileobj(file, copy)
        yield folder / "file"


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="upload-", dir=settings.FILE_UPLOAD_TEMP_DIR) as name:
        yield Path(name)


@contextmanager
def on_disk(file: UploadedFile[Any]) -> Iterator[Path]:
    """A copy that may be moved away; a large upload is linked and not copied."""
    with _folder() as folder:
        path = folder / "file"
        if hasattr(file, "temporary_file_path"):
            path.hardlink_to(file.temporary_file_path())
        else:
            with path.open("wb") as copy:
                file.seek(0)
                shutil.copyfileobj(file, copy)
        yield path
