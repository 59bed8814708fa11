"""Streams with a real broker: it makes them fast, and nothing is lost or late by more than a moment without it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from functools import partial
from typing import Any

import pytest
import redis

from memories.models import Project
from tasks_app import events
from tasks_app.events import project_channel, task_channel
from tasks_app.models import TaskLog
from tasks_app.streams import viewer
from tasks_app.streams.hub import EVENTS_CHANNEL, Pace
from tests.tasks_app.streams_harness import PATIENCE, Broker, Reader, World, broker, ends_with, orm, world

__all__ = ["broker", "world"]
pytestmark = pytest.mark.django_db(transaction=True)
RARELY = Pace(sweep=300.0, recheck=300.0)  # so that only the broker can have told


async def opened(reader: Reader) -> Reader:
    await reader.until(lambda: len(reader.blocks()) >= 2)
    return reader


async def poke(broker: Broker, channel: str, number: Any, data: Any = None) -> None:
    message = {"channel": channel, "event_type": "progress", "data": json.dumps(data or {}), "pub_id": number}

    def publish() -> None:
        with redis.Redis(**broker.settings) as client:
            client.publish(EVENTS_CHANNEL, json.dumps(message))

    await asyncio.to_thread(publish)


async def test_a_poke_brings_an_event_at_once(world: World, broker: Broker) -> None:
    world.serve(broker.settings, pace=RARELY)
    task = await world.running()
    readers = [
        await opened(world.read_task(task)),
        await opened(world.read_project()),
        await opened(world.read("stream")),
    ]
    began = time.monotonic()
    await world.advance(task)
    for reader in readers:
        await reader.until(partial(ends_with, reader, [3]))
    assert time.monotonic() - began < PATIENCE
    assert readers[0].events()[-1] == ("progress", f"task-{task.pk}:3", readers[1].events()[-1][2])


async def test_an_event_right_after_the_first_opening_is_not_late(world: World, broker: Broker) -> None:
    world.serve(broker.settings, pace=RARELY)
    task = await world.running()
    reader = world.read_task(task)
    await reader.until(lambda: reader.status == 200)
    await world.advance(task)
    await reader.until(lambda: reader.numbers()[-1:] == [3])


async def test_the_first_event_of_a_new_project_is_not_late(world: World, broker: Broker) -> None:
    """Who watches all of theirs joins it at once, not when rights are looked up again."""
    world.serve(broker.settings, pace=RARELY)
    reader = await opened(world.read("stream"))
    second = await orm(Project.objects.create, name="Second")
    await orm(world.join, "alice", second)
    await world.task(second)
    await reader.until(lambda: len(reader.events()) == 1)


async def test_a_stream_opens_when_the_broker_has_acknowledged(world: World, broker: Broker) -> None:
    """Or what happens right after the opening would wait for the next look at the table."""
    world.serve(broker.settings, pace=Pace(subscribe=5.0))
    task = await world.running()
    assert broker.process
    os.kill(broker.process.pid, signal.SIGSTOP)
    try:
        reader = world.read_task(task)
        await asyncio.sleep(0.4)
        assert reader.status == 0
    finally:
        os.kill(broker.process.pid, signal.SIGCONT)
    await reader.next()


async def test_a_connection_that_went_silent_is_replaced(
    world: World, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a firewall forgets it: nothing says that it is dead."""
    monkeypatch.setattr("tasks_app.streams.hub.SILENCE", 0.3)
    async with Swallowing(broker) as between:
        world.serve({**broker.settings, "unix_socket_path": str(between.socket)}, pace=RARELY)
        task = await world.running()
        reader = await opened(world.read_task(task))
        between.swallows = True
        await asyncio.wait_for(between.second.wait(), PATIENCE)
        await asyncio.sleep(0.2)
        await world.advance(task)
        await reader.until(lambda: reader.numbers()[-1:] == [3])


class Swallowing:
    """Stands before a broker. What comes over its first connection is lost from when it `swallows`."""

    def __init__(self, broker: Broker) -> None:
        self.socket = broker.folder / "between"
        self.swallows = False
        self.second = asyncio.Event()
        self._broker = broker
        self._count = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Swallowing:
        self._server = await asyncio.start_unix_server(self._serve, self.socket)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._count += 1
        there, back = await asyncio.open_unix_connection(self._broker.socket)
        pairs = ((reader, back), (there, writer))
        self._tasks += [asyncio.create_task(self._pass_on(*pair, first=self._count == 1)) for pair in pairs]
        if self._count == 2:
            self.second.set()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bool) -> None:
        with contextlib.suppress(ConnectionError), contextlib.closing(writer):
            while data := await reader.read(65536):
                if not (first and self.swallows):
                    writer.write(data)


async def test_repeated_stale_and_malformed_pokes_have_no_effect(world: World, broker: Broker) -> None:
    world.serve(broker.settings)
    task = await world.running(advances=2)
    reader = await opened(world.read_task(task))
    for number in (None, "x", "4", "4", "2", "-3"):
        await poke(broker, task_channel(task.pk), number)
    await poke(broker, "task-nobody", "1")
    await orm(events.poke, [await orm(task.events.get, seq=4)] * 3)
    await reader.quiet()
    await world.advance(task)
    await reader.until(lambda: len(reader.events()) == 2)
    assert reader.numbers() == [4, 5]


