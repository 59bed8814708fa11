"""A document's file goes with its row, however that goes: with its memory, or with its project."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction

from memories import files
from memories.models import SavedDocument


def document_deleted(instance: SavedDocument, **_: Any) -> None:
    if instance.file:
        transaction.on_commit(partial(files.remove, instance.file), robust=True)
