"""Mentions to entities."""

from memories.engine.resolution.folding import fold
from memories.engine.resolution.matching import compatible, lookup_keys, resolve

__all__ = ["compatible", "fold", "lookup_keys", "resolve"]
