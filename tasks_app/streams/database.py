"""The few threads in which streams read the database, so that an open stream holds neither thread nor connection."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

from django.db import DatabaseError, DataError, InterfaceError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
AWAY = (DatabaseError, InterfaceError)
MAX_AGE = 60.0  # seconds that a thread keeps its connection: a database that was replaced is noticed
TOGETHER = 50  # items of one call at most


@dataclass(frozen=True, slots=True)
class Asked(Generic[T, R]):
    """What somebody waits for, who may have gone meanwhile."""

    item: T
    answer: asyncio.Future[R]

    def succeed(self, result: R) -> None:
        if not self.answer.done():
            self.answer.set_result(result)

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


def is_away(error: Exception) -> bool:
    """Data that the database refuses will be refused again."""
    return isinstance(error, AWAY) and not isinstance(error, DataError)


class Database:
    """A pool of `threads`, each with at most one connection, which an error or its age ends."""

    def __init__(self, threads: int, tries: int = 3, pause: float = 0.2) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="stream-db")
        self._tries = tries
        self._pause = pause
        self._born = threading.local()
        self._wrappers: set[BaseDatabaseWrapper] = set()
        self._waiting: defaultdict[Callable[..., Any], deque[Asked[Any, Any]]] = defaultdict(deque)
        self._serving: dict[Callable[..., Any], asyncio.Task[None]] = {}

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls `function` in a thread; when the database is away again after a pause, thrice in all by default."""
        for attempt in range(1, self._tries + 1):
            try:
                return await self.once(function, *args, **kwargs)
            except AWAY as error:
                if attempt == self._tries or not is_away(error):
                    raise
                logger.info("The database did not answer a stream, trying again: %s", error)
                await asyncio.sleep(self._pause * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
        raise AssertionError("unreachable")

    async def together(self, function: Callable[[list[T]], list[R]], item: T) -> R:
        """What `function` finds for the item in a call that takes along what is asked of it meanwhile.

        So a thousand who come at once cost a few dozens of calls, and one who comes alone waits for nobody.
        """
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        waiting = self._waiting[function]
        waiting.append(Asked(item, answer))
        if function not in self._serving:
            self._serving[function] = asyncio.create_task(self._serve(function, waiting))
        return await answer

    async def _serve(self, function: Callable[[list[T]], list[R]], waiting: deque[Asked[T, R]]) -> None:
        try:
            while waiting:
                await self._answer(function, [waiting.popleft() for _ in range(min(len(waiting), TOGETHER))])
        finally:
            del self._serving[function]

    async def _answer(self, function: Callable[[list[T]], list[R]], asked: Sequence[Asked[T, R]]) -> None:
        """One call for all; when an item makes it fail, each has a call of its own, so that no other suffers by it."""
        try:
            found = await self.run(function, [each.item for each in asked])
            for each, result in zip(asked, found, strict=True):
                each.succeed(result)
        except asyncio.CancelledError:  # the threads have ended
            for each in asked:
                each.answer.cancel()
        except Exception as error:
            if len(asked) == 1 or is_away(error):
                for each in asked:
                    each.fail(error)
                return
            for each in asked:
                await self._answer(function, [each])

    async def once(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The same without a second try."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: self._call(function, *args, **kwargs))

    def _call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            result = _again_if_broken_off(function, *args, **kwargs)
        except BaseException:
            connections.close_all()
            raise
        self._keep_or_close()
        return result

    def _keep_or_close(self) -> None:
        """Connections stay open for a while: on PostgreSQL a new one costs more than the queries of a stream."""
        now = time.monotonic()
        if now - getattr(self._born, "at", 0.0) > MAX_AGE:
            connections.close_all()
            self._born.at = now
        self._wrappers.update(connections.all(initialized_only=True))

    def close(self) -> None:
        """Ends the threads and their connections."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for wrapper in self._wrappers:
            wrapper.inc_thread_sharing()
            wrapper.close()
        self._wrappers.clear()


def _again_if_broken_off(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """That a kept connection has broken off says nothing of the database now, and each thread may keep such a one."""
    try:
        return function(*args, **kwargs)
    except AWAY:
        kept = [wrapper for wrapper in connections.all(initialized_only=True) if wrapper.connection is not None]
        if all(wrapper.is_usable() for wrapper in kept):
            raise
    connections.close_all()
    return function(*args, **kwargs)
