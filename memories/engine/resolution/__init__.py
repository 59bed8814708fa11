"""Mentions to entities."""

from memories.engine.resolution.folding import fold
from memories.engine.resolution.matching import resolve, words_before

__all__ = ["fold", "resolve", "words_before"]
