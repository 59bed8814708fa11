"""From candidates to one list, and the words they are found by."""

from memories.engine.ranking.fusion import conversation_scores, fuse, minmax, mmr, named_speaker
from memories.engine.ranking.words import embedding_text, highlight, search_text, stem

__all__ = [
    "conversation_scores",
    "embedding_text",
    "fuse",
    "highlight",
    "minmax",
    "mmr",
    "named_speaker",
    "search_text",
    "stem",
]
