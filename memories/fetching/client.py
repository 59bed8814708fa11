"""One fetch: redirects followed by hand, each address checked like the first; the body counted while it is written."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import unquote, urlsplit

import httpcore
import httpx

from memories.fetching import addresses, answers, charsets, decoding, errors, sniffing
from memories.fetching.addresses import Address
from memories.fetching.connections import Backend, Patience
from memories.fetching.robots import MAX_BYTES, Robots
from memories.fetching.rules import FEEDS, MEDIA, Fetched, Rules, Validators
from memories.fetching.transport import Transport

REPORT_SECONDS = 0.1
KEPT_HEADERS = ("content-type", "content-language", "last-modified", "date", "link")
ACCEPT = "text/html,application/xhtml+xml,application/pdf,audio/*,video/*;q=0.9,*/*;q=0.8"
ACCEPT_FEED = "application/rss+xml,application/atom+xml,application/xml;q=0.9,text/xml;q=0.9,*/*;q=0.5"


def fetch(
    url: str,
    into: Path,
    rules: Rules,
    *,
    known: Validators | None = None,
    progress: Callable[[int, int | None], None],
    stop: Callable[[], None],
) -> Fetched:
    """Fetches what the address leads to into a new file in the folder `into`; FetchError says why it could not.

    `progress(bytes_so_far, total_or_None)` counts the bytes that came over the network, ten times a second at most.
    `stop` is called at least every 200 ms and raises when the fetch was called off. With `known`, an answer that
    nothing has changed brings a `Fetched` with `not_modified`. After an error nothing is left in the folder.
    """
    patience = Patience(rules.total_seconds, stop)
    with closing(Transport(Backend(rules, patience))) as transport:
        visit = Visit(transport, rules, patience)
        asked = addresses.parse(url)
        with visit.opened(asked, known) as (found, response):
            if response.status_code == 304 and known is not None:
                version = _validators(response, known)
                return Fetched(
                    found.url,
                    into / "not-modified",
                    etag=version.etag,
                    last_modified=version.last_modified,
                    not_modified=True,
                )
            answers.ensure_page(response, found.host)
            return Download(visit, asked, found, response, progress).into(into)


@dataclass
class Visit:
    """The requests of one fetch."""

    transport: Transport
    rules: Rules
    patience: Patience
    robots: Robots = field(init=False)

    def __post_init__(self) -> None:
        self.robots = Robots(self._robots_file)

    @contextmanager
    def opened(
        self, address: Address, known: Validators | None = None, *, robots: bool = True
    ) -> Iterator[tuple[Address, httpx.Response]]:
        """The answer that the address leads to in the end, its body unread."""
        seen = {address}
        with _errors_of(address):
            while True:
                if robots and self.rules.obey_robots:
                    self.robots.ensure_allowed(address)
                response = self.transport.handle_request(self._request(address, known))
                with closing(response):
                    location = answers.redirects(response)
                    if not location:
                        yield address, response
                        return
                address = self._next(address, location, seen)

    def _next(self, address: Address, location: str, seen: set[Address]) -> Address:
        onward = addresses.joined(address, location)
        if onward in seen or len(seen) > self.rules.max_redirects:
            raise errors.endless_redirect(self.rules.max_redirects)
        if address.scheme == "https" and onward.scheme == "http":
            raise errors.downgrade(onward.host)
        seen.add(onward)
        return onward

    def _request(self, address: Address, known: Validators | None) -> httpx.Request:
        headers = {
            "Host": address.authority,
            "User-Agent": self.rules.user_agent,
            "Accept": ACCEPT_FEED if self.rules.accepted >= FEEDS else ACCEPT,
            "Accept-Encoding": decoding.SENT,
            "Connection": "close",
        }
        if known and known.etag:
            headers["If-None-Match"] = known.etag
        if known and known.last_modified:
            headers["If-Modified-Since"] = known.last_modified
        return httpx.Request("GET", address.url, headers=headers)

    def _robots_file(self, place: Address) -> tuple[int, bytes]:
        with self.opened(place, robots=False) as (_, response):
            if response.status_code != 200:
                return response.status_code, b""
            body = b""
            for piece in decoding.unpacked(response.iter_raw(), response.headers.get("content-encoding", "")):
                self.patience.look()
                body += piece
                if len(body) >= MAX_BYTES:
                    break
            return 200, body[:MAX_BYTES]


@contextmanager
def _errors_of(address: Address) -> Iterator[None]:
    """What httpcore has to say of a broken conversation, as a sentence."""
    try:
        yield
    except (httpcore.ProtocolError, httpcore.NetworkError, httpcore.TimeoutException):
        raise errors.broken_off(address.host) from None
    except (httpx.InvalidURL, httpcore.UnsupportedProtocol):
        raise errors.bad_address("it is not written as one") from None


@dataclass
class Download:
    """The body of an answer on its way to a file."""

    visit: Visit
    asked: Address
    found: Address
    response: httpx.Response
    progress: Callable[[int, int | None], None]
    received: int = 0
    size: int = 0
    limit: int = 0
    head: bytes = b""
    _reported: float = 0.0

    def into(self, folder: Path) -> Fetched:
        """Writes the body to a new file there, which is gone again after an error."""
        handle, name = tempfile.mkstemp(prefix="fetched-", dir=folder)
        path = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                digest = self._write(file)
            return self._described(path, digest)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def _write(self, file: IO[bytes]) -> str:
        """Unpacks piece by piece; the first ones tell what it is, and with it how much of it may come."""
        self.limit = self.visit.rules.max_media_bytes
        digest = hashlib.sha256()
        self.progress(0, self._total())
        judged = False
        for piece in decoding.unpacked(self._raw(), self._encoding()):
            self.visit.patience.look()
            self.size += len(piece)
            self._ensure_size(self.size, packed=bool(self._encoding()))
            self.head += piece[: charsets.LOOKED_AT - len(self.head)]
            if not judged and len(self.head) >= sniffing.HEAD:
                self._judge()
                judged = True
            digest.update(piece)
            file.write(piece)
        if not judged:
            self._judge()
        self.progress(self.received, self._total())
        return digest.hexdigest()

    def _raw(self) -> Iterator[bytes]:
        for piece in self.response.iter_raw():
            self.received += len(piece)
            self._ensure_size(self.received, packed=False)
            if time.monotonic() - self._reported >= REPORT_SECONDS:
                self._reported = time.monotonic()
                self.progress(self.received, self._total())
            yield piece

    def _judge(self) -> None:
        """FetchError when it is nothing that is kept, or will be too large."""
        if not self.head:
            raise errors.empty(self.found.host)
        kind = self._kind()
        if kind != "application/zip" and kind not in self.visit.rules.accepted:
            raise errors.wrong_type(kind)
        answers.ensure_no_login(self.asked, self.found, self.head)
        if kind in MEDIA:
            self.visit.patience.extend(self.visit.rules.total_media_seconds)
        else:
            self.limit = self.visit.rules.max_page_bytes
        self._ensure_size(max(self.size, self._total() or 0), packed=self.size > (self._total() or self.size))

    def _kind(self) -> str:
        return sniffing.sniffed(self.head[: sniffing.HEAD], self._said(), self._name())

    def _ensure_size(self, size: int, *, packed: bool) -> None:
        if size > self.limit:
            raise errors.too_large(self.limit, packed=packed)

    def _described(self, path: Path, digest: str) -> Fetched:
        media_type = sniffing.media_type_of(path, self._said(), self._name())
        if media_type not in self.visit.rules.accepted:
            raise errors.wrong_type(media_type)
        version = _validators(self.response, Validators())
        text = media_type.startswith("text/") or media_type in FEEDS
        return Fetched(
            url=self.found.url,
            path=path,
            media_type=media_type,
            charset=charsets.charset_of(self.head, self._said()) if text else "",
            size=self.size,
            sha256=digest,
            etag=version.etag,
            last_modified=version.last_modified,
            headers={name: self.response.headers[name] for name in KEPT_HEADERS if name in self.response.headers},
            file_name=self._name(),
        )

    def _said(self) -> str:
        return str(self.response.headers.get("content-type", ""))

    def _encoding(self) -> str:
        return str(self.response.headers.get("content-encoding", ""))

    def _total(self) -> int | None:
        length = self.response.headers.get("content-length", "")
        return int(length) if length.isascii() and length.isdigit() else None

    def _name(self) -> str:
        """What the server calls the file, else the end of the address; a name and no path."""
        header = Message()
        header["Content-Disposition"] = self.response.headers.get("content-disposition", "")
        name = header.get_filename() or unquote(urlsplit(self.found.url).path)
        name = PurePosixPath(name.replace("\\", "/")).name
        return "".join(letter for letter in name if letter.isprintable())[-150:]


def _validators(response: httpx.Response, known: Validators) -> Validators:
    """Those of the answer; one that says nothing has changed may leave them out."""
    headers = response.headers
    return Validators(headers.get("etag", known.etag)[:500], headers.get("last-modified", known.last_modified)[:100])
