"""Lists of feeds (OPML) that readers of feeds export."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import IO

from memories.fetching import charsets
from memories.importing.bookmarks import OPML
from memories.importing.refusals import ImportRefused

MOST_BYTES = 5 * 1024 * 1024
START = 64 * 1024


@dataclass(frozen=True, slots=True)
class Subscription:
    """A feed as it stands in a list, unchecked."""

    line: int
    url: str
    title: str = ""


class _Outlines(HTMLParser):
    """Lists are seldom good XML; this takes each outline for itself, and knows no entities of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Subscription] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: (value or "").strip() for name, value in attrs}
        if tag == "outline" and given.get("xmlurl"):
            title = given.get("title") or given.get("text", "")
            self.found.append(Subscription(self.getpos()[0], given["xmlurl"], title))


def is_list(file: IO[bytes]) -> bool:
    """Whether it begins like one; the file stands at its beginning then."""
    start = file.read(2048).removeprefix(b"\xef\xbb\xbf")
    file.seek(0)
    return bool(OPML.match(start))


def subscriptions(file: IO[bytes]) -> list[Subscription]:
    """The feeds in the list, in its order; ImportRefused when there is none."""
    data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ImportRefused(f"A list of feeds may have {MOST_BYTES // 2**20} MB. Nothing was imported.", too_large=True)
    outlines = _Outlines()
    text = data.decode(charsets.charset_of(data[:START]), "replace")
    for place in range(0, len(text), START):
        outlines.feed(text[place : place + START])
        if len(outlines.rawdata) > 2 * START:
            raise ImportRefused("A tag in the list of feeds has no end. Nothing was imported.")
    if not outlines.found:
        raise ImportRefused("There is no feed in this list. Nothing was imported.")
    return outlines.found
