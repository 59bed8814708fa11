"""Web pages by trafilatura: the body alone, as blocks, and what the page tells of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from memories.engine.documents.encoding import declared_in, decoded
from memories.engine.documents.errors import UnreadableDocument
from memories.engine.documents.html import details, media, pruning, refusal
from memories.engine.documents.html.body import written
from memories.engine.documents.html.parsing import parsed
from memories.engine.documents.limits import MEGABYTE
from memories.engine.documents.messages import Job
from memories.engine.documents.model import Document

MOST_BYTES = 25 * MEGABYTE


def read(job: Job, progress: Callable[[int, int], None]) -> Document:
    size = job.path.stat().st_size
    if size > MOST_BYTES:
        raise UnreadableDocument(f"The page has {size / MEGABYTE:,.0f} MB; pages of up to 25 MB are read.")
    data = job.path.read_bytes()
    if not data.strip():
        raise UnreadableDocument(refusal.EMPTY)
    tree = parsed(decoded(data, job.charset or declared_in(data)))
    if tree is None:
        raise UnreadableDocument(refusal.EMPTY)
    told = details.told(tree, job.url)
    found = media.links(tree, details.base_of(tree, job.url))
    seen = refusal.Signs(tree)
    pruning.prune(tree)
    body = written(tree, job.url, told)
    refusal.check(seen, body.text, has_recording=bool(found))
    return replace(told, text=body.text, blocks=tuple(body.blocks), media=found)
