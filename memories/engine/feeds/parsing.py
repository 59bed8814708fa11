"""Takes a feed apart with feedparser; runs in the reading process only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import unescape
from html.parser import HTMLParser
from io import BytesIO
from typing import Any
from urllib.parse import urljoin

import feedparser

from memories.engine.documents.errors import UnreadableDocument
from memories.engine.feeds.model import Entry, FeedDocument

MOST_ENTRIES = 1000
ID_LENGTH, TITLE_LENGTH, URL_LENGTH = 2000, 300, 2000
NO_FEED = "There is no feed at this address, nor a page that names one. Look on the site for RSS or Atom."
RECORDING = re.compile(r"\.(?:mp3|m4a|m4b|mp4|ogg|oga|opus|flac|wav)(?:$|\?)", re.IGNORECASE)
FEED_TYPES = {"application/rss+xml", "application/atom+xml", "application/rdf+xml"}


def parse(data: bytes, url: str, content_type: str = "") -> FeedDocument:
    """What the bytes say; UnreadableDocument when they are no feed and name none.

    feedparser would open a text that looks like a path or an address, so it gets a file.
    """
    if not data.strip():
        raise UnreadableDocument(NO_FEED)
    said = {"content-type": content_type, "content-location": url}
    found = feedparser.parse(BytesIO(data), response_headers=said, sanitize_html=False)
    if not found.version:
        elsewhere = _named_by_page(data, url)
        if not elsewhere:
            raise UnreadableDocument(NO_FEED)
        return FeedDocument(elsewhere=elsewhere)
    entries = [entry for raw in _newest_first(found.entries)[:MOST_ENTRIES] if (entry := _entry(raw))]
    return FeedDocument(_line(found.feed.get("title")), tuple({entry.id: entry for entry in entries}.values()))


def _newest_first(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """By their dates where all have one, else as they stand."""
    rows = list(entries)
    dates = [row.get("published_parsed") or row.get("updated_parsed") for row in rows]
    if not all(dates):
        return rows
    order = sorted(range(len(rows)), key=lambda place: tuple(dates[place][:6]), reverse=True)  # type: ignore[index]
    return [rows[place] for place in order]


def _entry(raw: Mapping[str, Any]) -> Entry | None:
    recording = _recording(raw)
    url = recording or str(raw.get("link") or "")
    if not url.startswith(("http://", "https://")) or len(url) > URL_LENGTH:
        return None
    return Entry(str(raw.get("id") or url)[:ID_LENGTH], url, _line(raw.get("title")), bool(recording))


def _recording(raw: Mapping[str, Any]) -> str:
    """The address of a podcast's episode."""
    for one in raw.get("enclosures") or ():
        kind, address = str(one.get("type") or ""), str(one.get("href") or "")
        if kind.startswith(("audio/", "video/")) or (not kind.startswith("image/") and RECORDING.search(address)):
            return address
    return ""


def _line(text: object) -> str:
    """A title on one line, without markup."""
    plain = unescape(re.sub(r"<[^<>]{1,200}>", " ", str(text or "")))
    return " ".join("".join(letter if letter.isprintable() else " " for letter in plain).split())[:TITLE_LENGTH]


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "link" and not self.found and "alternate" in given.get("rel", "").lower().split():
            self.found = given.get("href", "") if given.get("type", "").strip().lower() in FEED_TYPES else ""


def _named_by_page(data: bytes, url: str) -> str:
    """The first feed that a page names in its head; "" where there is none."""
    links = _Links()
    links.feed(data[: 512 * 1024].decode("utf-8", "replace"))
    found = urljoin(url, links.found.strip()) if links.found else ""
    return found if found.startswith(("http://", "https://")) and found != url else ""
