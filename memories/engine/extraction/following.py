"""What follows from the statements of a window: who was born in Graz, Austria, was born in Austria."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from memories.engine.extraction.predicates import Relation
from memories.engine.extraction.sheet import Sheet, Statement, fact

_WITHIN = frozenset({"located_in", "lives_in", "born_in", "died_in", "works_in", "from", "grew_up_in"})
_LESS_SURE = 0.85


def further(sheet: Sheet, statements: Iterable[Statement]) -> Iterator[Statement]:
    """Places within places, carried on; and the place in an organization's own name."""
    named = list(_named_after_place(sheet))
    yield from named
    found = [*statements, *named]
    above: dict[str, list[Statement]] = defaultdict(list)
    for one in found:
        if one.predicate == "located_in" and one.object is not None and one.polarity == "affirmed":
            above[sheet.name(one.subject)].append(one)
    for one in found:
        if one.predicate in _WITHIN and one.object is not None and one.polarity == "affirmed":
            for other in above[sheet.name(one.object)]:
                if other.object is not None and sheet.name(other.object) != sheet.name(one.subject):
                    confidence = round(min(one.confidence, other.confidence) * _LESS_SURE, 3)
                    yield replace(one, object=other.object, confidence=confidence)


def _named_after_place(sheet: Sheet) -> Iterator[Statement]:
    """ "Calgary City Council", "Norwegian Army", where the place or people is mentioned as well."""
    places = {sheet.name(i): i for i, place in enumerate(sheet.places) if place.type in {"location", "group"}}
    for index, place in enumerate(sheet.places):
        words = place.name.split()
        if place.type not in {"organization", "location"} or len(words) < 2:
            continue
        for name, other in places.items():
            parts = name.split()
            if len(parts) < len(words) and (words[: len(parts)] == parts or words[-len(parts) :] == parts):
                relation = "located_in" if sheet.type(other) == "location" else "from"
                yield fact(index, Relation(relation), other, sheet.root(index), 0.6)
