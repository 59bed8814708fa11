"""The files that documents keep in the store: each goes with the last row that names it."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction

from memories import files
from memories.models import SavedDocument


def discard_on_commit(name: str) -> None:
    """Removes the file once the transaction has committed, if no document names it then."""
    transaction.on_commit(partial(_discard, name), robust=True)


def _discard(name: str) -> None:
    if not SavedDocument.objects.filter(file=name).exists():
        files.remove(name)


def document_deleted(instance: SavedDocument, **_: Any) -> None:
    """However a document goes, with its memory or with its project, its file goes too."""
    if instance.file:
        discard_on_commit(instance.file)
