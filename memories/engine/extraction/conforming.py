"""Brings what was read into line with the project's schema, whatever read it.

It comes last, when each name has its type: what a type is disabled for goes, and so do facts with it. A fact whose
relation does not fit its pair keeps its ends and its sentence as `related_to`, a weak one. Dropping it would lose a
link that the text does make; the verb's own words would say again what the schema has just ruled out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from memories.engine.extraction.predicates import GENERIC
from memories.engine.types import FactDraft, Mention, Reading, Schema

UNFIT = 0.4  # the most confidence that is left of a fact whose relation does not fit


def conform(readings: Iterable[Reading], schema: Schema) -> list[Reading]:
    """The readings with nothing in them that the schema does not allow."""
    return list(conforming(readings, schema))


def conforming(readings: Iterable[Reading], schema: Schema) -> Iterator[Reading]:
    """The same one by one."""
    restricted = any(rule.subject_types or rule.object_types for rule in schema.relation_types.values())
    if not (schema.disabled_types or schema.disabled_relations or restricted):
        yield from readings
        return
    for reading in readings:
        yield _conformed(reading, schema)


def _conformed(reading: Reading, schema: Schema) -> Reading:
    places: dict[int, int] = {}
    for index, mention in enumerate(reading.mentions):
        if mention.type not in schema.disabled_types:
            places[index] = len(places)
    facts = (_fitting(fact, reading.mentions, schema) for fact in reading.facts)
    return replace(
        reading,
        mentions=tuple(reading.mentions[index] for index in places),
        facts=tuple(_moved(fact, places) for fact in facts if fact is not None and _has_ends(fact, places)),
    )


def _fitting(fact: FactDraft, mentions: Sequence[Mention], schema: Schema) -> FactDraft | None:
    """The fact, what is left of it where its relation does not fit, or None."""
    rule = schema.relation_types.get(fact.predicate)
    thing = None if fact.object is None else mentions[fact.object].type
    if rule is not None and not rule.fits(mentions[fact.subject].type, thing):
        if fact.object is None:
            return None
        fact = replace(fact, predicate=GENERIC, confidence=min(fact.confidence, UNFIT))
    return None if fact.predicate in schema.disabled_relations else fact


def _has_ends(fact: FactDraft, places: dict[int, int]) -> bool:
    return fact.subject in places and (fact.object is None or fact.object in places)


def _moved(fact: FactDraft, places: dict[int, int]) -> FactDraft:
    object_ = None if fact.object is None else places[fact.object]
    if (places[fact.subject], object_) == (fact.subject, fact.object):
        return fact
    return replace(fact, subject=places[fact.subject], object=object_)
