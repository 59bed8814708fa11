"""How a hub and its viewers merge the table and the pokes, without a database or a broker."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator

import pytest

from tasks_app.streams.callers import Caller
from tasks_app.streams.frames import (
    KEEP_ALIVE,
    Frame,
    MalformedId,
    event_frame,
    frame,
    parse_positions,
    parse_uuid,
    retry_field,
)
from tasks_app.streams.hub import Full, Hub
from tasks_app.streams.lifespan import on_exit
from tasks_app.streams.table import Batch
from tasks_app.streams.viewer import LIMIT, AllProjectsViewer, TaskViewer, Viewer
from tests.tasks_app.streams_harness import PATIENCE

TASK = "task-0192d3a4-0000-7000-8000-000000000001"
PROJECT = "project-0192d3a4-0000-7000-8000-000000000002"
CALLER = Caller(1, staff=False)


def event(number: int, kind: str = "progress", channel: str = TASK) -> Frame:
    return event_frame(channel, number, kind, {"seq": number})


def numbers(parts: Iterator[bytes]) -> list[int]:
    return [json.loads(part.partition(b"data: ")[2])["seq"] for part in parts]


def viewer(after: int | None = 0) -> Viewer:
    made = TaskViewer(CALLER, {TASK: after})
    made.stale = False
    return made


def test_the_queue_is_merged_by_number() -> None:
    reader = viewer()
    list(reader.read({TASK: Batch([event(1), event(2)], 2)}))
    for number in (1, 2, 2, 3, 4, 3):
        reader.offer(event(number))
    assert numbers(reader.waiting()) == [3, 4]
    assert not reader.stale


def test_a_gap_leads_to_the_table() -> None:
    reader = viewer()
    for number in (1, 2, 4, 5):
        reader.offer(event(number))
    assert numbers(reader.waiting()) == [1, 2]
    assert reader.stale
    assert not list(reader.waiting())


def test_an_overflow_leads_to_the_table_and_keeps_memory_bounded() -> None:
    reader = viewer()
    for number in range(1, LIMIT * 3):
        reader.offer(event(number))
        assert len(reader._queue) <= LIMIT
    assert reader.stale


def test_nothing_follows_the_terminal_event() -> None:
    reader = viewer()
    for number, kind in ((1, "progress"), (2, "completed"), (3, "progress")):
        reader.offer(event(number, kind))
    assert numbers(reader.waiting()) == [1, 2]
    assert reader.ended
    reader = viewer()
    assert numbers(reader.read({TASK: Batch([event(1, "failed"), event(2)], 2)})) == [1]


async def test_a_reminder_while_it_sends_is_not_forgotten() -> None:
    reader = viewer()
    reader._remind(60)
    await asyncio.wait_for(reader.wait(), PATIENCE)
    assert list(reader.waiting()) == [KEEP_ALIVE]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.wait(), 0.05)
    reader.end()


def test_a_frame_is_encoded_once_for_all_readers() -> None:
    hub, readers = Hub(None), [viewer(), viewer()]
    for reader in readers:
        hub.admit(reader)
    hub.has_read(TASK, 0)
    hub._poke(TASK, 1, "progress", '{"seq": 1}')
    first, second = (next(reader.waiting()) for reader in readers)
    assert first is second


@pytest.mark.parametrize("read", [(7, 5), (5, 7)])
def test_the_slowest_reader_of_the_table_decides_what_the_hub_owes(read: tuple[int, int]) -> None:
    """One read to 7, the other to 5 while 6 and 7 were announced to nobody: they are owed, not taken as known."""
    hub = Hub(None)
    for reader in (viewer(), viewer()):
        hub.admit(reader)
    for number in read:
        hub.has_read(TASK, number)
    assert hub.channels[TASK].latest == 5


def test_what_is_announced_before_the_first_reading_is_kept() -> None:
    hub, reader = Hub(None), viewer()
    hub.admit(reader)
    hub._poke(TASK, 3, "progress", '{"seq": 3}')
    list(reader.read({TASK: Batch([event(1), event(2)], 2)}))
    assert numbers(reader.waiting()) == [3]


def test_a_gap_at_the_hub_asks_for_the_table() -> None:
    hub, reader = Hub(None), viewer()
    hub.admit(reader)
    hub.has_read(TASK, 1)
    hub._poke(TASK, 3, "progress", '{"seq": 3}')
    assert hub._look_now.is_set()
    assert hub.channels[TASK].latest == 1
    hub._fill(TASK, Batch([event(2), event(3)], 3))
    reader.positions[TASK] = 1
    assert numbers(reader.waiting()) == [2, 3]


@pytest.mark.parametrize("found", [Batch([event(1)], 1, more=True), None], ids=["too much", "not kept"])
def test_what_the_hub_cannot_fill_is_read_by_each_for_itself(found: Batch | None) -> None:
    hub, reader = Hub(None), viewer()
    hub.admit(reader)
    hub.has_read(TASK, 0)
    hub._fill(TASK, found)
    assert reader.stale
    assert hub.channels[TASK].latest is None


def test_a_hub_counts_users_and_all() -> None:
    hub = Hub(None, per_user=1, per_process=2)
    first = viewer()
    hub.admit(first)
    with pytest.raises(Full):
        hub.admit(viewer())
    hub.admit(Viewer(Caller(2, staff=False), {PROJECT: 0}))
    assert hub.full
    hub.leave(first)
    hub.leave(first)
    assert not hub.full
    hub.admit(viewer())


def test_who_is_admitted_while_the_process_ends_is_ended() -> None:
    hub, reader = Hub(None), viewer()
    hub.close()
    hub.admit(reader)
    assert reader.ended


def test_ids_of_all_projects_name_each_place() -> None:
    other = PROJECT.replace("2", "3")
    reader = AllProjectsViewer(CALLER, {PROJECT: None, other: 4})
    (part,) = reader.read({PROJECT: Batch([event(1, channel=PROJECT)], 1)})
    identifier = part.decode().splitlines()[0].removeprefix("id: ")
    assert parse_positions(identifier) == {PROJECT: 1, other: 4}


@pytest.mark.parametrize(
    "text", ["", "x:1", f"{TASK}", f"{TASK}:1:2", f"{TASK}:٣", f"{TASK}:1,{TASK}:2", f"{TASK}:1\n{TASK}:2"]
)
def test_other_ids_are_malformed(text: str) -> None:
    with pytest.raises(MalformedId):
        parse_positions(text)


def test_only_the_usual_form_of_a_uuid_is_read() -> None:
    assert parse_uuid(TASK.upper().removeprefix("TASK-")) == parse_uuid(TASK.removeprefix("task-"))
    assert parse_uuid("{" + TASK.removeprefix("task-") + "}") is None


def test_readers_are_told_to_come_back_at_different_times() -> None:
    assert len({retry_field() for _ in range(50)}) > 25


def test_line_breaks_do_not_break_a_frame() -> None:
    made = frame(TASK, 1, "progress", '{"a":\r\n "b\\nc"}')
    assert made.whole.count(b"\n") == 4
    assert json.loads(made.body.partition(b"data: ")[2]) == {"a": "b\nc"}


async def test_a_signal_is_told_before_the_server_acts_on_it() -> None:
    told, server = asyncio.Event(), asyncio.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: server.set())
    try:
        with on_exit(told.set):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(told.wait(), PATIENCE)
        assert server.is_set()
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)
