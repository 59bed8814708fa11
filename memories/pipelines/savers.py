"""Who saves an article. Saving one asks for its ingestion, which is above the pipelines; so the program names it at its
start, and a pipeline asks here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memories.engine.feeds import Entry
    from memories.models import Feed, Memory

Save = Callable[["Feed", "Entry"], "Memory | None"]
"""Saves a feed's entry as an article; None when its address is none that can be saved. NoRoom."""
_named: list[Save] = []


class NoRoom(Exception):
    """The project has as many tasks waiting as it may."""


def saves_with(save: Save) -> None:
    """Names who saves."""
    _named[:] = [save]


def save(feed: Feed, entry: Entry) -> Memory | None:
    return _named[0](feed, entry)
