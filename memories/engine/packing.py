"""Readings of a long memory in a small part of the room that they take as objects."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from memories.engine.types import Reading

BATCH = 16
_DECODER = msgspec.msgpack.Decoder(list[Reading])


class Packed(Collection[Reading]):
    """Readings in their order, packed batch by batch; whoever goes through them has one batch of objects at a time.

    They take a tenth of the room then, and less.
    """

    def __init__(self, readings: Iterable[Reading] = ()) -> None:
        self._batches: list[bytes] = []
        self._length = 0
        self.last: Reading | None = None
        waiting = iter(readings)
        while batch := list(islice(waiting, BATCH)):
            self.add(batch)

    def add(self, batch: Sequence[Reading]) -> None:
        """Puts some more behind them."""
        if batch:
            self._batches.append(zlib.compress(msgspec.msgpack.encode(batch), 1))
            self._length += len(batch)
            self.last = batch[-1]

    def __iter__(self) -> Iterator[Reading]:
        for data in self._batches:
            yield from _DECODER.decode(zlib.decompress(data))

    def __len__(self) -> int:
        return self._length

    def __contains__(self, reading: object) -> bool:
        return any(reading == one for one in self)
