"""Names that one sentence mentions side by side, where no rule says how they hang together.

A weak hint, and marked as one (`mentioned_with`, confidence .3): it joins what would otherwise have no edge at all.
"""

from __future__ import annotations

from collections.abc import Iterator

from memories.engine.extraction.predicates import Relation
from memories.engine.extraction.sheet import Sheet, Statement, fact

CONFIDENCE = 0.3
PREDICATE = Relation("mentioned_with")
_NEAR = 2  # places apart; further names seldom have to do with each other
_PAIRS = frozenset(
    frozenset(pair.split("-"))
    for pair in """person-organization person-location person-work person-concept person-technology person-product
    organization-location work-organization concept-work concept-organization group-location group-person""".split()
)


def together(sheet: Sheet, linked: set[frozenset[str]]) -> Iterator[Statement]:
    """A statement for each pair of neighbours of one sentence that `linked`, the names in facts, leaves apart."""
    for one in range(len(sheet.places)):
        for other in range(one + 1, min(one + 1 + _NEAR, len(sheet.places))):
            pair = frozenset((sheet.name(one), sheet.name(other)))
            if pair in linked or len(pair) < 2 or not pair.isdisjoint(sheet.speakers) or sheet.root(one).sent != sheet.root(other).sent:
                continue
            if frozenset((sheet.type(one), sheet.type(other))) in _PAIRS:
                linked.add(pair)
                yield fact(one, PREDICATE, other, sheet.root(other), CONFIDENCE)
