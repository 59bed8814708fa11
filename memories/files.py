"""The store of files: what memories were made from, under `media/<project>/` in the data folder.

A file belongs to one memory alone, so it goes when its memory does and nobody has to count. Its name is made here: its
SHA-256, by which an operator can check it, and random letters. What the client called it is kept in the database.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.conf import settings

from memories.engine.errors import EngineError

logger = logging.getLogger(__name__)
RESERVE = 100 * 2**20  # bytes that files leave to the database and the logs
FORGOTTEN_SECONDS = 24 * 3600.0
BATCH = 500
_NAME = re.compile(r"[0-9a-f-]{36}/[0-9a-f]{64}\.[0-9a-f]{8}")
_HALF_DONE = ".incoming-"


class NoRoom(EngineError):
    """The disk of the data folder has no room for a file; nothing of it was kept."""

    code = "disk_full"
    permanent = False

    def __init__(self, size: int) -> None:
        super().__init__(
            f"The server's disk has no room for this file of {size / 1e6:,.0f} MB; nothing of it was kept. "
            "The operator has to free some space."
        )


def ensure_room(size: int) -> None:
    """NoRoom when so many bytes more would leave the database less than RESERVE."""
    if shutil.disk_usage(settings.MEMSTACK_DATA_DIR).free - size < RESERVE:
        raise NoRoom(size)


def store(project_id: UUID, path: Path, sha256: str) -> str:
    """Moves a file into the store, safe against a loss of power; returns its name there.

    A rename where both lie on one disk, else a copy of which nobody sees a half. NoRoom when there is none. Call it
    outside of transactions: writing hundreds of megabytes through to the disk takes seconds.
    """
    name = f"{project_id}/{sha256}.{secrets.token_hex(4)}"
    place = path_of(name)
    size = path.stat().st_size
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _move(path, place, size)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoom(size) from error
        raise
    return name


def path_of(name: str) -> Path:
    """Where the file of that name is, or would be; FileNotFoundError for what is no name of the store."""
    if not _NAME.fullmatch(name):
        raise FileNotFoundError(errno.ENOENT, "no name of a stored file", name)
    return _root() / name


def open_file(name: str) -> BinaryIO:
    """The file, to read; FileNotFoundError when it is not there."""
    return path_of(name).open("rb")


def remove(name: str) -> None:
    """Removes a file whose row has gone, so after the commit. What can't be removed now is found by a sweep."""
    try:
        path_of(name).unlink(missing_ok=True)
    except OSError as error:
        logger.warning("A file of the store can't be removed: %s", error)


def orphans(known: Callable[[list[str]], set[str]]) -> Iterator[list[Path]]:
    """The files that no memory has, by batches; of a list of names `known` gives those that one has.

    They have been here for a day: the memory of a younger one may be about to be saved.
    """
    paths = _old_files()
    while batch := list(islice(paths, BATCH)):
        named = {f"{path.parent.name}/{path.name}": path for path in batch}
        kept = known(list(named))
        yield [path for name, path in named.items() if name not in kept]


def sweep(known: Callable[[list[str]], set[str]]) -> Iterator[int]:
    """Removes the orphans, a batch a step, and yields how many."""
    for batch in orphans(known):
        for path in batch:
            path.unlink(missing_ok=True)
        yield len(batch)


def _old_files() -> Iterator[Path]:
    old = time.time() - FORGOTTEN_SECONDS
    folders = (folder for folder in _listed(_root()) if folder.is_dir())
    for path in chain.from_iterable(map(_listed, folders)):
        if path.lstat().st_ctime < old:  # when it came here; its own time may be an older one
            yield path


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def _root() -> Path:
    return Path(settings.MEMSTACK_DATA_DIR) / "media"


def _move(path: Path, place: Path, size: int) -> None:
    _flush(path)
    try:
        os.replace(path, place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        ensure_room(size)
        _copy(path, place)
        path.unlink()
    _flush(place.parent)


def _copy(path: Path, place: Path) -> None:
    handle, half_done = tempfile.mkstemp(dir=place.parent, prefix=_HALF_DONE)
    os.close(handle)
    try:
        shutil.copyfile(path, half_done)
        _flush(Path(half_done))
        os.replace(half_done, place)
    except BaseException:
        Path(half_done).unlink(missing_ok=True)
        raise


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
