"""Which memories a file holds: JSON Lines, a JSON array, one text, or a zip archive of such files."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from django.conf import settings

from memories.importing import archives, bookmarks, texts
from memories.importing.archives import Budget
from memories.importing.refusals import ImportRefused, Unreadable

TEXTS = {".txt", ".text", ".md", ".markdown"}
JSON = {".jsonl", ".ndjson", ".json"}
UNPACKED = 4  # times the limit of an upload
TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
TAKEN = (
    "JSON Lines (.jsonl), JSON (.json), plain text (.txt, .md), bookmarks (.html, .csv) and .zip archives of these can "
    "be imported."
)


ListReader = Callable[[IO[bytes]], Iterator[tuple[int, Any]]]


@dataclass(frozen=True, slots=True)
class Found:
    """One memory as it stands in a file, not yet checked (an address is, as a NewMemory); or `error`, why not.

    `line` is its line or its number, from 1; None when the file is one memory. `file` is "" when there is but one.
    """

    value: Any = None
    line: int | None = None
    file: str = ""
    error: str = ""


def new_budget() -> Budget:
    return Budget(UNPACKED * settings.MAX_UPLOAD_BYTES)


def read(name: str, file: IO[bytes], budget: Budget | None = None) -> Iterator[Found]:
    """What the file holds, as its name's ending says; without a known one, as it begins.

    ImportRefused when the whole upload must not be taken.
    """
    budget = budget or new_budget()
    if _is_archive(name, file):
        for entry, opened in archives.entries(file, budget):
            yield from _entry(shown(entry), opened)
        return
    try:
        yield from _single(name, file)
    except Unreadable as error:
        yield Found(error=str(error))


def read_all(files: list[tuple[str, IO[bytes]]]) -> Iterator[Found]:
    """The same for several files; what is found says in which."""
    budget = new_budget()
    for name, file in files:
        inside = len(files) > 1 or _is_archive(name, file)
        for found in read(name, file, budget):
            file_name = f"{shown(name)}/{found.file}" if len(files) > 1 and found.file else found.file or shown(name)
            yield Found(found.value, found.line, file_name if inside else "", found.error)


def read_folder(folder: Path) -> Iterator[Found]:
    """Every file below the folder in the order of their names; links and hidden files are left out."""
    budget = new_budget()
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for path in sorted(Path(place, name) for name in files if not name.startswith(".")):
            yield from _from_disk(path, shown(path.relative_to(folder).as_posix()), budget)


def _from_disk(path: Path, name: str, budget: Budget) -> Iterator[Found]:
    if path.is_symlink() or not path.is_file():
        yield Found(file=name, error="This is a link or a device and no file.")
        return
    try:
        with path.open("rb") as file:
            for found in read(name, file, budget):
                yield Found(found.value, found.line, f"{name}/{found.file}" if found.file else name, found.error)
    except OSError as error:
        yield Found(file=name, error=f"The file can't be read: {error.strerror}.")


def shown(name: str) -> str:
    """A file's name as it may be stored and shown: without what no text may have, and what turns its direction."""
    text = "".join("\N{REPLACEMENT CHARACTER}" if _hidden(letter) else letter for letter in name)
    return text if len(text) <= 300 else "…" + text[-299:]


def _hidden(letter: str) -> bool:
    return unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} or unicodedata.bidirectional(letter) in TURNING


def _is_archive(name: str, file: IO[bytes]) -> bool:
    suffix = PurePosixPath(name.lower()).suffix
    return suffix == ".zip" or (suffix not in TEXTS | JSON and _beginning(file).startswith(b"PK\x03\x04"))


def _beginning(file: IO[bytes]) -> bytes:
    start = file.read(512)
    file.seek(0)
    return start


def _entry(name: str, opened: archives.Opened) -> Iterator[Found]:
    try:
        with opened() as file:
            if _is_archive(name, file):
                raise Unreadable("This is an archive inside an archive; unpack it first.")
            for found in _single(name, file):
                yield Found(found.value, found.line, name, found.error)
    except Unreadable as error:
        yield Found(file=name, error=str(error))
    except ImportRefused as refused:
        raise ImportRefused(f"{name}: {refused}", too_large=refused.too_large) from None


