"""Live streams of the real product while things go wrong: nothing is lost, repeated or out of order, and nobody waits.

Where it is cheap, django-eventstream's own view reads the same events at the same time and must fail: a test that it
passes would prove nothing.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from bench.streams_client import faults
from bench.streams_site import Web
from tests.flows.streams_parts import (
    AT_ONCE,
    LATE,
    WHOLE,
    Live,
    Sender,
    delays,
    flaps,
    gone,
    promptly,
    sum_of,
    until,
    until_each,
)
from tests.stack import Stack

pytestmark = pytest.mark.flow
LONGEST = 20.0  # seconds until rights were looked up again, of a busy machine


@dataclass
class Site(Live):
    """A MemStack, a second web process of ours, and one with the stock view."""

    stack: Stack = field(kw_only=True)
    second: Web = field(kw_only=True)
    stock: Web = field(kw_only=True)

    def project(self) -> str:
        return self.stack.project("Streams")


@pytest.fixture(scope="module")
def parts() -> Iterator[Site]:
    with Stack() as stack:
        second, stock = (Web(variant, stack.environment) for variant in ("ours", "stock"))
        sender = Sender(stack.environment)
        yield Site(stack.environment, stack.url, stack.key, sender, stack=stack, second=second, stock=stock)
        sender.close()
        for web in (second, stock):
            web.close()


@pytest_asyncio.fixture
async def site(parts: Site) -> AsyncIterator[Site]:
    """The same for all tests of the file, without the streams of the one before."""
    yield parts
    parts.close()


async def test_readers_who_keep_coming_back_have_each_event_once(site: Site) -> None:
    project = site.project()
    tasks = await site.send("tasks", project=project, count=4)
    first = await site.send("number", project=project) + 1
    going = asyncio.Event()
    going.set()
    place = f"project-{project}:{first - 1}"
    path = f"projects/{project}/stream"
    urls = [site.stack.url, site.second.url] * 10
    ours = asyncio.create_task(flaps(site, urls, path, place, going, last=first + 299))
    stock = asyncio.create_task(flaps(site, [site.stock.url] * 6, path, place, going, last=first + 299))
    await site.send("send", tasks=tasks, count=300, rate=100)
    going.clear()
    assert sum_of(await ours, first, first + 299) == WHOLE
    assert sum_of(await stock, first, first + 299) != WHOLE


async def test_four_senders_of_one_project_come_in_order(site: Site) -> None:
    project = site.project()
    senders = [Sender(site.stack.environment) for _ in range(4)]
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


async def test_announcements_that_overtake_each_other_come_in_order(site: Site) -> None:
    project = site.project()
    task = site.task(project)
    readers = [await site.read(f"tasks/{task}/stream", url=url) for url in (site.stack.url, site.second.url)]
    whole = await site.read(f"projects/{project}/stream", f"project-{project}:2")
    stock = await site.read(f"tasks/{task}/stream", url=site.stock.url)
    await until_each(readers, 2)
    assert await site.send("backwards", task=task, count=9) == 11
    await until_each(readers, 11)
    assert [reader.numbers() for reader in readers] == [list(range(2, 12))] * 2
    await until_each([whole], 11)
    assert whole.numbers() == list(range(3, 12))
    await until_each([stock], 3)
    assert faults(stock.numbers(), range(3, 12)).disordered


async def test_a_burst_to_a_stuck_reader_delays_nobody_and_comes_whole(site: Site) -> None:
    task = site.task()
    steady = await site.read(f"tasks/{task}/stream")
    stuck = await site.read(f"tasks/{task}/stream", buffer=4096)
    await until_each([steady, stuck], 2)
    stuck.pause()
    last = await site.send("burst", tasks=[task], count=2000)
    await until_each([steady], last)
    other = site.task()
    reader = await site.read(f"tasks/{other}/stream")
    await until_each([reader], 2)
    assert await promptly(site, other, [reader]) < AT_ONCE
    stuck.resume()
    await until_each([stuck], last)
    assert stuck.numbers() == steady.numbers() == list(range(2, last + 1))


async def test_a_process_that_was_held_up_gives_a_burst_whole(site: Site) -> None:
    """It finds 2,000 announcements at once, many more than it has room for in a stream's queue."""
    task = site.task()
    ours, stock = [await site.read(f"tasks/{task}/stream", url=web.url) for web in (site.second, site.stock)]
    await until_each([ours], 2)
    held = [web.process for web in (site.second, site.stock)]
    for process in held:
        process.send_signal(signal.SIGSTOP)
    try:
        last = await site.send("burst", tasks=[task], count=2000)
    finally:
        for process in held:
            process.send_signal(signal.SIGCONT)
    await until_each([ours], last)
    assert ours.numbers() == list(range(2, last + 1))
    await asyncio.sleep(0.5)
    assert faults(stock.numbers(), range(3, last + 1)) != WHOLE


