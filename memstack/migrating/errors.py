"""What can go wrong; each is a sentence for the person at the terminal and an exit status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.exceptions import (
    BadMigrationError,
    CircularDependencyError,
    InconsistentMigrationHistory,
    NodeNotFoundError,
)

READ_ONLY = {"SQLITE_READONLY", "SQLITE_PERM", "SQLITE_READONLY_DIRECTORY", "SQLITE_READONLY_DBMOVED"}
NO_RIGHTS = {"42501", "25006"}  # PostgreSQL: insufficient_privilege, read_only_sql_transaction
LOCK_NOT_AVAILABLE = "55P03"


class Exit(IntEnum):
    """The exit statuses of manage_migrations; docs/operations.md lists them."""

    DONE = 0
    DIFFERENCES = 1
    ARGUMENTS = 2
    AWAY = 3
    RIGHTS = 4
    NEWER = 5
    BUSY = 6
    FAILED = 7
    REFUSED = 8
    HISTORY = 9


class Trouble(Exception):
    """Ends a command. The message says what happened, what was kept and what to do."""

    def __init__(self, status: Exit, message: str) -> None:
        super().__init__(message)
        self.status = status


@contextmanager
def explained() -> Iterator[None]:
    """Errors of the database and of the migration files become a Trouble."""
    try:
        yield
    except DatabaseError as error:
        raise of_database(error) from error
    except InconsistentMigrationHistory as error:
        message = f"{error} Apply the missing one by hand, or restore a back-up; nothing was changed."
        raise Trouble(Exit.HISTORY, message) from error
    except (NodeNotFoundError, BadMigrationError, CircularDependencyError) as error:
        message = f"The migration files do not fit together: {error} Install MemStack again; nothing was changed."
        raise Trouble(Exit.HISTORY, message) from error


def of_database(error: DatabaseError) -> Trouble:
    """What the database said, on one line. It may name hosts and users, never a password."""
    text = " ".join(str(error).split())
    if code_of(error) in READ_ONLY | NO_RIGHTS:
        return Trouble(
            Exit.RIGHTS,
            f"MemStack may not do this in the database ({where()}): {text}. Give its user the right to; "
            "nothing was changed.",
        )
    return Trouble(Exit.AWAY, f"The database ({where()}) can't be used: {text}")


def code_of(error: BaseException) -> str:
    """The SQLSTATE, or SQLite's name for the error; empty where there is none."""
    cause = error.__cause__
    return str(getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None) or "")


def where() -> str:
    """Which database is meant, without its password."""
    return "DATABASE_URL" if settings.DATABASE_URL else str(connection.settings_dict["NAME"])
