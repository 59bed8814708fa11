"""One process at a time changes the schema; a killed one lets go of the lock with its life."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper

from memstack.migrating.errors import Exit, Trouble

Say = Callable[[str], None]
Take = Callable[[], bool]
POSTGRESQL_LOCK = 0x6D656D73  # a number of our own among PostgreSQL's advisory locks, which are counted by database
ASK_EVERY = 0.2  # seconds


@contextmanager
def alone_with_the_schema(connection: BaseDatabaseWrapper, say: Say, patience: float) -> Iterator[None]:
    """Holds the lock; Trouble when another process has had it for `patience` seconds."""
    holding = _postgresql if connection.vendor == "postgresql" else _beside_the_file
    with holding(connection) as take:
        _wait(take, say, patience)
        yield


def _wait(take: Take, say: Say, patience: float) -> None:
    deadline, told = time.monotonic() + patience, False
    while not take():
        if time.monotonic() > deadline:
            raise Trouble(
                Exit.BUSY,
                f"Another process has been changing the tables for over {patience:g} s; nothing was changed by this "
                "one. Look at that process, or wait longer: MEMSTACK_MIGRATION_WAIT.",
            )
        if not told:
            say("Another process is changing the tables; waiting for it …")
            told = True
        time.sleep(ASK_EVERY)


@contextmanager
def _postgresql(connection: BaseDatabaseWrapper) -> Iterator[Take]:
    """An advisory lock of this session: lock and migration end with the same connection.

    It is asked for again and again, for a statement that waits would hold up CREATE INDEX CONCURRENTLY for ever.
    """

    def ask(function: str) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", [POSTGRESQL_LOCK])
            (answer,) = cursor.fetchone()
        return bool(answer)

    held = False

    def take() -> bool:
        nonlocal held
        held = ask("pg_try_advisory_lock")
        return held

    try:
        yield take
    finally:
        if held and connection.is_usable():
            ask("pg_advisory_unlock")


@contextmanager
def _beside_the_file(connection: BaseDatabaseWrapper) -> Iterator[Take]:
    """A lock on a file beside SQLite's; the kernel lifts it when the process ends."""
    path = Path(f"{connection.settings_dict['NAME']}.migrating")
    try:
        file = path.open("a")
    except OSError as error:
        raise Trouble(
            Exit.RIGHTS,
            f"The folder {path.parent} can't be written to ({error.strerror}); give this user the right to. "
            "Nothing was changed.",
        ) from error

    def take() -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    with file:
        yield take
