"""Finds migrations that lock or rewrite a table in use, break the version that still runs, or can't be undone.

`python -m tests.migration_lint` applies all migrations to an empty PostgreSQL and reads the SQL that they run, that of
RunPython included. docs/development.md says how to do each thing in steps. A migration may say why it may:
`accepted_hazards = {"index": "the table has a row for each worker"}`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.postgres import Server
from tests.stack import clean_environment

if TYPE_CHECKING:
    from django.db.migrations import Migration


def faults(migration: Migration, statements: list[str]) -> Iterator[str]:
    """A line for each."""
    from memstack.migrating import hazards

    accepted = getattr(migration, "accepted_hazards", {})
    for hazard in hazards.find(statements, "postgresql"):
        if hazard.rule.breaks and not accepted.get(hazard.rule.code):
            yield f"{migration}: [{hazard.rule.code}] {hazard.rule.effect}: {hazard.table}"
    if not migration.atomic and len(migration.operations) != 1:
        yield f"{migration}: [atomic] does several things without a transaction, so a kill leaves it half done"
    for operation in migration.operations:
        if not operation.reversible:
            yield f"{migration}: [one-way] can't be undone: {operation.describe()}"


def lint() -> list[str]:
    """The faults of our migrations; those of installed packages are not ours to mend."""
    from django.db import connection

    from memstack.migrating import applying, history
    from memstack.migrating.executor import Executor
    from memstack.migrating.files import is_ours

    found: list[str] = []

    class Linting(Executor):
        def apply_migration(self, state: Any, migration: Migration, *args: Any, **options: Any) -> Any:
            statements: list[str] = []

            def note(execute: Any, sql: str, *more: Any) -> Any:
                statements.append(str(sql))
                return execute(sql, *more)

            with connection.execute_wrapper(note):
                state = super().apply_migration(state, migration, *args, **options)
            if is_ours(migration):
                found.extend(faults(migration, statements))
            return state

    reading = history.read(connection)
    executor = Linting(connection)
    executor.records.ensure_table()
    applying.migrate(executor, reading.plan)
    connection.close()
    return found


def main() -> int:
    import django

    with tempfile.TemporaryDirectory(prefix="memstack-lint-") as folder:
        server = Server(Path(folder) / "data")
        try:
            url = server.new_database("lint")
            os.environ.clear()
            os.environ.update(clean_environment() | {"MEMSTACK_DATA_DIR": folder, "DATABASE_URL": url})
            django.setup()
            found = lint()
        finally:
            server.stop()
    for line in found:
        print(line)
    if found:
        print("docs/development.md says how to do each of these in steps.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
