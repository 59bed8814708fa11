"""What a text is about, in its own words: a few of its sentences, key phrases, and how long it takes to read."""

from memories.engine.summary.choosing import summarize
from memories.engine.summary.model import Summary, SummarySentence

__all__ = ["Summary", "SummarySentence", "summarize"]
