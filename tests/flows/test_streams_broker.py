"""Live streams while the broker is slow, away or frozen; a broker of the test's own, which nobody starts again."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise

import pytest
import pytest_asyncio

from bench.streams_client import faults
from bench.streams_site import Site, free_port
from tests.flows.streams_parts import (
    AT_ONCE,
    LATE,
    WHOLE,
    Live,
    Sender,
    Server,
    beside,
    delays,
    promptly,
    until_each,
)

pytestmark = pytest.mark.flow
RATE = 20  # events a second


@pytest.fixture(scope="module")
def ground() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture(scope="module")
def parts(ground: Site) -> Iterator[Live]:
    with beside(ground) as live:
        yield live


@pytest_asyncio.fixture
async def site(parts: Live) -> AsyncIterator[Live]:
    yield parts
    parts.close()


@contextlib.asynccontextmanager
async def far_broker(site: Live, seconds: float) -> AsyncIterator[str]:
    """The URL of the same broker, where each connection takes a while."""
    port = int(site.environment["REDIS_URL"].rpartition(":")[2].partition("/")[0])
    both: set[asyncio.Task[None]] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError), contextlib.closing(writer):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        there, back = await asyncio.open_connection("127.0.0.1", port)
        both.update({asyncio.create_task(pass_on(reader, back)), asyncio.create_task(pass_on(there, writer))})

    near = free_port()
    server = await asyncio.start_server(serve, "127.0.0.1", near)
    async with server:
        yield f"redis://127.0.0.1:{near}/0"
    for task in both:
        task.cancel()
    await asyncio.gather(*both, return_exceptions=True)


@pytest.mark.parametrize("variant", ["ours-by-pokes", "stock"])
async def test_the_first_stream_of_a_process_misses_nothing(site: Live, variant: str) -> None:
    """The web process is new and its broker far; events are committed as soon as the answer has begun."""
    task = site.task()
    async with far_broker(site, 0.7) as url:
        with site.served(variant, {"REDIS_URL": url}, wait=False) as web:
            place = "" if variant == "stock" else f"task-{task}:2"  # stock would find them by it, if it is slow
            reader = await site.read(f"tasks/{task}/stream", place, web.url)
            await site.send("send", tasks=[task], count=8)
            if variant == "stock":
                await asyncio.sleep(1.5)
                assert not reader.numbers()
            else:
                await until_each([reader], 10)
                assert reader.numbers() == list(range(3, 11))


@pytest.mark.parametrize("seconds", [3, pytest.param(15, marks=pytest.mark.slow)])
async def test_an_outage_of_the_broker_costs_no_event(site: Live, ground: Site, seconds: int) -> None:
    with site.served("ours") as second, site.served("stock") as stock:
        task = site.task()
        path = f"tasks/{task}/stream"
        readers = [await site.read(path, url=url) for url in (site.url, second.url)]
        theirs = await site.read(path, url=stock.url)
        await until_each(readers, 2)
        sending = asyncio.create_task(site.send("send", tasks=[task], count=RATE * (seconds + 4), rate=RATE))
        await asyncio.sleep(0.5)
        ground.stop_broker()
        await asyncio.sleep(seconds / 2)
        readers.append(await site.read(path, f"task-{task}:2"))  # opened while it is away
        await asyncio.sleep(seconds / 2)
        ground.start_broker()
        back = time.monotonic()
        sent = await sending
        last = sent[-1][1]
        await until_each(readers, last)
        newest = [reader.numbers() for reader in readers]
        assert newest == [list(range(2, last + 1))] * 2 + [list(range(3, last + 1))]
        assert max(delays(readers[:2], sent).values()) < LATE
        first = min(arrival for reader in readers for _, arrival in reader.events() if arrival > back)
        assert first - back < LATE
        assert await promptly(site, task, readers) < AT_ONCE, "it is not heard again"
        assert faults(theirs.numbers(), range(3, last + 1)) != WHOLE
        if seconds > 5:
            await deaf(site, path, stock)


async def deaf(site: Live, path: str, stock: Server) -> None:
    """The stock process hears the broker no more, whoever opens a stream there."""
    task = path.split("/")[1]
    late = await site.read(path, url=stock.url)
    await site.send("send", tasks=[task], count=3)
    await asyncio.sleep(1)
    assert not late.numbers()


async def test_a_frozen_broker_holds_up_nobody(site: Live, ground: Site) -> None:
    """Neither who changes a task nor who watches it; `send_event` without time limits waits until it thaws."""
    task = site.task()
    reader = await site.read(f"tasks/{task}/stream")
    await until_each([reader], 2)
    other = Sender(site.environment)
    (theirs,) = other("tasks", project=other("project", owner="bench"), count=1)
    try:
        with frozen(ground):
            sending = asyncio.create_task(site.send("send", tasks=[task], count=RATE * 6, rate=RATE))
            waiting = asyncio.create_task(asyncio.to_thread(other, "send_without_limits", task=theirs))
            await asyncio.sleep(4)
            assert not waiting.done()
        assert await waiting > 2.5
    finally:
        other.close()
    sent = await sending
    await until_each([reader], sent[-1][1])
    assert reader.numbers() == list(range(2, sent[-1][1] + 1))
    calls = [called for _, _, called, _ in sent]
    assert max(later - earlier for earlier, later in pairwise(calls)) < 2.5, "it waited until the broker thawed"
    assert max(delays([reader], sent).values()) < LATE
    assert await promptly(site, task, [reader]) < AT_ONCE, "it is not heard again"


@contextlib.contextmanager
def frozen(ground: Site) -> Iterator[None]:
    assert ground.broker
    ground.broker.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        ground.broker.send_signal(signal.SIGCONT)
