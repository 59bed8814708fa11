"""Many who open streams at once are answered together, and each gets what is theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.db import DataError, OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from memories import keys
from memories.models import ApiKey
from tasks_app.events import project_channel, task_channel
from tasks_app.models import TaskEvent
from tasks_app.streams import callers, database, opening, table
from tasks_app.streams.database import Database
from tasks_app.streams.opening import Answer, Request, open_streams
from tests.tasks_app.streams_harness import PATIENCE, Reader, World, has_events, orm, world

__all__ = ["world"]
pytestmark = pytest.mark.django_db(transaction=True)


def counted(function: Callable[[list[Any]], list[Any]], sizes: list[int]) -> Callable[[list[Any]], list[Any]]:
    def call(items: list[Any]) -> list[Any]:
        sizes.append(len(items))
        return function(items)

    return call


def task_request(world: World, name: str, channel: str, positions: dict[str, int] | None = None) -> Request:
    key = world.keys.get(name, f"ms_sk_{'0' * 64}")
    return Request("tasks", channel, {"authorization": f"Bearer {key}"}, positions or {})


async def test_each_of_those_who_open_at_once_gets_what_is_theirs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    monkeypatch.setattr("tasks_app.streams.application.open_streams", counted(opening.open_streams, calls))
    tasks = [await world.running(advances=steps) for steps in range(4)]
    allowed: list[tuple[Reader, Any]] = []
    denied: list[Reader] = []
    for _ in range(5):
        allowed += [(world.read_task(task, user=name), task) for task in tasks for name in ("alice", "bob")]
        denied += [world.read_task(task, user="charlie") for task in tasks]
        denied.append(world.read_task(tasks[0], user=None, headers={"Authorization": f"Bearer ms_sk_{'0' * 64}"}))
    for reader, task in allowed:
        await reader.until(partial(has_events, reader, 1))
        assert reader.events()[0][1] == f"task-{task.pk}:{task.event_seq}"
    for reader in denied:
        await reader.end()
        assert reader.status == 401 or [kind for kind, _, _ in reader.events()] == ["error"]
    assert sum(calls) == 65
    assert len(calls) <= 4


async def test_the_queries_of_opening_do_not_grow_with_the_streams(world: World) -> None:
    tasks = [await world.running(advances=1) for _ in range(6)]

    def queries(count: int) -> int:
        requests = [task_request(world, "alice", task_channel(task.pk)) for task in tasks[:count]]
        with CaptureQueriesContext(connection) as made:
            viewers = open_streams(requests)
            found = table.read([viewer.positions for viewer in viewers if not isinstance(viewer, Answer)])
        assert [batch and batch[task_channel(task.pk)].position for batch, task in zip(found, tasks, strict=False)] == [
            3
        ] * count
        return len(made)

    await orm(keys.find, world.keys["alice"])
    assert await orm(queries, 1) == await orm(queries, 6) <= 5


async def test_sessions_are_told_apart(world: World, settings: Any) -> None:
    def log_in(name: str, seconds: int = 60, **changed: str) -> str:
        user = world.users[name]
        session = SessionStore()
        proof = {SESSION_KEY: str(user.pk), BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[-1]}
        session.update(proof | {HASH_SESSION_KEY: user.get_session_auth_hash()} | changed)
        session.set_expiry(seconds)
        session.create()
        return str(session.session_key)

    good = [await orm(log_in, "alice"), await orm(log_in, "bob")]
    bad = [
        await orm(log_in, "alice", **{BACKEND_SESSION_KEY: "of.another.site"}),
        await orm(log_in, "alice", **{HASH_SESSION_KEY: "old"}),
        await orm(log_in, "charlie", **{SESSION_KEY: str(world.users["alice"].pk)}),
        await orm(log_in, "charlie", **{SESSION_KEY: "0"}),
        await orm(log_in, "alice", -60),
    ]
    bad += ["", '"\\000"', '"\\000aaaaaaaa"', "é" * 9, "a" * 999]
    found = await orm(callers.identify, [{"cookie": f"sessionid={key}"} for key in [*good, *bad]])
    assert [caller and (caller.user_id, caller.session_key) for caller in found] == [
        (world.users["alice"].pk, good[0]),
        (world.users["bob"].pk, good[1]),
        *[None] * 10,
    ]


async def test_who_has_had_the_end_gets_204_while_others_read(world: World) -> None:
    ended, open_still = await world.complete(await world.running()), await world.running()
    requests = [
        task_request(world, "alice", task_channel(ended.pk), {task_channel(ended.pk): 3}),
        task_request(world, "alice", task_channel(ended.pk), {task_channel(ended.pk): 2}),
        task_request(world, "bob", task_channel(open_still.pk), {task_channel(open_still.pk): 2}),
        task_request(world, "charlie", task_channel(ended.pk), {task_channel(ended.pk): 3}),
        task_request(world, "alice", task_channel(open_still.pk), {task_channel(ended.pk): 2}),
    ]
    found = await orm(open_streams, requests)
    assert [each.status if isinstance(each, Answer) else 0 for each in found] == [204, 0, 0, 200, 400]


async def test_who_stands_at_the_same_place_shares_a_reading(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    task = await world.running(advances=3)
    channel, later = task_channel(task.pk), table.later
    read: list[int] = []

    def count(name: str, after: int) -> table.Batch | None:
        read.append(after)
        return later(name, after)

    monkeypatch.setattr(table, "later", count)
    found = await orm(table.read, [{channel: 1}, {channel: 3}, {channel: 1}, {channel: None}, {channel: 99}])
    assert [[frame.number for frame in batch[channel].frames] for batch in found if batch] == [
        [2, 3, 4, 5],
        [4, 5],
        [2, 3, 4, 5],
        [5],
        [5],
    ]
    assert sorted(read) == [1, 3]


async def test_one_reading_tells_the_gone_from_the_kept(world: World) -> None:
    kept, pruned, gone = [await world.running() for _ in range(3)]
    await orm(TaskEvent.objects.filter(task=pruned).delete)
    await orm(gone.delete)
    project = project_channel(world.project.pk)
    found = await orm(
        table.read,
        [{task_channel(kept.pk): None}, {task_channel(pruned.pk): 1}, {task_channel(gone.pk): 1}, {project: None}],
    )
    assert [batch and [each.position for each in batch.values()] for batch in found] == [[2], [2], None, [6]]


async def test_a_use_of_each_key_is_noted_once_a_minute(world: World) -> None:
    before = timezone.now()
    long_ago, lately = before - timedelta(minutes=5), before - timedelta(seconds=20)
    await orm(ApiKey.objects.filter(user=world.users["alice"]).update, last_used_at=long_ago)
    await orm(ApiKey.objects.filter(user=world.users["bob"]).update, last_used_at=lately)
    await orm(User.objects.filter(username="charlie").update, is_active=False)
    assert (await orm(keys.find_many, world.keys.values())).keys() == {world.keys["alice"], world.keys["bob"]}
    used = dict(await orm(lambda: list(ApiKey.objects.values_list("user__username", "last_used_at"))))
    assert used["alice"] is not None
    assert used["alice"] >= before
    assert (used["bob"], used["charlie"]) == (lately, None)


# --- asking together


async def together(function: Callable[[list[int]], list[int]], count: int) -> list[Any]:
    asked = Database(threads=2, pause=0.01)
    try:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.gather(
                *(asked.together(function, item) for item in range(count)), return_exceptions=True
            )
    finally:
        await asyncio.to_thread(asked.close)


async def test_what_is_asked_at_once_is_answered_by_few_calls(transactional_db: None) -> None:
    sizes: list[int] = []
    found = await together(counted(lambda items: [item * 2 for item in items], sizes), 120)
    assert found == [item * 2 for item in range(120)]
    assert max(sizes) <= database.TOGETHER
    assert len(sizes) <= 4


async def test_an_item_that_cannot_be_answered_fails_alone(transactional_db: None) -> None:
    found = await together(lambda items: [6 // item for item in items], 4)
    assert isinstance(found[0], ZeroDivisionError)
    assert found[1:] == [6, 3, 2]


async def test_data_that_the_database_refuses_is_refused_to_the_one_alone(transactional_db: None) -> None:
    def refuse(items: list[int]) -> list[int]:
        if 2 in items:
            raise DataError("a NUL")
        return items

    found = await together(refuse, 4)
    assert [each if isinstance(each, int) else type(each) for each in found] == [0, 1, DataError, 3]


async def test_a_database_that_is_away_is_away_for_all_who_ask(transactional_db: None) -> None:
    sizes: list[int] = []

    def fail(items: list[int]) -> list[int]:
        raise OperationalError("away")

    found = await together(counted(fail, sizes), 5)
    assert [type(each) for each in found] == [OperationalError] * 5
    assert sizes == [5, 5, 5]


async def test_who_leaves_while_asking_takes_nobody_along(transactional_db: None) -> None:
    asked, sizes = Database(threads=1), list[int]()
    function = counted(lambda items: items, sizes)
    waiting = [asyncio.create_task(asked.together(function, item)) for item in range(3)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    async with asyncio.timeout(PATIENCE):
        found = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(found[1], asyncio.CancelledError)
    assert (found[0], found[2], sizes) == (0, 2, [3])
    await asyncio.to_thread(asked.close)
