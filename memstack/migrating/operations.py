"""Operations for tables in use: on PostgreSQL they let others go on; on SQLite they are the plain ones."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres import operations as postgresql
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import AddConstraint, AddIndex
from django.db.migrations.state import ProjectState


class AddIndexConcurrently(postgresql.AddIndexConcurrently):
    """An index made while the table is written to.

    Its migration needs `atomic = False` and no other operation. Run again after it was killed, it removes what is half
    made and keeps what is whole.
    """

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            if self.index.name not in _sqlite_indexes(schema_editor):
                AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)
            return
        is_valid = _validity(schema_editor, self.index.name)
        if is_valid is False:
            name = schema_editor.quote_name(self.index.name)
            schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        if not is_valid:
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
        else:
            AddIndex.database_backwards(self, app_label, schema_editor, from_state, to_state)


class AddConstraintNotValid(postgresql.AddConstraintNotValid):
    """A check of what is written from now on; `ValidateConstraint` looks at the older rows."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            AddConstraint.database_forwards(self, app_label, schema_editor, from_state, to_state)


class ValidateConstraint(postgresql.ValidateConstraint):
    """Looks at the rows that were there before the check; in a migration after the one that added it."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)


def _sqlite_indexes(schema_editor: BaseDatabaseSchemaEditor) -> set[str]:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
        return {name for (name,) in cursor.fetchall()}


def _validity(schema_editor: BaseDatabaseSchemaEditor, name: str) -> bool | None:
    """Whether an index is whole; None when there is none."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [schema_editor.quote_name(name)]
        )
        row: Any = cursor.fetchone()
    return row[0] if row else None
