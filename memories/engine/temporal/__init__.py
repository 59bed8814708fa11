"""Dates in a text, resolved against the time it was said."""

from memories.engine.temporal.dates import DateSpan, Relation, find_dates

__all__ = ["DateSpan", "Relation", "find_dates"]
