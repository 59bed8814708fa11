"""Streams as a client sees them, from the table alone: no broker takes part here."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError

from memories import keys
from memories.models import ApiKey, Membership, Project
from tasks_app import transitions
from tasks_app.models import TaskEvent, TaskLog
from tasks_app.streams import callers, table, viewer
from tasks_app.streams.database import Database
from tasks_app.streams.hub import Pace
from tests.tasks_app.streams_harness import (
    FAST,
    World,
    assert_problem,
    ends_with,
    has_blocks,
    has_events,
    orm,
    world,
)

__all__ = ["world"]
pytestmark = pytest.mark.django_db(transaction=True)
NOBODY = "00000000-0000-7000-8000-000000000000"


# --- a task's stream


async def test_begins_with_the_newest_event_and_goes_on_from_there(world: World) -> None:
    task = await world.running(advances=3)
    reader = world.read_task(task)
    kind, identifier, data = await reader.next()
    assert (kind, identifier, data["seq"]) == ("progress", f"task-{task.pk}:5", 5)
    await world.advance(task, 2)
    assert [(await reader.next())[2]["seq"] for _ in range(2)] == [6, 7]
    assert reader.headers["content-type"] == "text/event-stream"
    assert reader.headers["cache-control"] == "no-cache, no-transform"
    assert reader.headers["x-accel-buffering"] == "no"
    assert 1000 <= int(reader.blocks()[0]["retry"]) <= 3000


async def test_comes_back_to_each_later_event_once(world: World) -> None:
    task = await world.running(advances=5)
    reader = world.read_task(task, last=3)
    await reader.until(lambda: len(reader.events()) == 4)
    await world.advance(task, 2)
    await reader.until(lambda: len(reader.events()) == 6)
    assert reader.numbers() == [4, 5, 6, 7, 8, 9]


async def test_comes_back_by_the_query_too(world: World) -> None:
    task = await world.running(advances=2)
    reader = world.read(f"tasks/{task.pk}/stream", query=f"es-meta=x&lastEventId=task-{task.pk}%3A2&other")
    await reader.until(lambda: len(reader.events()) == 2)
    assert reader.numbers() == [3, 4]


async def test_the_terminal_event_ends_it_and_204_stops_who_comes_back(world: World) -> None:
    task = await world.running()
    reader = world.read_task(task)
    await reader.next()
    await world.complete(task)
    await reader.end()
    kind, identifier, data = reader.events()[-1]
    assert (kind, data["status"], data["progress"], data["result"]) == ("completed", "completed", 100, {"facts": 3})
    assert identifier == reader.last_id
    again = world.read(f"tasks/{task.pk}/stream", last=identifier)
    await again.end()
    assert (again.status, again.body) == (204, b"")


async def test_what_is_announced_during_the_reading_comes_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    application = world.serve(pace=Pace(sweep=30.0))  # so that nothing is looked up a second time
    task = await world.running()
    loop, read = asyncio.get_running_loop(), table.read

    def read_while_things_happen(every: list[table.Positions]) -> Any:
        transitions.advance(task, message="before the reading")
        found = read(every)
        transitions.advance(task, message="after it")
        for number in (3, 4):
            data = json.dumps({"seq": number})
            loop.call_soon_threadsafe(application.hub._poke, f"task-{task.pk}", number, "progress", data)
        return found

    monkeypatch.setattr(table, "read", read_while_things_happen)
    reader = world.read_task(task)
    await reader.until(partial(has_events, reader, 2))
    await reader.quiet()
    assert reader.numbers() == [3, 4]


async def test_a_queue_that_overflows_during_the_reading_leads_to_the_table_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = world.serve(pace=Pace(sweep=30.0))  # so that nothing is looked up by itself
    task = await world.running()
    loop, read, first = asyncio.get_running_loop(), table.read, iter([True])

    def read_and_overflow(*args: Any) -> Any:
        found = read(*args)
        if next(first, False):
            transitions.advance(task)
            (reading,) = application.hub.channels[f"task-{task.pk}"].viewers
            loop.call_soon_threadsafe(reading.spoil)
        return found

    monkeypatch.setattr(table, "read", read_and_overflow)
    reader = world.read_task(task)
    await reader.until(partial(has_events, reader, 2))
    assert reader.numbers() == [2, 3]


@pytest.mark.parametrize("last", [None, 1, 99])
async def test_a_task_that_has_ended_is_told_and_closed(world: World, last: int | None) -> None:
    task = await world.complete(await world.running())
    reader = world.read_task(task, last=last)
    await reader.end()
    assert [kind for kind, _, _ in reader.events()][-1] == "completed"
    assert reader.numbers() == ([2, 3] if last == 1 else [3])


async def test_a_place_that_is_not_kept_begins_with_the_newest_event(world: World) -> None:
    task = await world.running(advances=4)
    await orm(TaskEvent.objects.filter(task=task, seq__lt=4).delete)
    reader = world.read_task(task, last=1)
    await reader.next()
    assert reader.numbers() == [6]


async def test_the_row_speaks_when_no_event_is_kept(world: World) -> None:
    task = await world.complete(await world.running())
    await orm(TaskEvent.objects.filter(task=task).delete)
    reader = world.read_task(task)
    await reader.end()
    assert [(kind, data["seq"]) for kind, _, data in reader.events()] == [("completed", 3)]


@pytest.mark.parametrize("identifier", [NOBODY, "abc", "%00", "task-1"])
async def test_an_unknown_task_is_one_error_event(world: World, identifier: str) -> None:
    reader = world.read(f"tasks/{identifier}/stream")
    await reader.end()
    assert reader.status == 200
    assert reader.blocks() == [{"event": "error", "data": '{"error": "Task not found"}'}]


async def test_another_tenants_task_is_unknown(world: World) -> None:
    reader = world.read_task(await world.running(), user="charlie")
    await reader.end()
    assert [kind for kind, _, _ in reader.events()] == ["error"]


async def test_a_deleted_task_ends(world: World) -> None:
    task = await world.task()
    reader = world.read_task(task)
    await reader.next()
    await orm(TaskLog.objects.filter(pk=task.pk).delete)
    await reader.end()


# --- rights, limits and faults


async def test_a_lost_membership_ends_the_stream_of_the_one_only(world: World) -> None:
    task = await world.running()
    alice, bob = world.read_task(task), world.read_task(task, user="bob")
    await alice.next()
    await bob.next()
    await orm(Membership.objects.filter(user=world.users["bob"]).delete)
    await bob.end()
    await world.advance(task)
    await alice.next()
    assert bob.numbers() == [2]


async def test_a_deleted_key_ends_its_streams(world: World) -> None:
    reader = world.read_project()
    await reader.until(lambda: len(reader.blocks()) == 2)
    await orm(ApiKey.objects.filter(user=world.users["alice"]).delete)
    await reader.end()
    assert not reader.events()


async def test_rights_are_looked_up_by_a_fixed_number_of_queries(world: World, django_assert_num_queries: Any) -> None:
    def look(count: int) -> None:
        user = world.users["alice"]
        many = [callers.Caller(user.pk, False, keys.issue(user, "test")[0].pk) for _ in range(count)]
        with django_assert_num_queries(3):
            assert callers.rights(many).callers == set(many)

    await orm(look, 1)
    await orm(look, 50)


async def test_too_many_streams_are_refused_for_a_while(world: World) -> None:
    world.serve(per_user=2, per_process=3)
    readers = [world.read_project(user=name) for name in ("alice", "alice", "bob")]
    for reader in readers:
        await reader.until(partial(has_blocks, reader, 2))
    refused = world.read_project(user="bob")
    await refused.end()
    assert_problem(refused, 503)
    assert int(refused.headers["retry-after"]) >= 1
    await readers[2].leave()
    refused = world.read_project(user="alice")
    await refused.end()
    assert_problem(refused, 503)
    admitted = world.read_project(user="bob")
    await admitted.until(lambda: admitted.status == 200)


async def test_who_leaves_leaves_nothing_behind(world: World) -> None:
    application = world.serve(keep_alive=60)
    task = await world.running()
    reader = world.read_task(task)
    await reader.next()
    assert application.hub.channels
    (left,) = application.hub._viewers
    await reader.leave()
    assert left._timer is not None
    assert left._timer.cancelled()
    assert not application.hub.channels
    assert not application.hub._viewers
    assert not application.hub._users


async def test_a_quiet_stream_shows_a_sign_of_life(world: World) -> None:
    world.serve(keep_alive=0.1)
    reader = world.read_project()
    await reader.until(lambda: len(reader.blocks()) >= 5)
    assert reader.body.endswith(b"\n\n:\n\n:\n\n:\n\n")


async def test_a_slow_reader_delays_nobody_and_misses_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "LIMIT", 5)
    world.serve()
    task = await world.running()
    slow, quick = world.read_task(task), world.read_task(task)
    await slow.next()
    await quick.next()
    slow.gate.clear()
    for _ in range(4):
        task = await world.advance(task, 10)
        await quick.until(partial(ends_with, quick, [task.event_seq]))
    assert len(slow.numbers()) == 1
    slow.gate.set()
    await world.complete(task)
    await slow.end()
    await quick.end()
    assert slow.numbers() == quick.numbers() == list(range(2, 44))


async def test_a_database_that_is_away_for_a_moment_is_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await world.running()
    failing = iter([OperationalError("away"), OperationalError("away")])
    monkeypatch.setattr(table, "read", _fail_first(table.read, failing))
    reader = world.read_task(task)
    assert (await reader.next())[2]["seq"] == 2


async def test_a_database_that_stays_away_ends_the_stream_without_an_error(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await world.running()
    monkeypatch.setattr(table, "read", _fail_first(table.read, iter([OperationalError("away")] * 3)))
    reader = world.read_task(task)
    await reader.end()
    assert (reader.status, reader.events()) == (200, [])


async def test_who_opens_while_the_database_is_away_comes_back_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tasks_app.streams.callers.keys.find_many", _fail_first(None, iter([OperationalError("away")] * 3))
    )
    reader = world.read("stream")
    await reader.end()
    assert reader.status == 200
    assert [list(block) for block in reader.blocks()] == [["retry"]]


async def test_streams_end_when_rights_cannot_be_looked_up_for_too_long(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.serve(pace=Pace(sweep=0.1, recheck=0.1, unconfirmed=2.0))
    reader = world.read_project()
    await reader.until(lambda: len(reader.blocks()) == 2)
    monkeypatch.setattr(callers, "rights", _fail_first(None, iter([OperationalError("away")] * 99)))
    await asyncio.sleep(0.2)
    assert not reader.ended
    await reader.end()


def _fail_first(function: Any, errors: Any) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        for error in errors:
            raise error
        return function(*args, **kwargs)

    return call


async def test_closing_ends_open_streams_and_sends_new_ones_away(world: World) -> None:
    application = world.serve()
    reader = world.read_project()
    await reader.until(lambda: len(reader.blocks()) == 2)
    application.hub.close()
    await reader.end()
    again = world.read_project()
    await again.end()
    assert again.status == 200


async def test_a_database_thread_closes_its_connections_at_the_end(world: World) -> None:
    database = Database(threads=2)
    await asyncio.gather(*(database.run(Project.objects.count) for _ in range(8)))
    wrappers = set(database._wrappers)
    assert 1 <= len(wrappers) <= 2
    await asyncio.to_thread(database.close)
    assert all(wrapper.connection is None for wrapper in wrappers)


async def test_fast_changes_of_many_tasks_come_whole(world: World) -> None:
    """Many writers at once, and readers that come and go: each has every number once, in order."""
    tasks = [await world.running() for _ in range(4)]
    steady = world.read_project(last=0)

    async def drive(task: TaskLog) -> None:
        for _ in range(5):
            task = await world.advance(task, 3)
        await world.complete(task)

    async def flap() -> list[int]:
        seen: list[int] = []
        while not seen or seen[-1] < total:
            reader = world.read_project(last=seen[-1] if seen else 0)
            with_events = min(len(seen) + 7, total) - len(seen)
            await reader.until(partial(has_events, reader, with_events))
            await reader.leave()
            seen += reader.numbers()
        return seen

    total = 4 * (2 + 15 + 1)
    numbers, *_ = await asyncio.gather(flap(), *map(drive, tasks))
    await steady.until(lambda: len(steady.events()) == total)
    assert numbers == steady.numbers() == list(range(1, total + 1))
    assert FAST.sweep < 1


async def test_cancelled_and_failed_tasks_end_their_streams(world: World) -> None:
    failed, cancelled = await world.running(), await world.running()
    readers = [world.read_task(failed), world.read_task(cancelled)]
    for reader in readers:
        await reader.next()
    await orm(transitions.fail, failed, "The page was not found.", retryable=True)
    await orm(transitions.cancel, cancelled)
    for reader in readers:
        await reader.end()
    assert [reader.events()[-1][0] for reader in readers] == ["failed", "cancelled"]
    assert readers[0].events()[-1][2]["retryable"] is True
