"""Django's executor, with each migration, Django's row and ours in one transaction.

Django makes some indexes and foreign keys of a migration last, and writes its row after that transaction. A process
killed in between leaves tables that no row tells of, and the next start fails on them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState

from memstack.migrating.errors import LOCK_NOT_AVAILABLE, NO_RIGHTS, READ_ONLY, Exit, Trouble, code_of
from memstack.migrating.files import checksum, key_of
from memstack.migrating.records import Records

Say = Callable[[str], None]
Before = Callable[[Migration, ProjectState], None]


class TableInUse(Exception):
    """A statement did not get its lock in time; nothing of the migration was kept."""


class Executor(MigrationExecutor):
    """`say` hears of each step; `before` is called with each migration about to be applied and the state before it."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        super().__init__(connection)
        self.records = Records(connection)
        self.say: Say = lambda _line: None
        self.before: Before = lambda _migration, _state: None

    def state_of_applied(self) -> ProjectState:
        """What the applied migrations make."""
        return self._create_project_state(with_applied_migrations=True)  # type: ignore[attr-defined, no-any-return]

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        """Applies one migration; Trouble when it fails, TableInUse when it should be tried again."""
        self.before(migration, state)
        started = time.monotonic()
        try:
            with self.connection.schema_editor(atomic=migration.atomic) as editor:
                state = migration.apply(state, editor)
                _finish(editor)
                self.record_migration(migration)  # type: ignore[call-arg, arg-type]  # the stubs are of an older Django
                self._note(migration, time.monotonic() - started)
        except Exception as error:
            raise self._failure(migration, error, "applied") from error
        self.say(f"Applied {migration} in {time.monotonic() - started:.2f} s")
        return state

    def unapply_migration(self, state: ProjectState, migration: Migration, fake: bool = False) -> ProjectState:
        """Undoes one migration; Trouble when it fails."""
        started = time.monotonic()
        try:
            with self.connection.schema_editor(atomic=migration.atomic) as editor:
                state = migration.unapply(state, editor)
                _finish(editor)
                for key in [*migration.replaces, key_of(migration)]:
                    self.recorder.record_unapplied(*key)
                    self.records.remove(key)
        except Exception as error:
            raise self._failure(migration, error, "undone") from error
        self.say(f"Undid {migration} in {time.monotonic() - started:.2f} s")
        return state

    def _note(self, migration: Migration, seconds: float) -> None:
        for key in migration.replaces or [key_of(migration)]:
            self.records.add(key, checksum=checksum(migration), seconds=round(seconds, 3))

    def _failure(self, migration: Migration, error: Exception, what: str) -> Exception:
        """The Trouble that names the migration, or TableInUse."""
        kept = "Nothing of it was kept." if migration.atomic else "It may be half done; it can be run again."
        code = code_of(error) if isinstance(error, DatabaseError) else ""
        if code == LOCK_NOT_AVAILABLE:
            return TableInUse(str(migration))
        status = Exit.RIGHTS if code in READ_ONLY | NO_RIGHTS else Exit.FAILED
        text = " ".join(str(error).split()) or type(error).__name__
        return Trouble(
            status,
            f"{migration} was not {what}: {text} ({type(error).__name__}). {kept} What came before it is done. Mend "
            "the cause and run the same command again; `manage.py manage_migrations status` tells where it stands.",
        )


def _finish(editor: BaseDatabaseSchemaEditor) -> None:
    """Runs now what the editor would run at its end."""
    statements: list[Any] = editor.deferred_sql
    while statements:
        editor.execute(statements.pop(0), None)
