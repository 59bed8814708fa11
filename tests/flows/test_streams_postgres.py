"""Live streams on PostgreSQL: what they take of it, and what they do when it is not to be had for a moment."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
import pytest_asyncio

from bench.streams_client import Stream, begin
from bench.streams_site import Site
from tests.flows.streams_parts import WHOLE, Live, Sender, beside, flaps, sum_of, until, until_each
from tests.postgres import Server

pytestmark = pytest.mark.flow
COUNT = 150
LAST = 3 * (2 + 60)  # events of a project through three restarts


@pytest.fixture(scope="module")
def parts(postgres: Server) -> Iterator[Live]:
    with Site(postgres.new_database("streams")) as site, beside(site) as live:
        yield live


@pytest_asyncio.fixture
async def site(parts: Live) -> AsyncIterator[Live]:
    yield parts
    parts.close()


@pytest.fixture(scope="module")
def admin(postgres: Server) -> Iterator[psycopg.Connection[tuple[int]]]:
    with psycopg.connect(postgres.admin_url, autocommit=True) as connection:
        yield connection


def connections(admin: psycopg.Connection[tuple[int]]) -> set[int]:
    rows = admin.execute("SELECT pid FROM pg_stat_activity WHERE datname = 'streams'").fetchall()
    return {pid for (pid,) in rows}


async def open_many(site: Live, url: str, tasks: list[str], seconds: float) -> int:
    """Opens a stream for each task; how many are open."""

    async def one(task: str) -> Stream | None:
        with contextlib.suppress(TimeoutError):
            return await begin(url, f"tasks/{task}/stream", site.key, seconds=seconds)
        return None

    opened = [stream for stream in await asyncio.gather(*map(one, tasks)) if stream]
    site.streams.extend(opened)
    return sum(stream.status == 200 and not stream.ended.is_set() for stream in opened)


async def test_many_streams_leave_the_database_to_others(site: Live, admin: psycopg.Connection[tuple[int]]) -> None:
    tasks = site.sender("tasks", project=site.project(), count=COUNT)
    before = len(connections(admin))
    assert await open_many(site, site.url, tasks, 60) == COUNT
    assert len(connections(admin)) - before <= 5
    headers = {"Authorization": f"Bearer {site.key}"}
    async with httpx.AsyncClient(base_url=f"{site.url}/api/v1", headers=headers, timeout=30) as client:
        assert (await client.get("/projects")).status_code == 200
    site.close()
    with site.served("stock") as stock:
        assert await open_many(site, stock.url, tasks, 5) < COUNT
        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            psycopg.connect(site.environment["DATABASE_URL"])


async def break_off(site: Live, admin: psycopg.Connection[tuple[int]]) -> int:
    """Ends all connections but the sender's, as a restart or a failover does; how many there were."""
    ours = connections(admin) - {await site.send("backend")}
    for pid in ours:
        admin.execute("SELECT pg_terminate_backend(%s)", [pid])
    await until(lambda: not connections(admin) & ours)
    return len(ours)


async def test_connections_that_break_off_cost_a_viewer_nothing(
    site: Live, admin: psycopg.Connection[tuple[int]]
) -> None:
    project = site.project()
    task = site.task(project)
    of_task, of_project = (
        (f"tasks/{task}/stream", f"task-{task}:1"),
        (f"projects/{project}/stream", f"project-{project}:2"),
    )
    steady = [await site.read(*each) for each in (of_task, of_project)]
    await site.send("send", tasks=[task], count=1)
    await until_each(steady, 3)
    for last in (13, 23, 33):
        assert await break_off(site, admin)
        late = [await site.read(f"tasks/{task}/stream", f"task-{task}:2") for _ in range(5)]
        await site.send("send", tasks=[task], count=10)
        await until_each([*steady, *late], last)
        assert not any(stream.ended.is_set() for stream in [*steady, *late])
        assert [stream.numbers() for stream in late] == [list(range(3, last + 1))] * 5
    assert [stream.numbers() for stream in steady] == [list(range(2, 34)), list(range(3, 34))]


