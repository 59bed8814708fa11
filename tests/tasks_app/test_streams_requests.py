"""Requests for streams: their paths, who asks, and the ids that they come back with."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore

from tests.tasks_app.streams_harness import (
    World,
    assert_problem,
    orm,
    world,
)

__all__ = ["world"]
pytestmark = pytest.mark.django_db(transaction=True)
NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    "path", ["stream", "stream/", "projects/{p}/stream", "projects/{p}/stream/", "tasks/{t}/stream/"]
)
async def test_each_path_works_with_and_without_a_slash_and_answers_head(world: World, path: str) -> None:
    task = await world.task()
    where = path.format(p=world.project.pk, t=task.pk)
    reader = world.read(where)
    await reader.until(lambda: len(reader.blocks()) == 2)
    head = world.read(where, method="HEAD")
    await head.end()
    assert head.headers.pop("x-request-id") != reader.headers.pop("x-request-id")
    assert (head.status, head.body, head.headers) == (200, b"", reader.headers)


@pytest.mark.parametrize("path", ["stream/x", "tasks/stream", "tasks", "projects/a/b/stream", "streams"])
async def test_other_paths_are_djangos(world: World, path: str) -> None:
    reader = world.read(path)
    await reader.end()
    assert reader.status == 418


async def test_a_stream_is_only_read(world: World) -> None:
    reader = world.read("stream", method="POST")
    await reader.end()
    assert_problem(reader, 405)
    assert reader.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ms_sk_" + "0" * 64, "Bearer x", "Basic YTpi", "Bearer \xff"])
async def test_nobody_is_401(world: World, value: str) -> None:
    reader = world.read("stream", user=None, headers={"Authorization": value})
    await reader.end()
    assert_problem(reader, 401)


async def test_an_inactive_user_is_401(world: World) -> None:
    await orm(User.objects.filter(username="alice").update, is_active=False)
    reader = world.read("stream")
    await reader.end()
    assert_problem(reader, 401)


@pytest.mark.parametrize(
    "last",
    ["x", "1", "task-1:2", f"task-{NOBODY}:", f"task-{NOBODY}:-1", f"task-{NOBODY}:1", "project-x:1", ",", "a" * 9999],
)
async def test_an_id_of_something_else_is_400(world: World, last: str) -> None:
    task = await world.task()
    for path in (f"tasks/{task.pk}/stream", f"projects/{world.project.pk}/stream", "stream"):
        reader = world.read(path, last=last)
        await reader.end()
        assert (reader.status, reader.headers["content-type"]) == (400, "text/plain; charset=utf-8")


async def test_streams_can_be_turned_off(world: World, settings: Any) -> None:
    settings.MEMSTACK_STREAMS = False
    reader = world.read("stream")
    await reader.end()
    assert_problem(reader, 404)
    assert b"turned off" in reader.body


async def test_a_session_reads_and_its_end_ends_the_stream(world: World) -> None:
    session_key = await orm(_log_in, world.users["alice"])
    reader = world.read("stream", user=None, headers={"Cookie": f"other=1; sessionid={session_key}"})
    await reader.until(lambda: len(reader.blocks()) == 2)
    await orm(SessionStore(session_key).delete)
    await reader.end()


async def test_a_new_password_ends_the_streams_of_old_sessions(world: World) -> None:
    session_key = await orm(_log_in, world.users["alice"])
    reader = world.read("stream", user=None, headers={"Cookie": f"sessionid={session_key}"})
    await reader.until(lambda: len(reader.blocks()) == 2)
    await orm(User.objects.filter(username="alice").update, password="another hash")
    await reader.end()
    again = world.read("stream", user=None, headers={"Cookie": f"sessionid={session_key}"})
    await again.end()
    assert_problem(again, 401)


def _log_in(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)
