"""What a fetch may do, and what it brings back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MB = 1024 * 1024
USER_AGENT = "MemStack/0.1 (self-hosted memory server; fetches what its users save)"
DOCUMENTS = frozenset(
    {
        "text/html",
        "text/plain",
        "text/markdown",
        "application/pdf",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    }
)
MEDIA = frozenset(
    {"audio/wav", "audio/mpeg", "audio/mp4", "video/mp4", "audio/ogg", "video/ogg", "audio/flac"},
)
FEEDS = frozenset({"application/rss+xml", "application/atom+xml", "application/xml"})

Resolver = Callable[[str, int], Sequence[str]]
"""(host, port) to IP addresses; raises socket.gaierror."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits of one fetch. Sizes are bytes after unpacking, times are seconds.

    `allowed_private_hosts` are host names or addresses, with or without a port: "wiki.home", "10.0.0.5:8080". A port
    that stands there is allowed for that host. `accepted` are the media types that are kept.
    """

    ports: frozenset[int] = frozenset({80, 443})
    max_page_bytes: int = 25 * MB
    max_media_bytes: int = 500 * MB
    connect_seconds: float = 10.0
    idle_seconds: float = 20.0
    total_seconds: float = 60.0
    total_media_seconds: float = 1800.0
    max_redirects: int = 5
    allowed_private_hosts: frozenset[str] = frozenset()
    user_agent: str = USER_AGENT
    obey_robots: bool = True
    accepted: frozenset[str] = DOCUMENTS | MEDIA
    resolver: Resolver | None = None
    """Looks names up in place of the system; what it answers is checked like anything else."""


@dataclass(frozen=True, slots=True)
class Validators:
    """What an earlier fetch said of the version it got."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came. `url` is where it was found in the end. With `not_modified` nothing came, and `path` is not there.

    `charset` is "" unless it is a text; `size` and `sha256` are of the unpacked bytes.
    """

    url: str
    path: Path
    media_type: str = ""
    charset: str = ""
    size: int = 0
    sha256: str = ""
    etag: str = ""
    last_modified: str = ""
    not_modified: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    file_name: str = ""
