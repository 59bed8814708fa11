"""One open stream: its place on its channels and what waits to be sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from uuid import UUID

from tasks_app.streams.callers import Caller
from tasks_app.streams.frames import KEEP_ALIVE, Frame, position, with_id
from tasks_app.streams.table import Batch

LIMIT = 1000  # waiting events a stream; who is further behind reads the table again


class Viewer:
    """Takes the events of its channels in their order, each once.

    The hub only drops frames into a bounded queue and rings, so that a slow reader delays nobody. `stale` says that the
    queue is no longer all there is and the table must be read from the stream's own place.

    What happens once a delivery and stream is kept bare, since a thousand streams do it at each event: the bell is one
    future for each wait, and no timer is made for it; signs of life have a timer of their own.
    """

    def __init__(self, caller: Caller, positions: Mapping[str, int | None], project: UUID | None = None) -> None:
        self.caller = caller
        self.positions = dict(positions)
        self.project = project
        self.stale = True
        self.ended = False
        self._queue: deque[Frame] = deque()
        self._reminded = False
        self._bell: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def offer(self, frame: Frame) -> None:
        if len(self._queue) < LIMIT:
            self._queue.append(frame)
            self._ring()
        else:
            self.spoil()

    def spoil(self) -> None:
        """Gives up the queue for the table."""
        self._queue.clear()
        self.stale = True
        self._ring()

    def end(self) -> None:
        self.ended = True
        if self._timer is not None:
            self._timer.cancel()
        self._ring()

    def remind_every(self, seconds: float) -> None:
        """Asks for a sign of life every so often, whatever else is sent, until the end."""
        self._timer = asyncio.get_running_loop().call_later(seconds, self._remind, seconds)

    def _remind(self, seconds: float) -> None:
        self._reminded = True
        self._ring()
        self.remind_every(seconds)

    def _ring(self) -> None:
        if self._bell is not None and not self._bell.done():
            self._bell.set_result(None)

    async def wait(self) -> None:
        """Until there is something to do."""
        if not (self._queue or self.stale or self.ended or self._reminded):
            self._bell = asyncio.get_running_loop().create_future()
            await self._bell

    def waiting(self) -> Iterator[bytes]:
        """The events in the queue, as they go out; what the stream has had is dropped, a gap makes it stale."""
        if self._reminded:
            self._reminded = False
            yield KEEP_ALIVE
        while self._queue and not self.stale and not self.ended:
            frame = self._queue.popleft()
            place = self.positions.get(frame.channel)
            if place is None or frame.number > place + 1:
                self.spoil()
            elif frame.number == place + 1:
                yield self._take(frame)

    def read(self, batches: Mapping[str, Batch]) -> Iterator[bytes]:
        """The events of the table, as they go out; a channel that the stream has left meanwhile is passed over."""
        for channel, batch in batches.items():
            for frame in batch.frames if channel in self.positions else ():
                if not self.ended:
                    yield self._take(frame)
            if channel in self.positions:
                self.positions[channel] = batch.position

    def _take(self, frame: Frame) -> bytes:
        self.positions[frame.channel] = frame.number
        return self.render(frame)

    def render(self, frame: Frame) -> bytes:
        return frame.whole

    def identifier(self) -> str:
        """The id with which a reader would come back to the present place."""
        return ",".join(
            position(channel, number)
            for channel, number in self.positions.items()
            if number is not None and number >= 0
        )

    def place(self) -> list[bytes]:
        """An id without an event, which browsers note but do not show: a break before the first event loses none."""
        return [with_id(self.identifier(), b"\n")] if self.identifier() else []


class TaskViewer(Viewer):
    """The stream of one task, which the terminal event ends."""

    def _take(self, frame: Frame) -> bytes:
        if frame.terminal:
            self.ended = True
        return super()._take(frame)


class AllProjectsViewer(Viewer):
    """The stream of all projects of a user, or of those in `only`; its ids name its place in each that has events.

    One number for all would be shorter, but numbers that are given out before their transactions commit become visible
    out of order, and a reader that comes back with one could miss an event.
    """

    def __init__(
        self, caller: Caller, positions: Mapping[str, int | None], *, only: frozenset[UUID] | None = None
    ) -> None:
        super().__init__(caller, positions)
        self._only = only

    def wanted(self, projects: set[UUID]) -> set[UUID]:
        """Which of the caller's projects the stream follows."""
        return projects if self._only is None else projects & self._only

    def render(self, frame: Frame) -> bytes:
        return with_id(self.identifier(), frame.body)
