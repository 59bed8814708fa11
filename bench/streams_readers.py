"""Many readers in a process of their own. Reads commands as lines of JSON and answers each with one."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from typing import Any

from bench.streams_client import Faults, Stream, begin, faults

AT_ONCE = 40  # requests under way while many streams are opened


class Readers:
    def __init__(self) -> None:
        self.streams: list[Stream] = []
        self.flapping: list[asyncio.Task[list[int]]] = []
        self.going = False

    async def open(self, url: str, paths: list[str], key: str, seconds: float = 30) -> dict[str, Any]:
        """Opens the streams; how many answered how, in how many seconds."""
        began, gate = time.monotonic(), asyncio.Semaphore(AT_ONCE)

        async def one(path: str) -> Stream | None:
            async with gate:
                try:
                    return await begin(url, path, key, seconds=max(0.1, began + seconds - time.monotonic()))
                except (TimeoutError, OSError):
                    return None

        opened = await asyncio.gather(*map(one, paths))
        self.streams = [stream for stream in opened if stream is not None]
        good = sum(stream.status == 200 and not stream.ended.is_set() for stream in self.streams)
        return {"open": good, "seconds": time.monotonic() - began}

    async def report(self, first: int, last: int, seconds: float = 3) -> dict[str, Any]:
        """Waits until each stream has its last number or the time is over; the events, and what was wrong with them."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not all(last in stream.numbers()[-3:] for stream in self.streams):
            await asyncio.sleep(0.3)
        wanted = range(first, last + 1)
        wrong = sum((faults(stream.numbers(), wanted) for stream in self.streams), Faults())
        arrivals = [stream.events() for stream in self.streams]
        return {"faults": [wrong.lost, wrong.repeated, wrong.disordered], "arrivals": arrivals}

    async def flap(self, url: str, path: str, key: str, count: int, last_id: str) -> int:
        """Starts readers that leave and come back all the time."""
        self.going = True
        self.flapping = [asyncio.create_task(self._flap(url, path, key, last_id)) for _ in range(count)]
        return count

    async def _flap(self, url: str, path: str, key: str, last_id: str) -> list[int]:
        numbers: list[int] = []
        while self.going:
            stream = await begin(url, path, key, last_id)
            await asyncio.sleep(random.uniform(0.2, 0.6))  # noqa: S311 - no secret
            stream.close()
            numbers += stream.numbers()
            last_id = stream.last_id or last_id
        stream = await begin(url, path, key, last_id)
        await asyncio.sleep(2.5)
        stream.close()
        return numbers + stream.numbers()

    async def settle(self, first: int, last: int) -> list[int]:
        """Lets them read to the end; what was lost, repeated and out of order."""
        self.going = False
        found = await asyncio.gather(*self.flapping)
        wrong = sum((faults(numbers, range(first, last + 1)) for numbers in found), Faults())
        return [wrong.lost, wrong.repeated, wrong.disordered]

    async def close(self) -> int:
        for stream in self.streams:
            stream.close()
        await asyncio.sleep(0.2)
        statuses = Counter(stream.status for stream in self.streams)
        self.streams = []
        return statuses[200]


async def main() -> None:
    readers = Readers()
    while line := await asyncio.to_thread(sys.stdin.readline):
        name, arguments = json.loads(line)
        print(json.dumps(await getattr(readers, name)(**arguments)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
