"""How much a document may cost."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What the child process that reads one document may use. Each can be reached by a file made for it."""

    memory_bytes: int = 1024 * MEGABYTE
    """Address space: the libraries themselves map about 200 MB of it."""
    cpu_seconds: int = 120
    seconds: float = 240.0
    """By the clock, from start to end: a machine with other work to do is slower than its CPU."""
    text_bytes: int = 8 * MEGABYTE
    """What a memory may hold; of a longer text the beginning is kept, and a note says so."""
    unpacked_bytes: int = 256 * MEGABYTE
    """Of a packed file (docx), all its parts together."""
    pages: int = 10_000
    blocks: int = 50_000
