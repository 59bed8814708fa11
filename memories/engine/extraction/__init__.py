"""Mentions and facts out of passages."""

from memories.engine.extraction.conforming import conform, conforming
from memories.engine.extraction.local import LocalExtractor
from memories.engine.extraction.model import load
from memories.engine.extraction.settling import settled, settling

__all__ = ["LocalExtractor", "conform", "conforming", "load", "settled", "settling"]
