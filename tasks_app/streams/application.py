"""The ASGI application that serves streams beside Django.

Django's own handler holds a thread and a database connection for as long as a response lasts; here an open stream is a
coroutine and a bounded queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings

from memstack import logs
from tasks_app.streams import table
from tasks_app.streams.database import AWAY, Database
from tasks_app.streams.frames import MalformedId, parse_positions, retry_field
from tasks_app.streams.hub import Full, Hub
from tasks_app.streams.lifespan import on_exit
from tasks_app.streams.opening import (
    EVENT_STREAM,
    Answer,
    Request,
    bad_last_id,
    busy,
    channel_of,
    come_back,
    open_streams,
    problem,
)
from tasks_app.streams.viewer import Viewer

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

logger = logging.getLogger(__name__)
PATH = re.compile(r"/api/v1/(?:(?P<scope>tasks|projects)/(?P<identifier>[^/]+)/)?stream/?")
PART = 64 * 1024  # bytes given to the server at once, so that a slow reader's wait begins early


class StreamApplication:
    """Answers the stream paths itself and hands everything else to `django`."""

    def __init__(self, django: Application, hub: Hub | None = None, *, keep_alive: float = 10.0) -> None:
        self.hub = hub or hub_of_settings()
        self._django = django
        self._keep_alive = keep_alive
        self._database = Database(threads=2)  # one opens streams, one reads for them

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http" and (match := PATH.fullmatch(path_of(scope))):
            logs.begin_request(header_of(scope, logs.HEADER))
            await self._serve(scope, match, receive, send)
        else:
            await self._django(scope, receive, send)

    # --- the process

    async def _live(self, receive: Receive, send: Send) -> None:
        """Starts with the server; ends the streams at the signal, because servers wait for open answers first."""
        await receive()
        if settings.MEMSTACK_STREAMS:
            await self.hub.start()
        gc.collect()
        gc.freeze()  # what is loaded stays: looking it through again would stop all streams for a tenth of a second
        with on_exit(self.hub.close):
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def stop(self) -> None:
        await self.hub.stop()
        await asyncio.to_thread(self._database.close)

    # --- a request

    async def _serve(self, scope: Scope, match: re.Match[str], receive: Receive, send: Send) -> None:
        body = scope["method"] != "HEAD"
        opened = await self._open(scope, match)
        if isinstance(opened, Answer):
            await respond(send, opened, body)
        elif not body:
            await respond(send, Answer(HTTPStatus.OK, EVENT_STREAM), body)
        else:
            await self._stream(opened, receive, send)

    async def _open(self, scope: Scope, match: re.Match[str]) -> Viewer | Answer:
        refusal = self._refusal(scope["method"])
        if refusal is not None:
            return refusal
        try:
            request = request_of(scope, match)
        except (UnicodeError, MalformedId):
            return bad_last_id()
        try:
            return await self._database.together(open_streams, request)
        except AWAY as error:
            logger.warning("A stream could not be opened: %s", error)
            return come_back()

    def _refusal(self, method: str) -> Answer | None:
        """What can be said without the database."""
        if not settings.MEMSTACK_STREAMS:
            return problem(HTTPStatus.NOT_FOUND, "Streams are turned off on this server (MEMSTACK_STREAMS=off).")
        if method not in {"GET", "HEAD"}:
            return problem(HTTPStatus.METHOD_NOT_ALLOWED, "A stream is read with GET.", Allow="GET, HEAD")
        if self.hub.closing:
            return come_back()
        return busy() if self.hub.full else None

    async def _stream(self, viewer: Viewer, receive: Receive, send: Send) -> None:
        await self.hub.start()
        try:
            self.hub.admit(viewer)
        except Full:
            await respond(send, busy())
            return
        watcher = asyncio.create_task(disconnected(receive))
        watcher.add_done_callback(lambda _: viewer.end())
        try:
            await start(send, Answer(HTTPStatus.OK, EVENT_STREAM))
            await send({"type": "http.response.body", "body": retry_field(), "more_body": True})
            viewer.remind_every(self._keep_alive)
            await self._pump(viewer, send)
            await send({"type": "http.response.body", "body": b""})
        finally:
            self.hub.leave(viewer)
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher

    async def _pump(self, viewer: Viewer, send: Send) -> None:
        """Sends what there is and waits for more, until the stream ends."""
        while not viewer.ended:
            for part in parts(await self._read(viewer) if viewer.stale else viewer.waiting()):
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await viewer.wait()

    async def _read(self, viewer: Viewer) -> list[bytes]:
        """What is to be sent now by the table. It ends a stream whose task is gone, or if the database stays away."""
        viewer.stale = False
        try:
            batches = await self._database.together(table.read, dict(viewer.positions))
        except AWAY as error:
            logger.warning("A stream ended: %s", error)
            batches = None
        if batches is None:
            viewer.end()
        if batches is None or viewer.ended:
            return []
        for channel, batch in batches.items():
            if not batch.more:
                self.hub.has_read(channel, batch.position)
        viewer.stale = viewer.stale or any(batch.more for batch in batches.values())
        return list(viewer.read(batches)) or viewer.place()


def hub_of_settings() -> Hub:
    return Hub(
        settings.EVENTSTREAM_REDIS,
        per_user=settings.MEMSTACK_MAX_STREAMS_PER_USER,
        per_process=settings.MEMSTACK_MAX_STREAMS_PER_PROCESS,
    )


def path_of(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "").rstrip("/"))


def header_of(scope: Scope, wanted: str) -> str | None:
    name = wanted.lower().encode()
    return next((value.decode("latin-1") for given, value in scope["headers"] if given == name), None)


def request_of(scope: Scope, match: re.Match[str]) -> Request:
    """UnicodeError when the query is no text, MalformedId when the Last-Event-ID is none of ours."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = parse_qs(scope.get("query_string", b"").decode("ascii"), errors="strict")
    last_id = headers.get("last-event-id") or query.get("lastEventId", [""])[0]
    return Request(
        scope=match["scope"] or "",
        channel=channel_of(match["scope"] or "", match["identifier"] or ""),
        headers=headers,
        positions=parse_positions(last_id) if last_id else {},
        projects=tuple(query.get("project", ())),
    )


async def respond(send: Send, answer: Answer, body: bool = True) -> None:
    """A whole answer; without its body to HEAD."""
    await start(send, answer)
    await send({"type": "http.response.body", "body": answer.body if body else b""})


async def start(send: Send, answer: Answer) -> None:
    named = {**answer.headers, "X-Content-Type-Options": "nosniff", logs.HEADER: logs.request_id()}
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in named.items()]
    await send({"type": "http.response.start", "status": int(answer.status), "headers": headers})


async def disconnected(receive: Receive) -> None:
    """Returns when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def parts(events: Iterable[bytes]) -> Iterator[bytes]:
    """The events joined to parts of about PART bytes."""
    part, size = [], 0
    for event in events:
        part.append(event)
        size += len(event)
        if size >= PART:
            yield b"".join(part)
            part, size = [], 0
    if part:
        yield b"".join(part)
