"""What the tests of streams over real processes share: servers, a sender that stands for a worker, readers, waiting."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from bench.streams_client import Faults, Stream, begin, faults
from bench.streams_site import Helper, Site, Web, end, start

PATIENCE = 30.0
LATE = 5.0  # seconds without a broker, of a busy machine
AT_ONCE = 0.5  # seconds; by the look at the table each second alone it would be more
WHOLE = Faults()
Sent = list[tuple[str, int, float, float]]


class Sender(Helper):
    """A process of `tests.flows.streams_worker`; call it from the main thread for the first time."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = start([sys.executable, "-m", "tests.flows.streams_worker"], environment, **pipes)


class Server(Web):
    """A web process of `tests.flows.streams_server`, of which nobody has opened a stream when it is made.

    `wait`: until it answers; requests are accepted before.
    """

    def __init__(self, variant: str, environment: Mapping[str, str], *, wait: bool = True) -> None:
        self.variant = variant
        with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
            self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            command = [sys.executable, "-m", "tests.flows.streams_server", variant, str(listening.fileno())]
            with (Path(environment["MEMSTACK_DATA_DIR"]) / "bench.log").open("a") as log:
                self.process = start(command, environment, pass_fds=[listening.fileno()], stderr=log)
        if wait:
            httpx.get(f"{self.url}/healthz", timeout=60)

    def close(self) -> None:
        """Stock would wait for its streams, as long as it may."""
        end(self.process, signal.SIGKILL if "stock" in self.variant else signal.SIGTERM)


@dataclass
class Live:
    """A web process of ours at `url`, a key for it and a sender; `streams` are those that are open."""

    environment: Mapping[str, str]
    url: str
    key: str
    sender: Helper
    streams: list[Stream] = field(default_factory=list)

    def project(self) -> str:
        return str(self.sender("project", owner="bench"))

    def task(self, project: str = "") -> str:
        (made,) = self.sender("tasks", project=project or self.project(), count=1)
        return str(made)

    async def read(self, path: str, last_id: str = "", url: str = "", key: str = "", buffer: int = 0) -> Stream:
        stream = await begin(url or self.url, path, key or self.key, last_id, buffer=buffer)
        self.streams.append(stream)
        return stream

    async def read_with(self, path: str, url: str = "", **headers: str) -> Stream:
        """With other headers than a key; an underscore in a name stands for a hyphen."""
        where = urlsplit(url or self.url)
        lines = [f"GET /api/v1/{path} HTTP/1.1", f"Host: {where.netloc}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        request = "\r\n".join([*lines, "", ""]).encode()
        loop = asyncio.get_running_loop()
        _, stream = await loop.create_connection(lambda: Stream(request), "127.0.0.1", where.port or 80)
        self.streams.append(stream)
        async with asyncio.timeout(PATIENCE):
            await stream.begun.wait()
        return stream

    async def send(self, name: str, **arguments: Any) -> Any:
        """A command to the sender; the readers go on meanwhile."""
        return await asyncio.to_thread(self.sender, name, **arguments)

    @contextlib.contextmanager
    def served(self, variant: str, settings: Mapping[str, str] | None = None, *, wait: bool = True) -> Iterator[Server]:
        """Another web process for a while."""
        server = Server(variant, {**self.environment, **(settings or {})}, wait=wait)
        try:
            yield server
        finally:
            server.close()

    def close(self) -> None:
        while self.streams:
            self.streams.pop().close()


@contextlib.contextmanager
def beside(site: Site) -> Iterator[Live]:
    """A web process and a sender of ours on what the measurements run on."""
    web, sender = Server("ours", site.environment), Sender(site.environment)
    try:
        yield Live(site.environment, web.url, site.key, sender)
    finally:
        sender.close()
        web.close()


async def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> float:
    """Waits until something is so; how long that took."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)
    return time.monotonic() - began


async def until_each(streams: list[Stream], last: int, seconds: float = PATIENCE) -> float:
    return await until(lambda: all(last in stream.numbers()[-3:] for stream in streams), seconds)


async def promptly(site: Live, task: str, streams: list[Stream]) -> float:
    """Sends five events, each when all have the one before: the shortest time from a commit to the last reader.

    By the look at the table alone each would take about a second, for the one before came with such a look.
    """
    sent: Sent = []
    for _ in range(5):
        sent += await site.send("send", tasks=[task], count=1)
        await until_each(streams, sent[-1][1])
    return min(delays(streams, sent).values())


async def flap(site: Live, url: str, path: str, last_id: str, going: asyncio.Event, *, last: int) -> list[int]:
    """A reader that leaves and comes back until `going` is cleared, and reads to the last event then."""
    numbers: list[int] = []
    while going.is_set():
        stream = await site.read(path, last_id, url)
        await asyncio.sleep(random.uniform(0.1, 0.4))  # noqa: S311 - no secret
        stream.close()
        numbers += stream.numbers()
        last_id = stream.last_id or last_id
    stream = await site.read(path, last_id, url)
    with contextlib.suppress(TimeoutError):
        await until(lambda: last in numbers + stream.numbers(), PATIENCE)
    await asyncio.sleep(0.5)  # for what comes twice
    stream.close()
    return numbers + stream.numbers()


async def flaps(
    site: Live, urls: list[str], path: str, last_id: str, going: asyncio.Event, *, last: int
) -> list[list[int]]:
    return await asyncio.gather(*(flap(site, url, path, last_id, going, last=last) for url in urls))


def sum_of(found: list[list[int]], first: int, last: int) -> Faults:
    return sum((faults(numbers, range(first, last + 1)) for numbers in found), Faults())


def delays(readers: list[Stream], sent: Sent) -> dict[int, float]:
    """How long each event was on its way from its commit to the last of the readers."""
    arrivals = [dict(reader.events()) for reader in readers]
    return {number: max(came[number] for came in arrivals) - committed for _, number, _, committed in sent}


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
