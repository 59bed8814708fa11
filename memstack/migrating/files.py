"""Migration files: their names and what tells a changed one."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from django.db.migrations import Migration

Key = tuple[str, str]
PACKAGES = {"site-packages", "dist-packages"}


def key_of(migration: Migration) -> Key:
    return (migration.app_label, migration.name)


def label(key: Key) -> str:
    return f"{key[0]}.{key[1]}"


def file_of(migration: Migration) -> Path:
    return Path(str(sys.modules[type(migration).__module__].__file__))


def is_ours(migration: Migration) -> bool:
    """Not of an installed package."""
    return not PACKAGES & set(file_of(migration).parts)


def checksum(migration: Migration) -> str:
    """The SHA-256 of its file."""
    return hashlib.sha256(file_of(migration).read_bytes()).hexdigest()
