"""Lists of addresses that others export: browsers and linkding (Netscape HTML), Pocket (HTML, CSV), Karakeep (JSON).

Each address becomes an article, under its title until the page has been read; tags and folders become tags.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import IO, Any

from django.core.exceptions import ValidationError

from memories.fetching import FetchError, addresses
from memories.importing import texts
from memories.importing.refusals import Unreadable
from memories.validation import NewMemory, check_characters

HTML_LIST = re.compile(rb"<!doctype\s+netscape-bookmark-file|<title>\s*pocket export", re.IGNORECASE)
KARAKEEP = re.compile(rb"\s*\{\s*\"bookmarks\"\s*:\s*\[")
OPML = re.compile(rb"\s*(?:<[?!][^>]*>\s*)*<opml[\s>]", re.IGNORECASE)
MOST_TAGS, TAG_LENGTH, TITLE_LENGTH = 100, 100, 500
PENDING = 1024 * 1024  # characters that a single tag may have
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


def address(url: str, title: str = "", tags: Iterable[object] = (), at: str = "") -> NewMemory:
    """An address to be saved; `at` is when it was kept elsewhere. Unreadable when it is none of a page."""
    url = url.strip()
    if not url.lower().startswith(("http://", "https://")):
        raise Unreadable("This is no address of a web page.")
    try:
        addresses.parse(check_characters(url))
    except FetchError as error:
        raise Unreadable(error.sentence) from None
    except ValidationError as error:
        raise Unreadable(error.messages[0]) from None
    words = _line(title)[:TITLE_LENGTH] or addresses.shown(url)
    return NewMemory(source_url=url, title=words, tags=_tags(tags), reference_time=moment(at))


def moment(text: object) -> datetime | None:
    """Seconds, milliseconds or microseconds since 1970, or an ISO date; None for anything else."""
    try:
        at = _since_1970(float(str(text))) if re.fullmatch(r"\d{1,17}(\.\d+)?", str(text)) else _iso(str(text))
    except (ValueError, OverflowError, OSError):
        return None
    return at if EARLIEST < at < datetime.now(UTC) else None


def _since_1970(number: float) -> datetime:
    while number > 1e11:
        number /= 1000
    return datetime.fromtimestamp(number, UTC)


def _iso(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _line(text: object) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in str(text or "")).split())


def _tags(tags: Iterable[object]) -> list[str]:
    words = dict.fromkeys(_line(tag)[:TAG_LENGTH] for tag in tags)
    return [word for word in words if word][:MOST_TAGS]


# --- HTML


class Links(HTMLParser):
    """Takes tags as they come, whatever is open: browsers close next to none of these."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, dict[str, str], str, list[str]]] = []
        self._link: tuple[int, dict[str, str]] | None = None
        self._folders: list[str] = []
        self._next = ""
        self._text: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self._link, self._text = (self.getpos()[0], given), []
        elif tag == "h3":
            own = {"personal_toolbar_folder", "unfiled_bookmarks_folder"} & given.keys()
            self._next, self._text = "", None if own else []
        elif tag == "dl":
            self._folders.append(self._next)
            self._next = ""

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        words = "".join(self._text or ())
        if tag == "a" and self._link is not None:
            self.found.append((*self._link, words, self._folders[-1:]))
            self._link = self._text = None
        elif tag == "h3":
            self._next, self._text = words, None
        elif tag == "dl" and self._folders:
            self._folders.pop()


def of_html(file: IO[bytes]) -> Iterator[tuple[int, NewMemory | str]]:
    """(line, the address or why it is none) of each link; UTF-8, as browsers write it."""
    links, letters = Links(), codecs.getincrementaldecoder("utf-8")("replace")
    while piece := file.read(texts.CHUNK):
        links.feed(letters.decode(piece))
        if len(links.rawdata) > PENDING:
            raise Unreadable("A tag in it has no end, so the rest can't be read.")
        yield from _links(links)
    links.close()
    yield from _links(links)


def _links(links: Links) -> Iterator[tuple[int, NewMemory | str]]:
    found, links.found = links.found, []
    for line, given, title, folder in found:
        tags = [*re.split("[,|]", given.get("tags", "")), *folder]
        yield line, _address(given.get("href", ""), title, tags, given.get("add_date") or given.get("time_added"))


def _address(url: object, title: object, tags: Iterable[object], at: object) -> NewMemory | str:
    try:
        return address(str(url or ""), str(title or ""), tags, str(at or ""))
    except Unreadable as error:
        return str(error)


# --- CSV


def of_csv(file: IO[bytes]) -> Iterator[tuple[int, NewMemory | str]]:
    """(line, the address or why it is none) of each row; a column has to be called url."""
    rows = csv.DictReader(line.decode("utf-8", "replace") for line in file)
    try:
        if "url" not in _lower(dict.fromkeys(rows.fieldnames or (), "")):
            raise Unreadable("The first line names no column “url”, so this is no list of addresses.")
        for row in rows:
            one = _lower(row)
            tags = [*re.split("[|,]", one.get("tags", "")), one.get("folder", "")]
            at = one.get("time_added") or one.get("created") or one.get("timestamp")
            yield rows.line_num, _address(one.get("url"), one.get("title"), tags, at)
    except csv.Error as error:
        raise Unreadable(f"This is no CSV: {error}.") from None


def _lower(row: Mapping[Any, Any]) -> dict[str, str]:
    """The cells by the names of their columns; what stands beyond the last column is left out."""
    return {name.strip().lower(): cell or "" for name, cell in row.items() if isinstance(name, str)}


# --- Karakeep


def of_karakeep(file: IO[bytes]) -> Iterator[tuple[int, Any]]:
    """(number, address, why it is none, or a note as a memory) of each bookmark."""
    values = texts.Values(file)
    for name in values.members():
        if name == "bookmarks" and values.peek() == "[":
            for number, value in enumerate(values.array(), 1):
                yield number, _karakeep(value)
        else:
            values.take()
    values.end()


def _karakeep(value: object) -> Any:
    one: Mapping[str, Any] = value if isinstance(value, dict) else {}
    content: Mapping[str, Any] = one["content"] if isinstance(one.get("content"), dict) else {}
    tags = one["tags"] if isinstance(one.get("tags"), list) else []
    names = [tag.get("name") if isinstance(tag, dict) else tag for tag in tags]
    title, at = one.get("title") or content.get("title"), one.get("createdAt")
    if content.get("type") == "text" and str(content.get("text") or "").strip():
        note = {"content": str(content["text"]), "title": _line(title)[:TITLE_LENGTH], "tags": _tags(names)}
        return note | ({"reference_time": when.isoformat()} if (when := moment(at)) else {})
    if content.get("type") != "link":
        return "This bookmark is neither an address nor a note; files are not in the export."
    return _address(content.get("url"), title, names, at)
