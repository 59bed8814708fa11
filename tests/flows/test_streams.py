"""Live streams of the real product while things go wrong: nothing is lost, repeated or out of order, and nobody waits.

Where it is cheap, django-eventstream's own view reads the same events at the same time and must fail: a test that it
passes would prove nothing.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from bench.streams_client import Faults, Stream, begin, faults
from bench.streams_site import Helper, Web
from tests.stack import Stack

pytestmark = pytest.mark.flow
PATIENCE = 10.0
WHOLE = Faults()


@dataclass
class Site:
    """A MemStack, a second web process of ours, one with the stock view, and a sender that stands for a worker."""

    stack: Stack
    second: Web
    stock: Web
    sender: Helper
    streams: list[Stream] = field(default_factory=list)

    def project(self) -> str:
        return self.stack.project("Streams")

    def task(self, project: str = "") -> str:
        (made,) = self.sender("tasks", project=project or self.project(), count=1)
        return str(made)

    async def read(self, path: str, last_id: str = "", url: str = "", key: str = "", buffer: int = 0) -> Stream:
        stream = await begin(url or self.stack.url, path, key or self.stack.key, last_id, buffer=buffer)
        self.streams.append(stream)
        return stream

    async def send(self, name: str, **arguments: Any) -> Any:
        """A command to the sender; the readers go on meanwhile."""
        return await asyncio.to_thread(self.sender, name, **arguments)


@pytest.fixture(scope="module")
def parts() -> Iterator[Site]:
    with Stack() as stack:
        webs = [Web(variant, stack.environment) for variant in ("ours", "stock")]
        sender = Helper("streams_sender", stack.environment)
        yield Site(stack, webs[0], webs[1], sender)
        sender.close()
        for web in webs:
            web.close()


@pytest_asyncio.fixture
async def site(parts: Site) -> AsyncIterator[Site]:
    """The same for all tests of the file, without the streams of the one before."""
    yield parts
    while parts.streams:
        parts.streams.pop().close()


async def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> float:
    """Waits until something is so; how long that took."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)
    return time.monotonic() - began


async def until_each(streams: list[Stream], last: int, seconds: float = PATIENCE) -> float:
    return await until(lambda: all(last in stream.numbers()[-3:] for stream in streams), seconds)


async def flap(site: Site, url: str, path: str, last_id: str, going: asyncio.Event) -> list[int]:
    """A reader that leaves and comes back until `going` is cleared, and reads to the end then."""
    numbers: list[int] = []
    while going.is_set():
        stream = await site.read(path, last_id, url)
        await asyncio.sleep(random.uniform(0.1, 0.4))  # noqa: S311 - no secret
        stream.close()
        numbers += stream.numbers()
        last_id = stream.last_id or last_id
    stream = await site.read(path, last_id, url)
    await asyncio.sleep(2)
    stream.close()
    return numbers + stream.numbers()


async def flaps(site: Site, urls: list[str], path: str, last_id: str, going: asyncio.Event) -> list[list[int]]:
    return await asyncio.gather(*(flap(site, url, path, last_id, going) for url in urls))


def sum_of(found: list[list[int]], first: int, last: int) -> Faults:
    return sum((faults(numbers, range(first, last + 1)) for numbers in found), Faults())


async def test_readers_who_keep_coming_back_have_each_event_once(site: Site) -> None:
    project = site.project()
    tasks = await site.send("tasks", project=project, count=4)
    first = await site.send("number", project=project) + 1
    going = asyncio.Event()
    going.set()
    place = f"project-{project}:{first - 1}"
    path = f"projects/{project}/stream"
    urls = [site.stack.url, site.second.url] * 10
    ours = asyncio.create_task(flaps(site, urls, path, place, going))
    stock = asyncio.create_task(flaps(site, [site.stock.url] * 6, path, place, going))
    await site.send("send", tasks=tasks, count=300, rate=100)
    going.clear()
    assert sum_of(await ours, first, first + 299) == WHOLE
    assert sum_of(await stock, first, first + 299) != WHOLE


async def test_four_senders_of_one_project_come_in_order(site: Site) -> None:
    project = site.project()
    senders = [Helper("streams_sender", site.stack.environment) for _ in range(4)]
    try:
        tasks = [await asyncio.to_thread(each, "tasks", project=project, count=1) for each in senders]
        first = await site.send("number", project=project) + 1
        path, place = f"projects/{project}/stream", f"project-{project}:{first - 1}"
        readers = [await site.read(path, place, url) for url in (site.stack.url, site.second.url)]
        sending = zip(senders, tasks, strict=True)
        await asyncio.gather(*(asyncio.to_thread(each, "send", tasks=made, count=60) for each, made in sending))
        await until_each(readers, first + 239)
    finally:
        for sender in senders:
            sender.close()
    assert [reader.numbers() for reader in readers] == [list(range(first, first + 240))] * 2


