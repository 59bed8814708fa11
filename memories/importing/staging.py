"""Keeps what an import has read until it is accepted, in short transactions of its own.

The rows have no task until the end, so nobody sees them; what a killed process left is removed by a later import.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from django.db import transaction
from django.db.models.functions import Now

from memories import intake
from memories.importing.refusals import ImportRefused
from memories.models import Import, ImportPart, Project, RejectedLine
from memories.validation import NewMemory

MAX_MEMORIES = 100_000
MAX_REJECTED = 10_000
PART_MEMORIES = 50  # what the worker makes in one transaction
PART_BYTES = 512 * 1024
TOLD = 100
ABANDONED = timedelta(hours=1)
DELETED_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Rejection:
    """A memory that is not taken: its line or number from 1, None for a whole file; the file, "" for the only one."""

    line: int | None
    error: str
    file: str = ""


class Upload:
    """An import while it is read; `with` drops what was kept, unless it was accepted.

    `accepted` and `rejected` count; `told` has the first rejections.
    """

    def __init__(self, project: Project, user_id: int | None, *, name: str = "", digest: str = "") -> None:
        self.row = Import(project=project, created_by_id=user_id, name=name[:300], digest=digest)
        self.accepted = self.rejected = 0
        self.told: list[Rejection] = []
        self._kept = False
        self._parts = 0
        self._waiting: list[str] = []
        self._waiting_bytes = 0
        self._refused: list[Rejection] = []
        self._external_ids: dict[str, str] = {}

    def __enter__(self) -> Self:
        remove_abandoned()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._kept and self.row.task_id is None:
            remove(self.row)

    def add(self, new: NewMemory, line: int | None = None, file: str = "") -> None:
        """Keeps a checked memory, or rejects it when its external id has come before in this upload."""
        place = f"line {line} of {file}" if line and file else file or f"line {line}"
        if new.external_id and (first := self._external_ids.setdefault(new.external_id, place)) is not place:
            self.reject(Rejection(line, f"external_id: “{new.external_id}” stands in {first} already.", file))
            return
        if self.accepted >= MAX_MEMORIES:
            raise ImportRefused(f"One import may have {MAX_MEMORIES:,} memories; import it in parts.", too_large=True)
        text = json.dumps(intake.to_json(new), ensure_ascii=False)
        if self._waiting and self._waiting_bytes + len(text) > PART_BYTES:
            self.flush()
        self.accepted += 1
        self._waiting.append(text)
        self._waiting_bytes += len(text)
        if len(self._waiting) >= PART_MEMORIES:
            self.flush()

    def reject(self, rejection: Rejection) -> None:
        """Keeps why a memory is not taken."""
        if self.rejected >= MAX_REJECTED:
            raise ImportRefused(
                f"More than {MAX_REJECTED:,} memories can't be taken, so none was. The first one: {self.told[0].error}"
            )
        self.rejected += 1
        if len(self.told) < TOLD:
            self.told.append(rejection)
        self._refused.append(rejection)
        if len(self._refused) >= 500:
            self.flush()

    def flush(self) -> None:
        """Writes what has been gathered, in one short transaction."""
        with transaction.atomic():
            if not self._kept:
                self.row.save(force_insert=True)
            if self._waiting:
                items = "[" + ",".join(self._waiting) + "]"
                ImportPart.objects.create(upload=self.row, number=self._parts, count=len(self._waiting), items=items)
            RejectedLine.objects.bulk_create(
                RejectedLine(upload=self.row, line=one.line, file=one.file[:300], error=one.error[:500])
                for one in self._refused
            )
        self._kept = True
        self._parts += bool(self._waiting)
        self._waiting, self._waiting_bytes, self._refused = [], 0, []


def part_items(part: ImportPart) -> list[NewMemory]:
    """The memories of a part."""
    items: Sequence[dict[str, Any]] = json.loads(part.items)
    return [intake.from_json(item) for item in items]


def remove(row: Import) -> None:
    """Deletes an import that was not accepted, a few parts at a time: SQLite has one writer."""
    parts = ImportPart.objects.filter(upload=row)
    while ids := list(parts.values_list("pk", flat=True)[:DELETED_AT_ONCE]):
        parts.filter(pk__in=ids).delete()
    row.delete()


def remove_abandoned() -> None:
    """Deletes what a process that died while it read an upload has left."""
    abandoned: Iterable[Import] = Import.objects.filter(task=None, created_at__lt=Now() - ABANDONED)
    for row in abandoned:
        remove(row)
