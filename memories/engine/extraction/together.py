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
_PAIR_WORDS = """
person-organization person-location person-work person-concept person-technology person-product
organization-location work-organization concept-work concept-organization group-location group-person
"""
_PAIRS = frozenset(frozenset(pair.split("-")) for pair in _PAIR_WORDS.split())


def together(sheet: Sheet, linked: set[frozenset[str]]) -> Iterator[Statement]:
    """A statement for each pair of neighbours of one sentence that `linked`, the names in facts, leaves apart."""
    for one in range(len(sheet.places)):
        for other in range(one + 1, min(one + 1 + _NEAR, len(sheet.places))):
            pair = frozenset((sheet.name(one), sheet.name(other)))
            if pair not in linked and _joins(sheet, one, other, pair):
                linked.add(pair)
                yield fact(one, PREDICATE, other, sheet.root(other), CONFIDENCE)


def _joins(sheet: Sheet, one: int, other: int, pair: frozenset[str]) -> bool:
    """Whether two neighbours are of types that tend to belong together; speakers stand beside everything."""
    types = frozenset((sheet.type(one), sheet.type(other)))
    apart = len(pair) < 2 or not pair.isdisjoint(sheet.speakers)
    return types in _PAIRS and not apart and sheet.root(one).sent == sheet.root(other).sent