@contextlib.contextmanager
def closed(admin: psycopg.Connection[tuple[int]]) -> Iterator[None]:
    """Nobody gets a new connection; who has one keeps it."""
    admin.execute("ALTER DATABASE streams ALLOW_CONNECTIONS false")
    try:
        yield
    finally:
        admin.execute("ALTER DATABASE streams ALLOW_CONNECTIONS true")


async def test_a_reader_waits_for_a_database_that_is_away_for_a_moment(
    site: Live, admin: psycopg.Connection[tuple[int]]
) -> None:
    task = site.task()
    with closed(admin):
        await break_off(site, admin)
        opening = asyncio.create_task(site.read(f"tasks/{task}/stream"))
        await asyncio.sleep(0.2)
    stream = await opening
    await until_each([stream], 2)
    assert not stream.ended.is_set()


async def test_a_database_that_is_away_for_longer_sends_readers_away_to_come_back(
    site: Live, admin: psycopg.Connection[tuple[int]]
) -> None:
    """Who needs nothing of the database stays; who does is neither told an error nor kept waiting."""
    task = site.task()
    path = f"tasks/{task}/stream"
    steady = await site.read(path)
    await until_each([steady], 2)
    with closed(admin):
        await break_off(site, admin)
        late = await site.read(path, f"task-{task}:2")
        await site.send("send", tasks=[task], count=20, rate=10)
        await until(late.ended.is_set)
        await until_each([steady], 22)
    assert (late.status, late.numbers()) == (200, [])
    assert b"\nretry: " in late.body
    assert b"event: error" not in late.body
    again = await site.read(path, f"task-{task}:2")
    await site.send("send", tasks=[task], count=1)
    await until_each([steady, again], 23)
    assert (steady.numbers(), again.numbers()) == (list(range(2, 24)), list(range(3, 24)))


@pytest.mark.slow
async def test_a_database_that_is_restarted_costs_no_event() -> None:
    """Every reader comes back by itself, also those who had to be sent away meanwhile."""
    with own_server() as server, Site(server.new_database("streams")) as ground, beside(ground) as site:
        project = site.project()
        path, place = f"projects/{project}/stream", f"project-{project}:0"
        going = asyncio.Event()
        going.set()
        flapping = asyncio.create_task(flaps(site, [site.url] * 8, path, place, going, last=LAST))
        steady = [asyncio.create_task(follow(site, path, place, going)) for _ in range(4)]
        for _ in range(3):
            await asyncio.to_thread(server.halt)
            await asyncio.sleep(2)
            await asyncio.to_thread(server.resume)
            with worker(site) as sender:
                (task,) = await asyncio.to_thread(sender, "tasks", project=project, count=1)
                await asyncio.to_thread(sender, "send", tasks=[task], count=60, rate=40)
        going.clear()
        found = [*await flapping, *await asyncio.gather(*steady)]
    assert sum_of(found, 1, LAST) == WHOLE


async def follow(site: Live, path: str, last_id: str, going: asyncio.Event) -> list[int]:
    """A reader that comes back when it is sent away, and stays for a while when `going` is cleared."""
    numbers: list[int] = []
    patience = 3.0
    while patience > 0:
        stream = await site.read(path, last_id)
        while not stream.ended.is_set() and patience > 0:
            await asyncio.sleep(0.1)
            patience -= 0 if going.is_set() else 0.1
        numbers += stream.numbers()
        last_id = stream.last_id or last_id
        stream.close()
    return numbers


@contextlib.contextmanager
def worker(site: Live) -> Iterator[Sender]:
    """Workers lose their connection when the database goes."""
    sender = Sender(site.environment)
    try:
        yield sender
    finally:
        sender.close()


@contextlib.contextmanager
def own_server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="memstack-pg-"))
    server = Server(folder / "data")
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
