"""Takes the words of what was deleted out of SQLite's files; PostgreSQL needs nothing of the kind.

A row that is deleted is overwritten there and then (`PRAGMA secure_delete`). But the full-text index marks words as
deleted and keeps them until its segments are merged, and the write-ahead log keeps the pages as they were. Both are
done in short steps, so that other writers go on: at once where it is little, else by the dispatcher.
"""

from __future__ import annotations

import time

from django.db import connection, transaction

from memories.models import Erasure
from memories.search.fulltext import TABLE

PAGES = 64  # of four kilobytes: what one step writes
AT_ONCE_SECONDS = 0.2
BUSY_MILLISECONDS = 100


def soon() -> None:
    """To be called in the transaction of a deletion: what it leaves behind is swept up right after it, if it is
    little."""
    transaction.on_commit(lambda: Sweeper().turn(AT_ONCE_SECONDS) and None, robust=True)


class Sweeper:
    """Sweeps a little each turn; a round takes up all deletions that were made before it began."""

    def __init__(self) -> None:
        self._round: list[int] = []
        self._merged = False

    def turn(self, seconds: float = 0.0) -> bool:
        """One step, and more while there is time; whether nothing is left to do."""
        if connection.vendor != "sqlite" or connection.in_atomic_block:
            return True
        until = time.monotonic() + seconds
        if not self._round:
            self._round, self._merged = list(Erasure.objects.values_list("pk", flat=True)), False
            if not self._round:
                return True
            _merge(-PAGES)
        while not self._merged:
            self._merged = not _merge(PAGES)
            if time.monotonic() > until:
                break
        if not self._merged or not _truncate_log():
            return False
        Erasure.objects.filter(pk__in=self._round).delete()
        self._round = []
        return True


def _merge(pages: int) -> bool:
    """Merges some of the index's segments, all of them from a negative number on; whether there was something left."""
    with connection.cursor() as cursor:
        before = connection.connection.total_changes
        cursor.execute(f"INSERT INTO {TABLE}({TABLE}, rank) VALUES ('merge', %s)", [pages])  # noqa: S608
        return bool(connection.connection.total_changes - before >= 2)


def _truncate_log() -> bool:
    """Whether all of the write-ahead log is in the database now and the file is empty."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        usual = cursor.fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return not cursor.fetchone()[0]
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {int(usual)}")
