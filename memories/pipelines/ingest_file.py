"""Makes a memory of a file that was handed in."""

from __future__ import annotations

from memories.models import Memory, SavedDocument
from memories.pipelines import contents, documents, originals
from memories.pipelines.originals import Original
from tasks_app.runner import Outcome, Progress


def run(progress: Progress) -> Outcome:
    return documents.run(progress, _opened)


def _opened(progress: Progress, memory: Memory, row: SavedDocument) -> Original:
    progress.stage("fetch_start", 2, f"Opening {row.file_name}...")
    original = originals.opened(progress, row, 2, 15)
    progress.stage("fetch_complete", 15, f"{contents.size(original.size)}, all of it as it came")
    return original
