"""Brings the database up to date: once, however many processes start together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import connection

from memstack.migrating import hazards, history, portrait
from memstack.migrating.errors import Exit, Trouble, explained
from memstack.migrating.executor import Executor, TableInUse
from memstack.migrating.files import checksum, key_of
from memstack.migrating.history import History, Plan
from memstack.migrating.lock import alone_with_the_schema

Say = Callable[[str], None]
Choose = Callable[[History], Plan]
LOCK_SECONDS = 3  # a statement that waits for a table holds up all that come after it
TRIES = 5
PAUSE = 1.0  # seconds


def apply(say: Say, *, step: Say | None = None, app: str | None = None, name: str | None = None) -> int:
    """Applies what is pending, or up to one app or migration; returns how many migrations that were.

    `say` hears of the whole and of what may take long, `step` of each migration.
    """
    choose = partial(_plan, app=app, name=name)
    with explained():
        reading = history.read(connection)
        reading.refuse_newer()
        if not choose(reading) and not reading.unsettled:
            return 0
        with alone_with_the_schema(connection, say, settings.MEMSTACK_MIGRATION_WAIT):
            return _apply(choose, say, step or say)


def create(say: Say) -> int:
    """Makes all tables in an empty database; Trouble in any other."""
    with explained():
        connection.ensure_connection()
        return _create(say)


def _create(say: Say) -> int:
    with alone_with_the_schema(connection, say, settings.MEMSTACK_MIGRATION_WAIT):
        if found := sorted(portrait.tables(connection)):
            raise Trouble(
                Exit.REFUSED,
                f"The database is not empty: it has {len(found)} tables, {found[0]} for one. To bring it up to date, "
                "run `manage.py manage_migrations apply`. Nothing was changed.",
            )
        return _apply(lambda reading: reading.plan, say, say)


def pending() -> tuple[int, bool]:
    """How many migrations wait, and whether the database is empty."""
    with explained():
        reading = history.read(connection)
        return len(reading.pending), not reading.applied


def _plan(reading: History, *, app: str | None, name: str | None) -> Plan:
    if app is None:
        return reading.plan
    reading.refuse_unknown_app(app)
    if name is None:
        leaves = [key for key in reading.graph.leaf_nodes() if key[0] == app]
        return reading.executor.migration_plan(leaves)
    key = key_of(reading.find(app, name))
    if key in reading.applied:
        return []
    return reading.executor.migration_plan([key])


def _apply(choose: Choose, say: Say, step: Say) -> int:
    count = 0
    for last in (*[False] * (TRIES - 1), True):
        reading = history.read(connection)
        reading.refuse_newer()
        plan = choose(reading)
        count = max(count, len(plan))
        try:
            _run(reading, plan, say, step)
        except TableInUse as error:
            if last:
                raise Trouble(
                    Exit.BUSY,
                    f"{error} did not get its table in {TRIES} tries: another program keeps it in use for over "
                    f"{LOCK_SECONDS} s. Nothing of it was kept. Stop that program and run the same command again.",
                ) from error
            say(f"{error} waits: its table is in use; trying again …")
            time.sleep(PAUSE)
        else:
            break
    return count


def _run(reading: History, plan: Plan, say: Say, step: Say) -> None:
    executor = reading.executor
    executor.say = step
    if plan:
        say(f"Bringing the database up to date ({len(plan)} migrations) …")
        executor.before = hazards.Watch(connection, say).tell
    executor.records.ensure_table()
    adopt(reading)
    with short_locks():
        migrate(executor, plan)


def migrate(executor: Executor, plan: Plan) -> None:
    """Runs a plan, forwards or backwards, with Django's signals before and after it."""
    state = executor.state_of_applied()
    options: dict[str, Any] = {"verbosity": 0, "interactive": False, "db": connection.alias, "plan": plan}
    emit_pre_migrate_signal(apps=state.apps, **options)
    forwards = bool(plan) and not plan[0][1]
    state = executor.migrate(None, plan=plan, state=state.clone() if forwards else None)
    state.clear_delayed_apps_cache()
    emit_post_migrate_signal(apps=state.apps, **options)
    executor.records.settle()


def adopt(reading: History) -> None:
    """Rows for what was applied by another way."""
    for key in reading.unrecorded:
        migration = reading.migration(key)
        applied_at = reading.applied[key].applied
        reading.executor.records.adopt(key, checksum=checksum(migration), applied_at=applied_at)


@contextmanager
def short_locks() -> Iterator[None]:
    """A statement of ours waits for a table for seconds only, because everybody after it waits with it."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{LOCK_SECONDS}s"])
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")
