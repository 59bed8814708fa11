"""A reader of streams that costs next to nothing, so that what is measured is the server.

It keeps what came and when; only at the end is it taken apart.
"""

from __future__ import annotations

import asyncio
import re
import socket
import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from urllib.parse import urlsplit

EVENT = re.compile(rb"\nid: [^\n]*:(\d+)\n(?:event: [^\n]*\n)?data: ")
NUMBER = re.compile(rb'\ndata: [^\n]*"seq": (\d+)')
IDENTIFIER = re.compile(rb"(?:^|\n)id: ([^\n]+)\n")
NOT_CONNECTED = RuntimeError("not connected")


class Stream(asyncio.Protocol):
    """One request and its answer. Chunk headers stay in `parts`: servers begin and end chunks between events."""

    def __init__(self, request: bytes) -> None:
        self.parts: list[tuple[float, bytes]] = []
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()
        self.transport: asyncio.Transport | None = None
        self._request = request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(transport)
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self.parts.append((time.monotonic(), data))
        if not self.begun.is_set() and b"\n\n" in self.body:
            self.begun.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.begun.set()
        self.ended.set()

    @property
    def body(self) -> bytes:
        return b"".join(data for _, data in self.parts)

    @property
    def status(self) -> int:
        words = self.body[:64].split(b" ")
        return int(words[1]) if len(words) > 1 else 0

    @property
    def count(self) -> int:
        return sum(data.count(b"\ndata: ") for _, data in self.parts)

    @property
    def last_id(self) -> str:
        found = IDENTIFIER.findall(self.body)
        return found[-1].decode() if found else ""

    def events(self) -> list[tuple[int, float]]:
        """The number of each event and when it came. Where the server gives no ids, the number is the task's own."""
        ends, body = list(accumulate(len(data) for _, data in self.parts)), self.body
        form = EVENT if EVENT.search(body) else NUMBER
        return [(int(match[1]), self.parts[bisect_left(ends, match.end())][0]) for match in form.finditer(body)]

    def numbers(self) -> list[int]:
        return [number for number, _ in self.events()]

    def pause(self) -> None:
        """Stops reading, as a suspended laptop does."""
        if self.transport is None:
            raise NOT_CONNECTED
        self.transport.pause_reading()

    def resume(self) -> None:
        if self.transport is None:
            raise NOT_CONNECTED
        self.transport.resume_reading()

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()


async def connect(url: str, path: str, key: str, last_id: str = "", buffer: int = 0) -> Stream:
    """Sends the request and does not wait for its answer. `buffer`: bytes that wait in the kernel at most."""
    parts = urlsplit(url)
    lines = [f"GET /api/v1/{path} HTTP/1.1", f"Host: {parts.netloc}", f"Authorization: Bearer {key}"]
    lines += ["Connection: close", *([f"Last-Event-ID: {last_id}"] if last_id else []), "", ""]
    request = "\r\n".join(lines).encode()
    loop = asyncio.get_running_loop()
    connection = socket.socket()
    connection.setblocking(False)
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    try:
        await loop.sock_connect(connection, (parts.hostname or "127.0.0.1", parts.port or 80))
    except BaseException:
        connection.close()
        raise
    _, stream = await loop.create_connection(lambda: Stream(request), sock=connection)
    return stream


async def begin(url: str, path: str, key: str, last_id: str = "", *, seconds: float = 30, buffer: int = 0) -> Stream:
    """The same, and waits for the first of the answer's body or its end."""
    stream = await connect(url, path, key, last_id, buffer)
    async with asyncio.timeout(seconds):
        await stream.begun.wait()
    return stream


@dataclass(frozen=True, slots=True)
class Faults:
    """What a reader's events lack of the promise: each once, in order."""

    lost: int = 0
    repeated: int = 0
    disordered: int = 0

    def __add__(self, other: Faults) -> Faults:
        return Faults(self.lost + other.lost, self.repeated + other.repeated, self.disordered + other.disordered)

    def __str__(self) -> str:
        return f"{self.lost:,} / {self.repeated:,} / {self.disordered:,}"


def faults(numbers: Sequence[int], wanted: Iterable[int]) -> Faults:
    """Compares what came with the numbers that should have."""
    expected = set(wanted)
    came = [number for number in numbers if number in expected]
    distinct = set(came)
    return Faults(
        lost=len(expected - distinct),
        repeated=len(came) - len(distinct),
        disordered=sum(later < earlier for earlier, later in pairwise(came)),
    )
