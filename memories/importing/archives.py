"""Reads zip archives that nobody vouches for. Nothing is unpacked to a path, names are data, sizes are counted."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import PurePosixPath
from typing import IO, Any

from memories.importing.refusals import ImportRefused, Unreadable
from memories.importing.texts import CHUNK, temporary

MAX_ENTRIES = 20_000
MAX_DIRECTORY = 4 * 1024 * 1024  # bytes of the table of contents, which zipfile reads whole
ENCRYPTED = 0x1
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
Opened = Callable[[], IO[bytes]]


class Budget:
    """How many bytes may still come out of an upload's archives: told by what comes out, not by what they say."""

    def __init__(self, size: int) -> None:
        self.size = self._left = size

    def spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise ImportRefused(
                f"Unpacked, the upload has more than {self.size // 2**20:,} MB. Nothing was imported.", too_large=True
            )


def entries(file: IO[bytes], budget: Budget) -> Iterator[tuple[str, Opened]]:
    """(name, what opens it) of each file in the archive; opening raises Unreadable with the reason.

    ImportRefused when the archive can't be read or has too many entries.
    """
    try:
        archive = zipfile.ZipFile(_Guarded(file))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise ImportRefused("The zip archive is damaged, or is none. Nothing was imported.") from None
    with archive:
        found = [entry for entry in archive.infolist() if not entry.is_dir() and not _litter(entry.filename)]
        if len(found) > MAX_ENTRIES:
            raise _too_many()
        for entry in found:
            yield entry.filename, _opener(archive, entry, budget)


def _too_many() -> ImportRefused:
    return ImportRefused(
        f"The archive has more than {MAX_ENTRIES:,} files; import it in parts. Nothing was imported.", too_large=True
    )


class _Guarded:
    """The archive's file. zipfile reads the table of contents in one piece, of whatever size the archive says."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if size > MAX_DIRECTORY:
            raise _too_many()
        return self._file.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _litter(name: str) -> bool:
    """What file managers leave in archives, and nobody means to import."""
    path = PurePosixPath(name)
    return path.parts[:1] == ("__MACOSX",) or path.name in {".DS_Store", "Thumbs.db", "desktop.ini"}


def _opener(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: Budget) -> Opened:
    return lambda: _open(archive, entry, budget)


def _open(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: Budget) -> IO[bytes]:
    """A copy of the entry, its checksum compared."""
    _check(entry)
    with ExitStack() as failing:
        copy = failing.enter_context(temporary())
        try:
            with archive.open(entry) as packed:
                while piece := packed.read(CHUNK):
                    budget.spend(len(piece))
                    copy.write(piece)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError):
            raise Unreadable("The file is damaged in the archive.") from None
        copy.seek(0)
        failing.pop_all()
        return copy


def _check(entry: zipfile.ZipInfo) -> None:
    name = entry.filename.replace("\\", "/")
    if name.startswith("/") or name[1:2] == ":" or ".." in name.split("/"):
        raise Unreadable("The name leads out of the archive, so the file was left out.")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise Unreadable("This is a link or a device and no file.")
    if entry.flag_bits & ENCRYPTED:
        raise Unreadable("The file is encrypted; import it without a password.")
    if entry.compress_type not in METHODS:
        raise Unreadable("The file is packed in a way other than deflate; make a plain zip.")
