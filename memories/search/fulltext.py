"""The full-text index over SearchDocument: FTS5 on SQLite, kept by triggers; a generated column on PostgreSQL.

Django rebuilds a SQLite table for some changes of its model, which drops the table's triggers; `after_migrate`, a
receiver of post_migrate, puts them back.
"""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

CONTENT = "memories_searchdocument"
TABLE = "memories_searchdocument_fts"
WORDS = "words"
GIN_INDEX = "search_document_words"
LONGEST = 100_000  # characters: a tsvector may have a megabyte

_CREATE = f"""
CREATE VIRTUAL TABLE IF NOT EXISTS {TABLE} USING fts5(
    project_id, kind, text,
    content='{CONTENT}', content_rowid='id', tokenize='porter unicode61 remove_diacritics 2'
)"""
_ADD = f"INSERT INTO {TABLE}(rowid, project_id, kind, text) VALUES (new.id, new.project_id, new.kind, new.text);"  # noqa: S608
_TAKE = f"""
INSERT INTO {TABLE}({TABLE}, rowid, project_id, kind, text)
VALUES ('delete', old.id, old.project_id, old.kind, old.text);"""  # noqa: S608
_TRIGGERS = {
    f"{TABLE}_insert": f"AFTER INSERT ON {CONTENT} BEGIN {_ADD} END",
    f"{TABLE}_delete": f"AFTER DELETE ON {CONTENT} BEGIN {_TAKE} END",
    f"{TABLE}_update": f"AFTER UPDATE OF id, project_id, kind, text ON {CONTENT} BEGIN {_TAKE} {_ADD} END",
}
_REBUILD = f"INSERT INTO {TABLE}({TABLE}) VALUES ('rebuild')"  # noqa: S608


def create(connection: BaseDatabaseWrapper) -> None:
    """Makes the index of what is there; nothing happens where it exists."""
    if connection.vendor == "postgresql":
        words = f"to_tsvector('english', left(text, {LONGEST}))"
        generated = f"tsvector GENERATED ALWAYS AS ({words}) STORED"
        _execute(connection, f"ALTER TABLE {CONTENT} ADD COLUMN IF NOT EXISTS {WORDS} {generated}")
        _execute(connection, f"CREATE INDEX IF NOT EXISTS {GIN_INDEX} ON {CONTENT} USING gin ({WORDS})")
    elif connection.vendor == "sqlite":
        _execute(connection, _CREATE)
        ensure(connection)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Undoes `create`."""
    if connection.vendor == "postgresql":
        _execute(connection, f"ALTER TABLE {CONTENT} DROP COLUMN IF EXISTS {WORDS}")
    elif connection.vendor == "sqlite":
        for name in _TRIGGERS:
            _execute(connection, f"DROP TRIGGER IF EXISTS {name}")
        _execute(connection, f"DROP TABLE IF EXISTS {TABLE}")


def ensure(connection: BaseDatabaseWrapper) -> bool:
    """On SQLite, puts missing triggers back and reads all documents again; True when that was necessary."""
    if connection.vendor != "sqlite" or not _names(connection, "table") >= {TABLE, CONTENT}:
        return False
    missing = _TRIGGERS.keys() - _names(connection, "trigger")
    for name in missing:
        _execute(connection, f"CREATE TRIGGER {name} {_TRIGGERS[name]}")
    if missing:
        _execute(connection, _REBUILD)
    return bool(missing)


def migrate_forwards(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    create(schema_editor.connection)


def migrate_backwards(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    remove(schema_editor.connection)


def after_migrate(using: str, **kwargs: Any) -> None:
    """Receiver of post_migrate."""
    ensure(connections[using])


def _names(connection: BaseDatabaseWrapper, kind: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = %s", [kind])
        return {name for (name,) in cursor.fetchall()}


def _execute(connection: BaseDatabaseWrapper, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