async def test_a_lost_poke_is_found_in_the_table(world: World, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    world.serve(broker.settings)
    task = await world.running()
    reader = await opened(world.read_task(task))
    with monkeypatch.context() as patch:
        patch.setattr(events, "send_event", lambda *_, **__: None)
        task = await world.advance(task)
    await reader.until(lambda: reader.numbers()[-1:] == [3])


async def test_a_gap_between_pokes_is_filled_from_the_table(
    world: World, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.serve(broker.settings, pace=RARELY)
    task = await world.running()
    readers = [await opened(world.read_task(task)), await opened(world.read_project())]
    with monkeypatch.context() as patch:
        patch.setattr(events, "send_event", lambda *_, **__: None)
        task = await world.advance(task, 3)
    await world.advance(task)
    for reader in readers:
        await reader.until(partial(ends_with, reader, [3, 4, 5, 6]))


async def test_pokes_out_of_order_arrive_in_order(
    world: World, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.serve(broker.settings, pace=RARELY)
    task = await world.running()
    reader = await opened(world.read_project())
    with monkeypatch.context() as patch:
        patch.setattr(events, "send_event", lambda *_, **__: None)
        task = await world.advance(task, 4)
    for event in reversed(await orm(lambda: list(task.events.filter(seq__gt=2)))):
        await poke(broker, project_channel(world.project.pk), str(event.project_seq), event.data)
    await reader.until(lambda: len(reader.events()) == 4)
    await reader.quiet()
    assert reader.numbers() == [3, 4, 5, 6]


async def test_a_burst_over_the_queue_comes_whole(
    world: World, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.serve(broker.settings)
    task = await world.running()
    reader = await opened(world.read_task(task))
    reader.gate.clear()
    monkeypatch.setattr(viewer, "LIMIT", 10)
    await world.advance(task, 60)
    reader.gate.set()
    await reader.until(lambda: len(reader.events()) == 61)
    assert reader.numbers() == list(range(2, 63))


async def test_streams_open_and_go_on_while_the_broker_is_down(world: World, broker: Broker) -> None:
    broker.stop()
    world.serve(broker.settings)
    task = await world.running()
    began = time.monotonic()
    reader = world.read_task(task)
    await reader.next()
    await world.advance(task)
    await reader.next()
    assert time.monotonic() - began < PATIENCE


async def test_a_broker_that_comes_back_is_heard_again(world: World, broker: Broker) -> None:
    application = world.serve(broker.settings)
    task = await world.running()
    reader = await opened(world.read_task(task))
    broker.stop()
    task = await world.advance(task, 2)
    await reader.until(lambda: reader.numbers()[-1:] == [4])
    await asyncio.to_thread(broker.start)
    await asyncio.to_thread(_wait_for_subscriber, broker)
    application.hub.pace = RARELY
    await asyncio.sleep(0.2)
    task = await world.advance(task, 2)
    await reader.until(lambda: reader.numbers()[-1:] == [6])
    assert reader.numbers() == [2, 3, 4, 5, 6]


async def test_what_happened_while_nobody_listened_comes_on_reconnection(world: World, broker: Broker) -> None:
    world.serve(broker.settings, pace=RARELY)
    task = await world.running()
    reader = await opened(world.read_task(task))
    broker.stop()
    await world.advance(task, 2)
    await asyncio.to_thread(broker.start)
    await reader.until(lambda: reader.numbers() == [2, 3, 4])


async def test_a_frozen_broker_stops_nothing(world: World, broker: Broker) -> None:
    world.serve(broker.settings)
    task = await world.running()
    reader = await opened(world.read_task(task))
    assert broker.process
    os.kill(broker.process.pid, signal.SIGSTOP)
    try:
        await world.advance(task, 2)
        await reader.until(lambda: reader.numbers()[-1:] == [4])
        late = world.read_task(task)
        await late.next()
    finally:
        os.kill(broker.process.pid, signal.SIGCONT)
    await reader.quiet()
    assert reader.numbers() == [2, 3, 4]


async def test_two_processes_hear_the_same(world: World, broker: Broker) -> None:
    applications = [world.serve(broker.settings, pace=RARELY) for _ in range(2)]
    task: TaskLog = await world.running()
    readers = [await opened(world.read_task(task, application=each)) for each in applications]
    await world.complete(await world.advance(task, 5))
    for reader in readers:
        await reader.end()
        assert reader.numbers() == list(range(2, 9))


def _wait_for_subscriber(broker: Broker) -> None:
    with redis.Redis(**broker.settings) as client:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if dict(client.pubsub_numsub(EVENTS_CHANNEL)).get(EVENTS_CHANNEL.encode()):
                return
            time.sleep(0.02)
    raise AssertionError("nobody listens")