async def test_a_burst_to_a_stuck_reader_delays_nobody_and_comes_whole(site: Site) -> None:
    task = site.task()
    steady = await site.read(f"tasks/{task}/stream")
    stuck = await site.read(f"tasks/{task}/stream", buffer=4096)
    stock = await site.read(f"tasks/{task}/stream", url=site.stock.url)
    stuck.pause()
    last = await site.send("burst", tasks=[task], count=2000)
    assert await until_each([steady], last) < 3
    other = site.task()
    reader = await site.read(f"tasks/{other}/stream")
    await until_each([reader], 2)
    await site.send("send", tasks=[other], count=1)
    assert await until_each([reader], 3) < 0.5
    stuck.resume()
    await until_each([stuck], last)
    assert stuck.numbers() == steady.numbers() == list(range(2, last + 1))
    assert faults(stock.numbers(), range(3, last + 1)) != WHOLE


async def test_what_was_rolled_back_is_never_sent(site: Site) -> None:
    task = site.task()
    reader = await site.read(f"tasks/{task}/stream")
    await site.send("roll_back", task=task)
    await site.send("send", tasks=[task], count=1)
    await until_each([reader], 3)
    assert b'"never"' not in reader.body
    assert reader.numbers() == [2, 3]


async def test_the_end_of_a_task_ends_its_stream_and_204_stops_who_comes_back(site: Site) -> None:
    task = site.task()
    ours, stock = [await site.read(f"tasks/{task}/stream", url=web) for web in (site.stack.url, site.stock.url)]
    await site.send("finish", task=task)
    await until(ours.ended.is_set)
    again = await site.read(f"tasks/{task}/stream", ours.last_id)
    assert (ours.numbers(), again.status) == ([2, 3], 204)
    await until(lambda: stock.numbers() == [3])
    assert not stock.ended.is_set()


async def test_the_first_stream_of_a_process_misses_nothing(site: Site) -> None:
    """The web process is new, and the events are committed at once after the answer has begun."""
    web = Web("ours", site.stack.environment)
    try:
        task = site.task()
        reader = await site.read(f"tasks/{task}/stream", url=web.url)
        await site.send("send", tasks=[task], count=8)
        assert await until_each([reader], 10) < 0.5
        assert reader.numbers()[-8:] == list(range(3, 11))
    finally:
        web.close()


async def test_a_member_who_was_sent_away_reads_no_more(site: Site) -> None:
    project = site.project()
    key = site.stack.make_key("bob")
    site.stack.post(f"projects/{project}/members", {"username": "bob", "role": "viewer"})
    path = f"projects/{project}/stream"
    urls = (site.stack.url, site.second.url)
    bobs = [await site.read(path, url=url, key=key) for url in urls]
    alices = await site.read(path)
    assert await site.send("expel", username="bob", project=project) == 1
    assert await until(lambda: all(bob.ended.is_set() for bob in bobs), 15) < 15
    assert not alices.ended.is_set()
    again = await site.read(path, key=key)
    assert again.status == 404


async def test_a_stopped_web_process_ends_soon_and_its_readers_go_on_at_the_next(site: Site) -> None:
    task = site.task()
    readers = [await site.read(f"tasks/{task}/stream") for _ in range(20)]
    await until_each(readers, 2)
    sending = asyncio.create_task(site.send("send", tasks=[task], count=100, rate=50))
    await asyncio.sleep(0.5)
    began = time.monotonic()
    old = site.stack.send("web", signal.SIGTERM)
    await asyncio.to_thread(site.stack.wait_until_restarted, "web", old)
    await until(lambda: all(reader.ended.is_set() for reader in readers))
    assert gone(old)
    assert time.monotonic() - began < 5
    again = await asyncio.gather(*(site.read(f"tasks/{task}/stream", reader.last_id) for reader in readers))
    await sending
    await until_each(again, 102)
    whole = [before.numbers() + after.numbers() for before, after in zip(readers, again, strict=True)]
    assert whole == [list(range(2, 103))] * 20


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
async def test_a_broker_that_is_away_for_a_while_costs_no_event(site: Site, number: signal.Signals) -> None:
    task = site.task()
    readers = [await site.read(f"tasks/{task}/stream", url=url) for url in (site.stack.url, site.second.url)]
    await until_each(readers, 2)
    sending = asyncio.create_task(site.send("send", tasks=[task], count=120, rate=20))
    await asyncio.sleep(0.5)
    pid = site.stack.send("valkey", number)
    if number == signal.SIGSTOP:
        await asyncio.sleep(3)
        os.kill(pid, signal.SIGCONT)
    else:
        await asyncio.to_thread(site.stack.wait_until_restarted, "valkey", pid)
    seen = [len(reader.numbers()) for reader in readers]
    await until(lambda: all(len(reader.numbers()) > count for reader, count in zip(readers, seen, strict=True)), 1.5)
    sent = await sending
    assert await until_each(readers, 122) < 1.5
    assert [reader.numbers() for reader in readers] == [list(range(2, 123))] * 2
    late = delays(readers, {number: committed for _, number, _, committed in sent})
    assert max(late.values()) < 2.5
    assert max(late[number] for number in range(113, 123)) < 0.5, "it is not heard again"


def delays(readers: list[Stream], committed: dict[int, float]) -> dict[int, float]:
    """How long each event was on its way to the last of the readers."""
    arrivals = [dict(reader.events()) for reader in readers]
    return {number: max(came[number] for came in arrivals) - at for number, at in committed.items()}


async def test_who_has_left_costs_no_thread(site: Site) -> None:
    task = site.task()
    for _ in range(100):
        (await site.read(f"tasks/{task}/stream", url=site.second.url)).close()
    await until(lambda: site.second.status("Threads") <= 20)
