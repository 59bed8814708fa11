"""Mentions and facts out of passages."""

from memories.engine.extraction.local import LocalExtractor
from memories.engine.extraction.model import load

__all__ = ["LocalExtractor", "load"]
