"""What a feed says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One article or episode. `id` is the feed's own name for it; `url` leads to its page, or to a recording."""

    id: str
    url: str
    title: str = ""
    recording: bool = False


@dataclass(frozen=True, slots=True)
class FeedDocument:
    """`entries` are the newest first, 1,000 at most. `elsewhere`: the file was a page that names this feed."""

    title: str = ""
    entries: tuple[Entry, ...] = ()
    elsewhere: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """What the reading process is told. `content_type` is what the server said of the file."""

    path: str
    url: str
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What it answers: a document, or a sentence that says why there is none."""

    document: FeedDocument | None = None
    refusal: str = ""
