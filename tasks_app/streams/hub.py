"""One hub a process: hears the pokes of all processes, looks for lost ones in the table, and hands events to streams.

A stream joins its channels first and reads the table then; what the hub offers it meanwhile is merged by number. The
hub passes on an event only when it is the next of its channel. Any gap (a lost or early poke, a broker that was away)
is filled from the table, once for all who read the channel, and the newest numbers are compared once a second anyway.
So the broker makes streams fast, and they are whole without it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tasks_app.events import project_channel
from tasks_app.streams import callers, table
from tasks_app.streams.database import Database
from tasks_app.streams.frames import Frame, frame
from tasks_app.streams.viewer import AllProjectsViewer, Viewer

logger = logging.getLogger(__name__)
EVENTS_CHANNEL = "events_channel"  # where django-eventstream publishes
LONGEST_PAUSE = 1.0
SILENCE = 6.0
_hubs: WeakSet[Hub] = WeakSet()  # of this process, for its metrics


def streams_open() -> int:
    """How many streams this process serves."""
    return sum(hub.open for hub in _hubs)


class Full(Exception):
    """No more streams, for this user or at all."""


@dataclass(slots=True)
class Channel:
    """Who reads a channel, and the number up to which all of them have been offered its events."""

    viewers: set[Viewer] = field(default_factory=set)
    latest: int | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between the hub's rounds; `unconfirmed` is how long a stream lives when its rights can't be looked up."""

    sweep: float = 1.0
    recheck: float = 5.0
    unconfirmed: float = 15.0
    subscribe: float = 1.0


