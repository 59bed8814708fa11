"""The store of files: what memories were made from."""

from __future__ import annotations

import shutil
from pathlib import Path
from uuid import UUID

from django.conf import settings


def store(project_id: UUID, path: Path, sha256: str) -> str:
    """Moves the file into the store; returns its name there."""
    name = f"{project_id}/{sha256[:2]}/{sha256}"
    place = Path(settings.MEMSTACK_DATA_DIR) / "media" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(path, place)
    return name


def path_of(name: str) -> Path:
    return Path(settings.MEMSTACK_DATA_DIR) / "media" / name


def remove(name: str) -> None:
    path_of(name).unlink(missing_ok=True)
