"""Names that one sentence mentions side by side, where no rule says how they hang together.

A weak hint, and marked as one (`mentioned_with`, confidence .3): it joins what would otherwise have no edge at all.
Neighbours count, and what a sentence says of its subject; a passage that opens with a person is about that person.
"""

from __future__ import annotations

from collections.abc import Iterator

from memories.engine.extraction.grammar import SUBJECTS, list_head, sentence_end, sentence_start
from memories.engine.extraction.predicates import Relation
from memories.engine.extraction.sheet import Sheet, Statement, fact
from memories.engine.relations import HINT, TOGETHER

PREDICATE = Relation(TOGETHER)
_NEAR = 2  # places apart; further names seldom have to do with each other
_PAIR_WORDS = """
person-organization person-location person-work person-concept person-technology person-product
event-location event-organization work-organization concept-work concept-organization
group-location group-person
"""
_PAIRS = frozenset(frozenset(pair.split("-")) for pair in _PAIR_WORDS.split())
_IN_A_PLACE = frozenset({"location", "organization"})
_SEATED = frozenset({"organization", "location"})  # these belong together only where no name stands between them
_OF_A_PERSON = frozenset({"location", "work", "organization", "group"})  # what the passage about a person tells of


def together(sheet: Sheet, linked: set[frozenset[str]]) -> Iterator[Statement]:
    """A statement for each pair that `linked`, the names in facts, leaves apart."""
    for one, other in (*_neighbours(sheet), *_with_subject(sheet), *_with_topic(sheet)):
        pair = frozenset((sheet.name(one), sheet.name(other)))
        if pair not in linked and len(pair) == 2 and pair.isdisjoint(sheet.speakers):
            linked.add(pair)  # speakers stand beside everything
            yield fact(one, PREDICATE, other, sheet.root(other), HINT)


def _neighbours(sheet: Sheet) -> Iterator[tuple[int, int]]:
    """Neighbours of one sentence whose types tend to belong together."""
    for one in range(len(sheet.places)):
        for other in range(one + 1, min(one + 1 + _NEAR, len(sheet.places))):
            fits = _fit(sheet, one, other) or (other == one + 1 and _types(sheet, one, other) == _SEATED)
            if fits and not _listed(sheet, one, other) and _sentence(sheet, one) == _sentence(sheet, other):
                yield one, other


def _with_subject(sheet: Sheet) -> Iterator[tuple[int, int]]:
    """The first subject of a sentence with the names of other types in it."""
    subjects: dict[int, int] = {}
    for index in range(len(sheet.places)):
        start = _sentence(sheet, index)
        if start in subjects:
            if _fit(sheet, subjects[start], index) and not _listed(sheet, subjects[start], index):
                yield subjects[start], index
        elif sheet.root(index).dep_ in SUBJECTS:
            subjects[start] = index


def _with_topic(sheet: Sheet) -> Iterator[tuple[int, int]]:
    """What the first sentence of a text is about, with names of the sentences that follow: a person's places, works and
    groups; the places in the country that it names."""
    if not sheet.opens or not sheet.places:
        return
    begin = _sentence(sheet, 0)
    if begin > 0:
        return
    opening = [index for index in range(len(sheet.places)) if _sentence(sheet, index) == begin]
    person = next((index for index in opening if sheet.root(index).dep_ in SUBJECTS), None)
    defines = (
        sheet.doc[begin : sentence_end(sheet.root(0))].root.lemma_ == "be"
    )  # "X is a town in Y": what follows is about X
    places = [index for index in opening if defines and sheet.type(index) == "location"]
    for index in range(len(opening), len(sheet.places)):
        if person is not None and sheet.type(person) == "person" and sheet.type(index) in _OF_A_PERSON:
            yield person, index
        if sheet.type(index) in _IN_A_PLACE:
            yield from ((index, one) for one in places)


def _listed(sheet: Sheet, one: int, other: int) -> bool:
    """Whether both are items of one list: such are alike, and one says nothing of the other. Brackets hold no item."""
    first = sheet.places[other].first
    if first and sheet.doc[first - 1].text == "(":
        return False
    return list_head(sheet.root(one)).i == list_head(sheet.root(other)).i


def _sentence(sheet: Sheet, index: int) -> int:
    return sentence_start(sheet.root(index))


def _fit(sheet: Sheet, one: int, other: int) -> bool:
    return _types(sheet, one, other) in _PAIRS


def _types(sheet: Sheet, one: int, other: int) -> frozenset[str]:
    return frozenset((sheet.type(one), sheet.type(other)))
