"""Django's SQLite, with a fair queue for its one writer.

SQLite lets who finds the writer taken sleep for longer each time, up to a tenth of a second, while who comes later may
find it free. Under load a few requests waited for many others, and workers hardly got a turn beside a busy web process.
Here the threads of a process wait in turn, and one of them asks again every millisecond or two.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

SHORT_WAIT = 0.1  # seconds after which it is a long transaction that is waited for, and asked about less often
SHORT_PAUSE, LONG_PAUSE = 0.001, 0.01

_turn = threading.Lock()  # of this process's threads; all its connections are to the one database


class DatabaseWrapper(base.DatabaseWrapper):
    """`timeout` of the options, in seconds, is how long a transaction waits for the writer, its turn included; then
    OperationalError."""

    _has_turn = False

    def _start_transaction_under_autocommit(self) -> None:
        seconds = float(self.settings_dict["OPTIONS"].get("timeout", 5))
        began = time.monotonic()
        self._has_turn = self._has_turn or _turn.acquire(timeout=seconds)
        try:
            self._begin(began, seconds)
        except BaseException:
            self._end_turn()
            raise

    def _begin(self, began: float, seconds: float) -> None:
        self._let_sqlite_wait(0)
        try:
            while not self._got_writer():
                waited = time.monotonic() - began
                if waited > seconds:
                    raise OperationalError("database is locked")
                time.sleep((SHORT_PAUSE if waited < SHORT_WAIT else LONG_PAUSE) * random.uniform(0.5, 1.5))  # noqa: S311
        finally:
            self._let_sqlite_wait(seconds)

    def _got_writer(self) -> bool:
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # the stubs leave out what backends are made of
        except OperationalError as error:
            if getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        return True

    def _let_sqlite_wait(self, seconds: float) -> None:
        self.connection.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")

    def _end_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            _turn.release()

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]
        finally:
            self._end_turn()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._end_turn()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._end_turn()
