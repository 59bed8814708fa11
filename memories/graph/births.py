"""What is said of somebody's birth: the facts that two people of one name can't share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from memories.engine.resolution.bearers import Birth
from memories.engine.temporal.countries import level
from memories.graph.naming import chunks
from memories.models import FactSupport

PLACE, DAY = "born_in", "born_at"
SAID = ("fact__predicate", "read_object__key", "fact__valid_at", "fact__valid_precision")


def support() -> QuerySet[FactSupport]:
    """The support of what is stated, not denied or asked, of births."""
    return FactSupport.objects.filter(fact__predicate__in=(PLACE, DAY), fact__polarity="affirmed").order_by()


def of(entities: Collection[UUID]) -> dict[UUID, tuple[set[Birth], set[str]]]:
    """The days and the keys of places, as they were read."""
    found: dict[UUID, tuple[set[Birth], set[str]]] = defaultdict(lambda: (set(), set()))
    for chunk in chunks(entities):
        rows = support().filter(read_subject__in=chunk).values_list("read_subject", *SAID)
        for id, predicate, place, day, precision in rows:
            note(found[id], predicate, place, day, precision)
    return dict(found)


def note(
    births: tuple[set[Birth], set[str]], predicate: str, place: str | None, day: datetime | None, precision: str | None
) -> None:
    """Adds what one sentence says."""
    if day is not None and precision:
        births[0].add((day.year, day.month * (precision != "year"), day.day * (precision not in {"year", "month"})))
    if predicate == PLACE and place:
        births[1].add(place[2:])


def may_be_one(one: str, other: str) -> bool:
    """Whether somebody may be born in both: a town and the country it may lie in, or "leeds" and "leeds england"."""
    if set(one.split()) <= set(other.split()) or set(other.split()) <= set(one.split()):
        return True
    return level(one) != level(other)
