"""What the graph learned, ended, corrected or took back since a day, and an entity's facts in the order of time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from django.db.models import F, QuerySet, Value
from django.utils import timezone

from memories import queries
from memories.engine.relations import HINT
from memories.models import Entity, Fact, FactBelief, Project

Kind = Literal["learned", "ended", "corrected", "taken_back"]


@dataclass(frozen=True, slots=True)
class Change:
    """Something that became known `at` that time; `before` is the validity that was believed until then."""

    kind: Kind
    at: datetime
    fact: Fact
    before: FactBelief | None = None


def rows(project: Project, since: datetime) -> QuerySet[Any]:
    """What changed from `since` on, the newest first, ready to paginate; `changes` makes Changes of a page of it.

    Facts that only say that two names stand together are left out.
    """
    facts = project.facts.exclude(confidence__lte=HINT).order_by()
    learned = _columns(facts.filter(created_at__gte=since), "id", "created_at", "learned", Value(0))
    withdrawn = _columns(facts.filter(expired_at__gte=since), "id", "expired_at", "taken_back", Value(0))
    beliefs = FactBelief.objects.filter(fact__in=facts, known_until__gte=since).order_by()
    changed = _columns(beliefs, "fact_id", "known_until", "changed", F("id"))
    found: QuerySet[Any] = learned.union(withdrawn, changed, all=True).order_by("-at", "-about", "-belief")
    return found


def _columns(found: QuerySet[Any], fact: str, moment: str, kind: str, belief: Any) -> QuerySet[Any]:
    named = found.annotate(about=F(fact), at=F(moment), what=Value(kind), belief=belief)
    columns: QuerySet[Any] = named.values_list("about", "at", "what", "belief")
    return columns


def changes(page: Iterable[Sequence[Any]]) -> list[Change]:
    """The changes of some rows, in their order. Four queries."""
    page = list(page)
    wanted = Fact.objects.filter(pk__in={row[0] for row in page}).prefetch_related("beliefs")
    facts = {fact.pk: fact for fact in queries.with_support(wanted)}
    found = (_change(facts[pk], at, kind, belief) for pk, at, kind, belief in page if pk in facts)
    return [change for change in found if change is not None]


def _change(fact: Fact, at: datetime, kind: str, belief: int) -> Change | None:
    if kind in {"learned", "taken_back"}:
        return Change("learned" if kind == "learned" else "taken_back", at, fact)
    before = next((one for one in fact.beliefs.all() if one.pk == belief), None)
    if before is None:
        return None
    following = next((one for one in fact.beliefs.all() if one.known_from == before.known_until), None)
    if following is None and fact.believed_since != at:
        return Change("taken_back", at, fact, before)
    end = following.invalid_at if following else fact.invalid_at
    return Change("ended" if before.invalid_at is None and end is not None else "corrected", at, fact, before)


# --- an entity's facts as a timeline


@dataclass(frozen=True, slots=True)
class Strand:
    """The facts of one relation of an entity: what holds, what is to come, and what is over, the newest first.

    `inverse` where the entity is their object.
    """

    predicate: str
    inverse: bool
    current: list[Fact]
    past: list[Fact]


def strands(entity: Entity, facts: Iterable[Fact]) -> list[Strand]:
    """The facts by relation, in the order in which the relations first come; hints are left out."""
    groups: dict[tuple[str, bool], list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.confidence > HINT:
            groups[fact.predicate, fact.subject_id != entity.pk].append(fact)
    return [_strand(predicate, found, inverse=inverse) for (predicate, inverse), found in groups.items()]


def _strand(predicate: str, facts: Sequence[Fact], *, inverse: bool) -> Strand:
    now = timezone.now()
    ordered = sorted(facts, key=_time, reverse=True)
    past = [fact for fact in ordered if fact.expired_at or (fact.invalid_at and fact.invalid_at <= now)]
    gone = {fact.pk for fact in past}
    return Strand(predicate, inverse, [fact for fact in ordered if fact.pk not in gone], past)


def _time(fact: Fact) -> tuple[datetime, datetime, str]:
    beginning, end = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    return fact.valid_at or beginning, fact.invalid_at or end, str(fact.pk)
