"""What is applied, pending, unknown or changed, read from the database and the migration files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.exceptions import AmbiguityError
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.loader import MigrationLoader

import memstack
from memstack.migrating.errors import Exit, Trouble
from memstack.migrating.executor import Executor
from memstack.migrating.files import Key, checksum, is_ours, key_of, label
from memstack.migrating.records import Records

Plan = list[tuple[Migration, bool]]


@dataclass
class History:
    """One reading. `applied`: Django's rows by key, `records`: ours."""

    executor: Executor
    records: dict[Key, Any]

    @property
    def loader(self) -> MigrationLoader:
        return self.executor.loader

    @property
    def graph(self) -> MigrationGraph:
        graph: MigrationGraph = self.loader.graph
        return graph

    def migration(self, key: Key) -> Migration:
        migration = self.graph.nodes[key]
        assert migration is not None, key  # noqa: S101 - only while the graph is being built
        return migration

    @cached_property
    def applied(self) -> dict[Key, Any]:
        return dict(self.executor.recorder.applied_migrations())

    @cached_property
    def order(self) -> list[Key]:
        """All migrations of this version in the order of a fresh start."""
        plan = self.executor.migration_plan(self.graph.leaf_nodes(), clean_start=True)
        return [key_of(migration) for migration, _ in plan]

    @cached_property
    def plan(self) -> Plan:
        """What brings the database up to date."""
        return self.executor.migration_plan(self.graph.leaf_nodes())

    @property
    def pending(self) -> list[Key]:
        return [key_of(migration) for migration, _ in self.plan]

    @cached_property
    def unknown(self) -> list[Key]:
        """Applied migrations of apps we have that this version has no file of: a newer version made them."""
        replaced = {key for migration in self.loader.disk_migrations.values() for key in migration.replaces}
        known = self.loader.disk_migrations.keys() | replaced
        return sorted(key for key in self.applied if key not in known and key[0] in self.loader.migrated_apps)

    @cached_property
    def changed(self) -> list[Key]:
        """Applied migrations whose file is another now. Files of installed packages change with the package."""
        return [
            key
            for key in self.order
            if key in self.applied
            and (row := self.records.get(key))
            and is_ours(self.migration(key))
            and row.checksum != checksum(self.migration(key))
        ]

    @property
    def unrecorded(self) -> list[Key]:
        """Applied by another way than ours, `manage.py migrate` for one."""
        return [key for key in self.order if key in self.applied and key not in self.records]

    @property
    def unsettled(self) -> bool:
        """The receivers of post_migrate have not run since the last change."""
        return bool(self.unrecorded) or any(not row.settled for row in self.records.values())

    def refuse_newer(self) -> None:
        """Trouble when a newer version of MemStack has migrated this database."""
        if not self.unknown:
            return
        newest = self.records.get(self.unknown[-1])
        by = f" by version {newest.version} on {newest.host}" if newest and newest.version else ""
        names = ", ".join(label(key) for key in self.unknown)
        raise Trouble(
            Exit.NEWER,
            f"The database is newer than this MemStack ({memstack.__version__}): {names} was applied{by}. Start the "
            "newer version, or go back with its `manage.py manage_migrations rollback`. Nothing was changed.",
        )

    def refuse_broken(self) -> None:
        """Trouble when the files or the applied migrations do not fit together."""
        self.loader.check_consistent_history(self.executor.connection)
        if conflicts := self.loader.detect_conflicts():
            names = "; ".join(f"{app}: {', '.join(sorted(names))}" for app, names in conflicts.items())
            raise Trouble(
                Exit.HISTORY,
                f"Two migrations come last in one app ({names}); join them with `manage.py makemigrations --merge`. "
                "Nothing was changed.",
            )

    def find(self, app: str, name: str) -> Migration:
        """The migration of that name or the only one that begins so; Trouble otherwise."""
        self.refuse_unknown_app(app)
        try:
            return self.loader.get_migration_by_prefix(app, name)
        except AmbiguityError:
            message = f"More than one migration of {app} begins with {name}; write more of its name."
        except KeyError:
            message = f"{app} has no migration {name}."
        raise Trouble(
            Exit.ARGUMENTS, f"{message} `manage.py manage_migrations status` lists them. Nothing was changed."
        )

    def refuse_unknown_app(self, app: str) -> None:
        if app not in self.loader.migrated_apps:
            names = ", ".join(sorted(self.loader.migrated_apps))
            raise Trouble(Exit.ARGUMENTS, f"No app {app} has migrations; there are {names}. Nothing was changed.")


def read(connection: BaseDatabaseWrapper) -> History:
    """Reads the files and the database; Trouble when they do not fit together."""
    history = History(Executor(connection), Records(connection).all())
    history.refuse_broken()
    return history
