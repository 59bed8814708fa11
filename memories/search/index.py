"""The vectors of a project's documents, kept in the process.

An index is right for one version of the graph. When the project has moved on, the list of its documents is read again
and only those that are new are loaded. What is kept is bounded by rows; the least recently used go first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

import numpy as np
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from memories.models import Project, SearchDocument
from memories.search.scope import readable
from memories.search.values import Kind

DIMENSIONS = 384
MAX_ROWS = 400_000  # of all projects together: 1.5 kB each
CHUNK = 5_000
MASK = 2**63 - 1  # the random part of a UUID v7

Version: TypeAlias = tuple[int, int]
Ids: TypeAlias = NDArray[np.int64]
Vectors: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Index:
    """The documents of one kind in one project, in the order of their ids.

    `vectors` are rows of length 1, or 0 where a document has none. Of passages `sessions` tells
    the memories apart and `positions` gives the place in them; `speakers` are "" elsewhere.
    """

    version: Version
    ids: Ids
    vectors: Vectors
    sessions: Ids
    positions: Ids
    speakers: NDArray[np.object_]

    def rows(self, ids: Ids) -> tuple[Ids, NDArray[np.bool_]]:
        """Where the documents stand, and which of them are in the index at all."""
        places = np.searchsorted(self.ids, ids)
        inside = places < len(self.ids)
        inside[inside] = self.ids[places[inside]] == ids[inside]
        return places, inside

    def take(self, version: Version, keep: NDArray[np.bool_]) -> Index:
        if keep.all():
            return Index(version, self.ids, self.vectors, self.sessions, self.positions, self.speakers)
        return Index(
            version,
            self.ids[keep],
            self.vectors[keep],
            self.sessions[keep],
            self.positions[keep],
            self.speakers[keep],
        )


def empty(version: Version) -> Index:
    none = np.empty(0, np.int64)
    words = np.empty(0, np.object_)
    return Index(version, none, np.empty((0, DIMENSIONS), np.float32), none, none, words)


class IndexCache:
    """Indexes by project and kind; safe to use from many threads, one of which loads what the others wait for."""

    def __init__(self, max_rows: int = MAX_ROWS) -> None:
        self._max_rows = max_rows
        self._held: OrderedDict[tuple[UUID, Kind], Index] = OrderedDict()
        self._locks: dict[tuple[UUID, Kind], threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, project: Project, kind: Kind, version: Version) -> Index:
        """The index at `version` or a later one; `version` must have been read before this call."""
        key = (project.pk, kind)
        with self._lock:
            loading = self._locks.setdefault(key, threading.Lock())
        with loading:
            with self._lock:
                held = self._held.get(key)
            if held is None or held.version != version:
                held = refresh(held or empty(version), project, kind, version)
            self._keep(key, held)
        return held

    def _keep(self, key: tuple[UUID, Kind], index: Index) -> None:
        with self._lock:
            self._held[key] = index
            self._held.move_to_end(key)
            while len(self._held) > 1 and sum(len(held.ids) for held in self._held.values()) > self._max_rows:
                dropped, _ = self._held.popitem(last=False)
                self._locks.pop(dropped, None)


def refresh(held: Index, project: Project, kind: Kind, version: Version) -> Index:
    """The index as the database has it now: without what is gone, with what is new."""
    documents = readable(project, kind)
    now = np.sort(np.fromiter(documents.order_by().values_list("id", flat=True), np.int64))
    kept = held.take(version, np.isin(held.ids, now, assume_unique=True))
    new = np.setdiff1d(now, kept.ids, assume_unique=True)
    parts = [kept, *_load(documents, new, version)]
    return parts[0] if len(parts) == 1 else _joined(parts, version)


def _load(documents: QuerySet[SearchDocument], ids: Ids, version: Version) -> Iterator[Index]:
    said = SearchDocument.objects.filter(passage__support__fact=OuterRef("fact")).order_by("id")
    vector = Coalesce("embedding", Subquery(said.values("embedding")[:1]))  # a fact has that of its sentence's passage
    for start in range(0, len(ids), CHUNK):
        chunk = documents.filter(id__in=ids[start : start + CHUNK].tolist()).order_by("id")
        rows = list(chunk.values_list("id", vector, "passage__memory_id", "passage__position", "passage__speaker"))
        if rows:
            yield _index(rows, version)


def _index(rows: Sequence[tuple[int, bytes | None, UUID | None, int | None, str | None]], version: Version) -> Index:
    ids, vectors, memories, positions, speakers = zip(*rows, strict=True)
    return Index(
        version,
        np.array(ids, np.int64),
        np.stack([_vector(vector) for vector in vectors]),
        np.array([memory.int & MASK if memory else 0 for memory in memories], np.int64),
        np.array([position or 0 for position in positions], np.int64),
        np.array([speaker or "" for speaker in speakers], np.object_),
    )


def _vector(stored: bytes | None) -> Vectors:
    if stored is None or len(stored) != DIMENSIONS * 2:
        return np.zeros(DIMENSIONS, np.float32)
    return np.frombuffer(stored, "<f2").astype(np.float32)


def _joined(parts: Sequence[Index], version: Version) -> Index:
    ids = np.concatenate([part.ids for part in parts])
    order = np.argsort(ids)
    return Index(
        version,
        ids[order],
        np.concatenate([part.vectors for part in parts])[order],
        np.concatenate([part.sessions for part in parts])[order],
        np.concatenate([part.positions for part in parts])[order],
        np.concatenate([part.speakers for part in parts])[order],
    )