async def test_what_was_rolled_back_is_never_sent(site: Site) -> None:
    task, theirs = site.task(), site.task()
    readers = [await site.read(f"tasks/{task}/stream", url=url) for url in (site.stack.url, site.second.url)]
    stock = await site.read(f"tasks/{theirs}/stream", url=site.stock.url)
    await until_each(readers, 2)
    await site.send("roll_back", task=task)
    await site.send("send_and_roll_back", task=theirs)
    await site.send("send", tasks=[task], count=1)
    await until_each(readers, 3)
    assert not any(b'"never"' in reader.body for reader in readers)
    assert [reader.numbers() for reader in readers] == [[2, 3]] * 2
    await until(lambda: b'"never"' in stock.body)


async def test_the_end_of_a_task_ends_its_stream_and_204_stops_who_comes_back(site: Site) -> None:
    task = site.task()
    ours, stock = [await site.read(f"tasks/{task}/stream", url=web) for web in (site.stack.url, site.stock.url)]
    await until_each([ours], 2)
    await site.send("finish", task=task)
    await until(ours.ended.is_set)
    again = await site.read(f"tasks/{task}/stream", ours.last_id)
    assert (ours.numbers(), again.status) == ([2, 3], 204)
    await until(lambda: stock.numbers() == [3])
    assert not stock.ended.is_set()


async def test_a_process_that_is_told_to_end_closes_its_streams_properly(site: Site) -> None:
    """The last chunk tells a proxy and the reader that nothing was cut off; stock's are, when the patience is over."""
    task = site.task()
    with site.served("ours") as ours, site.served("stock") as stock:
        readers = [await site.read(f"tasks/{task}/stream", url=web.url) for web in (ours, stock)]
        await until_each(readers[:1], 2)
        assert not any(reader.ended.is_set() for reader in readers)
        for web in (ours, stock):
            web.process.terminate()
        await until(readers[0].ended.is_set)
        await until(lambda: ours.process.poll() is not None)
        await until(readers[1].ended.is_set)
    assert [reader.body.endswith(b"\r\n0\r\n\r\n") for reader in readers] == [True, False]


async def test_a_member_who_was_sent_away_reads_no_more(site: Site) -> None:
    project = site.project()
    key = site.stack.make_key("bob")
    site.stack.post(f"projects/{project}/members", {"username": "bob", "role": "viewer"})
    path = f"projects/{project}/stream"
    urls = (site.stack.url, site.second.url)
    bobs = [await site.read(path, url=url, key=key) for url in urls]
    alices = await site.read(path)
    assert await site.send("expel", username="bob", project=project) == 1
    assert await until(lambda: all(bob.ended.is_set() for bob in bobs)) < LONGEST
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
    assert time.monotonic() - began < 15
    again = await asyncio.gather(*(site.read(f"tasks/{task}/stream", reader.last_id) for reader in readers))
    await sending
    await until_each(again, 102)
    whole = [before.numbers() + after.numbers() for before, after in zip(readers, again, strict=True)]
    assert whole == [list(range(2, 103))] * 20


async def test_a_broker_that_was_killed_and_started_again_costs_no_event(site: Site) -> None:
    task = site.task()
    readers = [await site.read(f"tasks/{task}/stream", url=url) for url in (site.stack.url, site.second.url)]
    await until_each(readers, 2)
    sending = asyncio.create_task(site.send("send", tasks=[task], count=100, rate=20))
    await asyncio.sleep(0.5)
    pid = site.stack.send("valkey", signal.SIGKILL)
    await asyncio.to_thread(site.stack.wait_until_restarted, "valkey", pid)
    sent = await sending
    await until_each(readers, 102)
    assert [reader.numbers() for reader in readers] == [list(range(2, 103))] * 2
    assert max(delays(readers, sent).values()) < LATE
    assert await promptly(site, task, readers) < AT_ONCE, "it is not heard again"


async def test_who_has_left_costs_no_thread(site: Site) -> None:
    task = site.task()
    for _ in range(100):
        (await site.read(f"tasks/{task}/stream", url=site.second.url)).close()
    await until(lambda: site.second.status("Threads") <= 20)
