"""A row for each applied migration, beside Django's own: who applied it, how long it took, what its file was.

The table is made on demand, as Django makes its own, because migrations can't record themselves in a table that a
migration makes. `settled` is false until the receivers of post_migrate have run after it, so that a process killed in
between leaves a trace.
"""

from __future__ import annotations

import socket
from functools import cache
from typing import Any

from django.apps.registry import Apps
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from django.utils.timezone import now

import memstack
from memstack.migrating.files import Key

TABLE = "memstack_migrations"


@cache
def model() -> Any:
    """The model of the rows, in an app registry of its own: no migration knows of it."""

    class AppliedMigration(models.Model):
        app = models.CharField(max_length=255)
        name = models.CharField(max_length=255)
        applied_at = models.DateTimeField(default=now)
        version = models.CharField(max_length=50)
        host = models.CharField(max_length=255)
        seconds = models.FloatField(null=True)
        checksum = models.CharField(max_length=64)
        settled = models.BooleanField(default=False)

        class Meta:
            apps = Apps()
            app_label = "memstack"
            db_table = TABLE
            unique_together = [("app", "name")]

        def __str__(self) -> str:
            return f"{self.app}.{self.name}"

    return AppliedMigration


class Records:
    """The rows of one database."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection

    @property
    def rows(self) -> QuerySet[Any]:
        return model().objects.using(self.connection.alias)  # type: ignore[no-any-return]

    def has_table(self) -> bool:
        with self.connection.cursor() as cursor:
            return TABLE in self.connection.introspection.table_names(cursor)

    def ensure_table(self) -> None:
        if not self.has_table():
            with self.connection.schema_editor() as editor:
                editor.create_model(model())

    def all(self) -> dict[Key, Any]:
        """The rows by app and name; empty where there is no table yet."""
        return {(row.app, row.name): row for row in self.rows} if self.has_table() else {}

    def add(self, key: Key, *, checksum: str, seconds: float) -> None:
        """Writes the row of a migration that this process has just applied."""
        of_now = {"applied_at": now(), "version": memstack.__version__, "host": socket.gethostname()}
        self._write(key, checksum=checksum, seconds=seconds, settled=False, **of_now)

    def adopt(self, key: Key, *, checksum: str, applied_at: Any) -> None:
        """Writes the row of one that was applied without us; version, host and duration stay unknown."""
        self._write(key, checksum=checksum, applied_at=applied_at, version="", host="", seconds=None, settled=False)

    def _write(self, key: Key, **values: Any) -> None:
        self.rows.update_or_create(app=key[0], name=key[1], defaults=values)

    def remove(self, key: Key) -> None:
        """Takes the row of a migration that was undone; what stays has to be settled again."""
        self.rows.filter(app=key[0], name=key[1]).delete()
        self.rows.update(settled=False)

    def settle(self) -> None:
        """The receivers of post_migrate have run."""
        self.rows.filter(settled=False).update(settled=True)
