"""Every migration undone and applied again, one by one, with rows in the tables; run in a process of its own."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from memstack.migrating import applying, history, portrait, rollback
from memstack.migrating.files import Key, key_of, label

Dump = dict[str, list[dict[str, Any]]]
OWN_TABLES = {"django_migrations", "memstack_migrations"}


def fill() -> None:
    """Rows of every kind that an ingestion leaves."""
    from memories import keys, services
    from tests.memories import rows

    user = User.objects.create_user("alice", password="correct horse battery", last_login=timezone.now())
    keys.issue(user, "tests")
    project = services.create_project(user, name="Apollo")
    memory = rows.memory(project, "Ann: I, Ann, live in Oslo.", "Bob: I am her brother.", tags=["family"])
    ann, oslo = rows.entity(project, "Ann"), rows.entity(project, "Oslo", "location")
    rows.mention(ann, memory)
    rows.fact(ann, "lives_in", oslo, memory)
    rows.community(project, "Family", ann)


def dump() -> Dump:
    """The rows of all tables, those of the full-text index and of the migrations left out."""
    dumped: Dump = {}
    with connection.cursor() as cursor:
        for table in portrait.tables(connection):
            if table in OWN_TABLES or "_fts" in table:
                continue
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608
            names = [column[0] for column in cursor.description]
            dumped[table] = sorted((dict(zip(names, row, strict=True)) for row in cursor.fetchall()), key=str)
    return dumped


def same(middle: Dump, other: Dump) -> list[str]:
    """The tables whose rows are not the same in the columns that both have."""
    different = []
    for table in middle.keys() & other.keys():
        common = columns(middle[table]) & columns(other[table])
        one, two = (
            sorted(str(sorted((name, str(row[name])) for name in common)) for row in rows)
            for rows in (middle[table], other[table])
        )
        if one != two:
            different.append(table)
    return different


def columns(rows: list[dict[str, Any]]) -> set[str]:
    return set(rows[0]) if rows else set()


def shape() -> Any:
    return {
        name: (table.columns, sorted((part.kind, part.definition) for part in table.parts))
        for name, table in portrait.take(connection).items()
        if name not in OWN_TABLES
    }


def before_it(order: list[Key], key: Key) -> str:
    """What to go back to so that the migration is undone: the one before it in its app."""
    earlier = [name for app, name in order[: order.index(key)] if app == key[0]]
    return earlier[-1] if earlier else rollback.ZERO


def undo(order: list[Key], key: Key) -> int:
    return rollback.rollback(key[0], before_it(order, key), lambda _line: None, lambda: True)


def apply(key: Key) -> int:
    return applying.apply(lambda _line: None, app=key[0], name=key[1])


def run() -> None:
    """Prints `same` when all came out as it was."""
    fill()
    order = history.read(connection).order
    first, rows = shape(), dump()
    print(f"{sum(bool(found) for found in rows.values())} tables with rows")
    for key in reversed(order):
        earlier_shape, earlier = shape(), dump()
        undone = undo(order, key)
        assert undone == 1, (label(key), undone)
        middle = dump()
        assert apply(key) == 1, label(key)
        assert shape() == earlier_shape, label(key)
        later = dump()
        assert not (found := same(middle, earlier) + same(middle, later)), (label(key), found)
        undo(order, key)
    assert not shape(), shape().keys()
    applying.apply(lambda _line: None)
    assert shape() == first
    assert [key_of(migration) for migration, _ in history.read(connection).plan] == []
    print("same")