def _single(name: str, file: IO[bytes]) -> Iterator[Found]:
    suffix = PurePosixPath(name.lower()).suffix
    with texts.as_utf8(file) as readable:
        if suffix in TEXTS:
            yield _text(name, readable)
            return
        if read := _list_reader(suffix, readable):
            yield from (_listed(number, value) for number, value in read(readable))
            return
        start = _first(readable)
        if suffix not in JSON and start not in (b"[", b"{"):
            raise Unreadable(f"Files of this kind are not taken. {TAKEN}")
        if start == b"[":
            yield from _array(readable)
        else:
            yield from _object(readable) if start == b"{" and _spans_lines(readable) else _lines(readable)


def _list_reader(suffix: str, file: IO[bytes]) -> ListReader | None:
    """What reads a list of bookmarks, if this is one: by how it begins, since many programs use the same endings."""
    here = file.tell()
    start = file.read(4096)
    file.seek(here)
    if bookmarks.OPML.match(start):
        raise Unreadable("This is a list of feeds (OPML); import it by itself.")
    if bookmarks.HTML_LIST.search(start):
        return bookmarks.of_html
    if suffix in {".html", ".htm"}:
        raise Unreadable(
            "This is no list of bookmarks, and pages are not taken here; add it as a file to have it read."
        )
    if suffix == ".csv":
        return bookmarks.of_csv
    return bookmarks.of_karakeep if bookmarks.KARAKEEP.match(start) else None


def _listed(number: int, value: Any) -> Found:
    return Found(line=number, error=value) if isinstance(value, str) else Found(value, number)


def _spans_lines(file: IO[bytes]) -> bool:
    """Whether the first line that is not blank is no value of its own: one object, written over many lines."""
    here = file.tell()
    _, line = next(texts.lines(file), (0, None))
    more = bool(file.read(1))
    file.seek(here)
    try:
        texts.parse(texts.decoded(_short(line)))
    except Unreadable:
        return more and line is not None and line.strip() == b"{"
    return False


def _object(file: IO[bytes]) -> Iterator[Found]:
    """One memory, or what the API takes: `{"memories": […]}`."""
    values = texts.Values(file)
    value = values.take()
    values.end()
    many = value.get("memories") if isinstance(value, dict) else None
    yield from (Found(one, number) for number, one in enumerate(many if isinstance(many, list) else [value], 1))


def _first(file: IO[bytes]) -> bytes:
    """The first character that is not blank; the file stands where it stood."""
    here = file.tell()
    while (start := file.read(1)) and start.isspace():
        pass
    file.seek(here)
    return start


def _text(name: str, file: IO[bytes]) -> Found:
    """A text file is one memory, with the file's name as its title."""
    data = file.read(settings.MAX_CONTENT_BYTES + 1)
    if len(data) > settings.MAX_CONTENT_BYTES:
        raise Unreadable(f"A memory may have {settings.MAX_CONTENT_BYTES:,} bytes; split the file.")
    path = shown(name)
    title = PurePosixPath(path).name
    return Found({"content": texts.decoded(data).replace("\r\n", "\n"), "title": title, "metadata": {"file": path}})


def _array(file: IO[bytes]) -> Iterator[Found]:
    values = texts.Values(file)
    for number, value in enumerate(values.array(), 1):
        yield Found(value, number)
    values.end()


def _lines(file: IO[bytes]) -> Iterator[Found]:
    for number, line in texts.lines(file):
        try:
            yield Found(texts.parse(texts.decoded(_short(line))), number)
        except Unreadable as error:
            yield Found(line=number, error=str(error))


def _short(line: bytes | None) -> bytes:
    if line is None:
        raise Unreadable(f"The line has more than {texts.MAX_VALUE:,} bytes.")
    return line
