"""What a pattern and a list of names would find in a text, before they are saved."""

from __future__ import annotations

from collections.abc import Sequence

from memories.engine.extraction import patterns
from memories.engine.extraction.vocabulary import Vocabulary

MOST = 10_000  # characters of a sample


def found(pattern: str, words: Sequence[str], sample: str) -> list[tuple[int, int]]:
    """Spans of the sample in order, the longest where some overlap, as memories are read; `pattern` is a valid one."""
    sample = sample[:MOST]
    spans = [(hit.start, hit.end) for hit in Vocabulary([("own", words)]).find(sample)]
    if pattern:
        spans += patterns.matches(pattern, sample)
    chosen: list[tuple[int, int]] = []
    for start, end in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        if all(end <= other[0] or other[1] <= start for other in chosen):
            chosen.append((start, end))
    return sorted(chosen)
