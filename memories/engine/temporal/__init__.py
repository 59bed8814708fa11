"""Time: dates in a text, resolved against the time it was said, and what was so when."""

from memories.engine.temporal.dates import DateSpan, Relation, find_dates
from memories.engine.temporal.history import Belief, Held, history
from memories.engine.temporal.relations import ANYBODY, PLACED, WITHIN, Rule, Thing, kind_of
from memories.engine.temporal.sayings import Decision, Saying, Stretch, Timeline, Unsure
from memories.engine.temporal.timeline import key_of, timeline

__all__ = [
    "ANYBODY",
    "PLACED",
    "WITHIN",
    "Belief",
    "DateSpan",
    "Decision",
    "Held",
    "Relation",
    "Rule",
    "Saying",
    "Stretch",
    "Thing",
    "Timeline",
    "Unsure",
    "find_dates",
    "history",
    "key_of",
    "kind_of",
    "timeline",
]
