"""Who waits for SQLite's one writer: threads in turn, processes without long sleeps, nobody for ever."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.utils import OperationalError

from memstack.sqlite3 import base
from memstack.sqlite3.base import DatabaseWrapper

SECONDS = 5.0


class Database:
    """A file with one table, and connections to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.wrappers: list[DatabaseWrapper] = []
        with self.connected() as here, here.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("CREATE TABLE noted (word TEXT)")

    @contextmanager
    def connected(self, seconds: float = SECONDS) -> Iterator[DatabaseWrapper]:
        options = {"transaction_mode": "IMMEDIATE", "timeout": seconds}
        wrapper = DatabaseWrapper({**connection.settings_dict, "NAME": str(self.path), "OPTIONS": options}, "other")
        wrapper.inc_thread_sharing()
        try:
            yield wrapper
        finally:
            wrapper.close()


def begin(wrapper: DatabaseWrapper) -> None:
    wrapper.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)


@pytest.fixture(autouse=True)
def databases_allowed(django_db_blocker: Any) -> Iterator[None]:
    """These have databases of their own, not the one that tests share."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "notes.sqlite3")


@pytest.fixture
def elsewhere(database: Database) -> Iterator[sqlite3.Connection]:
    """A connection that knows nothing of turns, as another process has."""
    other = sqlite3.connect(database.path, isolation_level=None, check_same_thread=False)
    yield other
    other.close()


def test_a_transaction_waits_for_another_process_and_begins_soon_after_it(
    database: Database, elsewhere: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    sleep = time.sleep

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", pause)
    elsewhere.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    threading.Timer(0.5, elsewhere.execute, ["COMMIT"]).start()
    with database.connected() as here:
        begin(here)
        here.rollback()
    assert 0.4 < time.monotonic() - began < SECONDS
    assert len(pauses) > 20
    assert max(pauses) <= 1.5 * base.LONG_PAUSE


def test_who_waits_too_long_is_told_so(database: Database, elsewhere: sqlite3.Connection) -> None:
    elsewhere.execute("BEGIN IMMEDIATE")
    with database.connected(seconds=0.2) as here:
        with pytest.raises(OperationalError, match="database is locked"):
            begin(here)
        assert not base._turn.locked()
        elsewhere.execute("ROLLBACK")
        begin(here)
        here.rollback()


def test_who_waits_too_long_for_its_turn_is_told_so(database: Database) -> None:
    with database.connected() as first, database.connected(seconds=0.2) as second:
        begin(first)
        with pytest.raises(OperationalError, match="database is locked"):
            begin(second)
        first.rollback()
        begin(second)
        second.rollback()


@pytest.mark.parametrize(
    "end",
    [DatabaseWrapper.commit, DatabaseWrapper.rollback, DatabaseWrapper.close],
    ids=["commit", "rollback", "close"],
)
def test_the_turn_ends_with_the_transaction(database: Database, end: Callable[[DatabaseWrapper], None]) -> None:
    with database.connected() as first, database.connected(seconds=0.5) as second:
        begin(first)
        end(first)
        assert not base._turn.locked()
        begin(second)
        second.rollback()


def test_a_commit_that_fails_gives_its_turn_back(database: Database) -> None:
    with database.connected() as first, database.connected(seconds=0.5) as second:
        with first.cursor() as cursor:
            cursor.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
            cursor.execute("CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
        begin(first)
        with first.cursor() as cursor:
            cursor.execute("INSERT INTO child VALUES (1)")
        with pytest.raises(Exception, match="FOREIGN KEY"):
            first.commit()
        assert not base._turn.locked()
        first.rollback()
        begin(second)
        second.rollback()


def test_what_is_no_waiting_is_raised_at_once(tmp_path: Path) -> None:
    broken = tmp_path / "notes.sqlite3"
    broken.write_bytes(b"this is no database" * 100)
    options = {"transaction_mode": "IMMEDIATE", "timeout": 60}
    wrapper = DatabaseWrapper({**connection.settings_dict, "NAME": str(broken), "OPTIONS": options}, "other")
    with pytest.raises(Exception, match="not a database"):
        begin(wrapper)
    wrapper.close()


def test_threads_have_their_turns_while_another_process_writes(
    database: Database, elsewhere: sqlite3.Connection
) -> None:
    """None of four threads waits for more than all the others together, however often another process comes between."""
    turns = dict.fromkeys(range(4), 0)
    stop = threading.Event()

    def write(number: int) -> None:
        with database.connected() as here:
            while not stop.is_set():
                begin(here)
                time.sleep(0.002)
                here.commit()
                here.set_autocommit(True)
                turns[number] += 1

    def disturb() -> None:
        while not stop.is_set():
            elsewhere.execute("BEGIN IMMEDIATE")
            time.sleep(0.002)
            elsewhere.execute("COMMIT")
            time.sleep(0.001)

    threads = [threading.Thread(target=write, args=(number,)) for number in turns]
    threads.append(threading.Thread(target=disturb))
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    stop.set()
    for thread in threads:
        thread.join()
    assert min(turns.values()) > max(turns.values()) / 4, turns
