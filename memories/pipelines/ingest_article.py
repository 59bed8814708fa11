"""Fetches what an address leads to and makes a memory of it."""

from __future__ import annotations

from memories.engine.errors import InvalidSource
from memories.fetching import Validators
from memories.fetching.rules import FEEDS
from memories.models import Memory, SavedDocument
from memories.pipelines import contents, documents, duplicates, originals
from memories.pipelines.originals import Original
from tasks_app.runner import Outcome, Progress


def run(progress: Progress) -> Outcome:
    return documents.run(progress, _fetched)


def _fetched(progress: Progress, memory: Memory, row: SavedDocument) -> Original:
    """The page or file; what has not changed since it was read is not fetched again."""
    progress.stage("fetch_start", 2, f"Fetching {memory.title if not memory.generation else memory.source_url}...")
    known = Validators(row.etag, row.last_modified) if memory.generation and memory.content else None
    original = originals.fetched(progress, memory.source_url, originals.page_rules(), low=2, high=15, known=known)
    if original.media_type in FEEDS:
        raise InvalidSource("This address is a feed. Follow it as one, and its articles come by themselves.")
    if not original.unchanged:
        duplicates.refuse_second(row, original.url)
    told = "It has not changed since it was read" if original.unchanged else f"{contents.size(original.size)} came"
    progress.stage("fetch_complete", 15, told)
    return original