class Hub:
    """Joins viewers to channels. Everything in here runs on one event loop, so nothing needs a lock."""

    def __init__(
        self, redis: dict[str, Any] | None, *, per_user: int = 2000, per_process: int = 5000, pace: Pace | None = None
    ) -> None:
        self.pace = pace or Pace()
        self.closing = False
        self.channels: dict[str, Channel] = {}
        self._redis = redis
        self._limits = per_user, per_process
        self._viewers: set[Viewer] = set()
        self._users: Counter[int] = Counter()
        self._database = Database(threads=1)
        self._rounds: list[asyncio.Task[None]] = []
        self._settled = asyncio.Event()
        self._look_now = asyncio.Event()
        self._recheck_now = asyncio.Event()
        self._confirmed = time.monotonic()
        _hubs.add(self)

    # --- viewers

    @property
    def open(self) -> int:
        return len(self._viewers)

    @property
    def full(self) -> bool:
        return len(self._viewers) >= self._limits[1]

    def admit(self, viewer: Viewer) -> None:
        """Counts the stream and joins its channels; Full when there are too many."""
        if self.full or self._users[viewer.caller.user_id] >= self._limits[0]:
            raise Full
        self._viewers.add(viewer)
        self._users[viewer.caller.user_id] += 1
        for name in viewer.positions:
            self._join(viewer, name)
        if self.closing:
            viewer.end()

    def leave(self, viewer: Viewer) -> None:
        if viewer not in self._viewers:
            return
        self._viewers.discard(viewer)
        self._users[viewer.caller.user_id] -= 1
        if not self._users[viewer.caller.user_id]:
            del self._users[viewer.caller.user_id]
        for name in list(viewer.positions):
            self._part(viewer, name)

    def _join(self, viewer: Viewer, name: str) -> None:
        self.channels.setdefault(name, Channel()).viewers.add(viewer)

    def _part(self, viewer: Viewer, name: str) -> None:
        channel = self.channels.get(name)
        if channel is not None:
            channel.viewers.discard(viewer)
            if not channel.viewers:
                del self.channels[name]

    def has_read(self, name: str, number: int) -> None:
        """A viewer has the channel's events up to `number` from the table: from there on it relies on the hub."""
        channel = self.channels.get(name)
        if channel is not None:
            channel.latest = number if channel.latest is None else min(channel.latest, number)

    # --- life

    async def start(self) -> None:
        """Starts the rounds, and waits a moment for the broker, so that the first stream is not late."""
        if not self._rounds:
            self._confirmed = time.monotonic()
            for work in (self._listen_for_ever, self._look_for_ever, self._recheck_for_ever):
                self._rounds.append(asyncio.create_task(work()))
        if not self._settled.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._settled.wait(), self.pace.subscribe)

    def close(self) -> None:
        """Ends all streams; those that come now end at once."""
        self.closing = True
        self._end_viewers()

    def _end_viewers(self) -> None:
        for viewer in self._viewers:
            viewer.end()

    async def stop(self) -> None:
        self.close()
        for task in self._rounds:
            task.cancel()
        await asyncio.gather(*self._rounds, return_exceptions=True)
        self._rounds.clear()
        await asyncio.to_thread(self._database.close)

    # --- the broker

    async def _listen_for_ever(self) -> None:
        failures = 0
        while self._redis is not None:
            started = time.monotonic()
            try:
                await self._listen(self._redis)
            except Exception as error:
                failures = 1 if time.monotonic() - started > SILENCE else failures + 1
                log = logger.warning if failures == 1 else logger.debug
                log("Streams do without the broker, up to a second late: %s", error)
            self._settled.set()
            await asyncio.sleep(min(LONGEST_PAUSE, 0.1 * 2**failures) * random.uniform(0.5, 1))  # noqa: S311
        self._settled.set()

    async def _listen(self, settings: dict[str, Any]) -> None:
        """Hears pokes until the connection breaks or stays silent. Ends only by an exception."""
        limits = {"socket_timeout": 2.0, "socket_connect_timeout": 1.0, "retry": Retry(NoBackoff(), 0)}
        async with Redis(**{**settings, **limits}) as client, client.pubsub() as pubsub:
            await pubsub.subscribe(EVENTS_CHANNEL)
            heard, count = time.monotonic(), 0
            while True:
                message = await pubsub.get_message(timeout=SILENCE / 3)
                if message is None:
                    if time.monotonic() - heard > SILENCE:
                        raise TimeoutError("no answer to a ping")
                    await pubsub.ping()
                    continue
                heard, count = time.monotonic(), count + 1
                self._hear(message)
                if count % 100 == 0:
                    await asyncio.sleep(0)  # a burst must not keep the streams from sending

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            self._settled.set()
            self._look_now.set()
        elif message["type"] == "message":
            with contextlib.suppress(ValueError, KeyError, TypeError):
                poke = json.loads(message["data"])
                self._poke(poke["channel"], int(poke["pub_id"]), poke["event_type"], poke["data"])

    def _poke(self, name: str, number: int, kind: str, data: str) -> None:
        channel = self.channels.get(name)
        if channel is None:
            if number == 1 and name.startswith("project-"):
                self._recheck_now.set()  # a new project, maybe of one who watches all of theirs
        elif channel.latest is None or number == channel.latest + 1:
            self._publish(channel, frame(name, number, kind, data))
        elif number > channel.latest:
            self._look_now.set()

    def _publish(self, channel: Channel, event: Frame) -> None:
        if channel.latest is not None:
            channel.latest = event.number
        for viewer in channel.viewers:
            viewer.offer(event)

    # --- the table

    async def _look_for_ever(self) -> None:
        await self._for_ever(self._look, self._look_now, lambda: self.pace.sweep)

    async def _look(self) -> None:
        """Compares the newest numbers with what was passed on, and fills what is missing."""
        served = [name for name, channel in self.channels.items() if channel.latest is not None]
        if not served:
            return
        numbers = await self._database.once(table.numbers, served)
        for name in served:
            if name not in numbers:
                self._end_all(name)
        behind = {name: latest for name in served if (latest := self._latest(name)) is not None}
        behind = {name: latest for name, latest in behind.items() if latest < numbers.get(name, 0)}
        for name, batch in (await self._database.once(table.missing, behind)).items() if behind else ():
            self._fill(name, batch)

    def _latest(self, name: str) -> int | None:
        channel = self.channels.get(name)
        return channel.latest if channel else None

    def _end_all(self, name: str) -> None:
        for viewer in self.channels[name].viewers if name in self.channels else ():
            viewer.end()

    def _fill(self, name: str, batch: table.Batch | None) -> None:
        channel = self.channels.get(name)
        if channel is None or channel.latest is None:
            return
        if batch is None or batch.more:  # not kept, or too much at once: each reader goes its own way
            channel.latest = None
            for viewer in channel.viewers:
                viewer.spoil()
            return
        for event in batch.frames:
            if event.number == channel.latest + 1:
                self._publish(channel, event)

    # --- rights

    async def _recheck_for_ever(self) -> None:
        await self._for_ever(self._recheck, self._recheck_now, lambda: self.pace.recheck)

    async def _recheck(self) -> None:
        """Ends the streams of those who may no longer read, and of all when nobody knows for too long."""
        asked = time.monotonic()
        viewers = list(self._viewers)
        if viewers:
            try:
                async with asyncio.timeout(max(0.1, self._confirmed + self.pace.unconfirmed - asked)):
                    rights = await self._database.once(callers.rights, {viewer.caller for viewer in viewers})
            except Exception:
                if time.monotonic() + self.pace.recheck > self._confirmed + self.pace.unconfirmed:
                    self._end_viewers()
                raise
            for viewer in viewers:
                self._apply(rights, viewer)
        self._confirmed = asked

    def _apply(self, rights: callers.Rights, viewer: Viewer) -> None:
        if isinstance(viewer, AllProjectsViewer) and viewer.caller in rights.callers:
            projects = viewer.wanted(rights.projects_of(viewer.caller))
            self._rejoin(viewer, {project_channel(each) for each in projects})
        elif viewer.project is None or not rights.may_read(viewer.caller, viewer.project):
            viewer.end()

    def _rejoin(self, viewer: Viewer, names: set[str]) -> None:
        """Follows the caller's projects as they come and go."""
        if viewer not in self._viewers:
            return
        for name in viewer.positions.keys() - names:
            self._part(viewer, name)
            del viewer.positions[name]
        for name in names - viewer.positions.keys():
            viewer.positions[name] = table.NEW
            self._join(viewer, name)
            viewer.spoil()

    async def _for_ever(
        self, work: Callable[[], Awaitable[None]], now: asyncio.Event, pause: Callable[[], float]
    ) -> None:
        """Runs `work` for ever, at each pause or when asked to, whatever becomes of it."""
        failing = False
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(now.wait(), pause())
                await asyncio.sleep(0.02)  # what comes out of order mostly comes at once
            now.clear()
            try:
                await work()
                failing = False
            except Exception as error:
                (logger.debug if failing else logger.warning)("A round of the streams failed, it goes on: %s", error)
                failing = True
