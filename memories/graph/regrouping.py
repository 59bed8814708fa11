"""Facts follow the entities that their support was read of, when these are joined or parted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from django.db.models import Q

from memories.engine.temporal import ANYBODY
from memories.graph import bulk
from memories.graph.naming import chunks
from memories.models import Entity, Fact, FactDecision, FactSupport, Project, SearchDocument

Ends: TypeAlias = tuple[UUID, UUID | None]


@dataclass
class Regrouped:
    """The facts that are to be derived anew, and the entities that facts were or are about."""

    facts: set[UUID] = field(default_factory=set)
    ends: set[UUID] = field(default_factory=set)


def regroup(project: Project, entities: Collection[UUID]) -> Regrouped:
    """Puts every support that was read of one of the entities under a fact of those that are shown now.

    Facts that say the same then stay side by side: `memories.graph.time` makes one of them.
    """
    facts = _facts_of(entities)
    if not facts:
        return Regrouped()
    before = {fact.pk: (fact.subject_id, fact.object_id) for fact in facts.values()}
    support = [row for chunk in chunks(facts) for row in FactSupport.objects.filter(fact__in=chunk).order_by("id")]
    shown = _shown(support)
    groups: dict[tuple[UUID, Ends], list[FactSupport]] = defaultdict(list)
    for row in support:
        groups[row.fact_id, _ends_of(row, facts[row.fact_id], shown)].append(row)
    owners = _owners(groups, facts)
    _write(groups, owners, facts)
    _move_decisions(owners, facts)
    ends = {end for pair in (*before.values(), *(ends for _, ends in groups)) for end in pair if end}
    predicates = {name for fact in facts.values() for name in (fact.predicate, *_ended(fact))}
    around = _around(project, ends, predicates)
    return Regrouped({fact.pk for fact in owners.values()} | around, ends)


def _facts_of(entities: Collection[UUID]) -> dict[UUID, Fact]:
    found: dict[UUID, Fact] = {}
    for chunk in chunks(entities):
        read = FactSupport.objects.filter(Q(read_subject__in=chunk) | Q(read_object__in=chunk))
        found |= Fact.every.in_bulk(list(read.order_by().values_list("fact_id", flat=True).distinct()))
    return found


def _shown(support: Iterable[FactSupport]) -> dict[UUID, UUID]:
    """What each of the entities that the support was read of is shown as."""
    found: dict[UUID, UUID] = {}
    for chunk in chunks({id for row in support for id in (row.read_subject_id, row.read_object_id) if id}):
        for id, into in Entity.every.filter(pk__in=chunk).values_list("pk", "merged_into"):
            found[id] = into or id
    return found


def _ends_of(row: FactSupport, fact: Fact, shown: Mapping[UUID, UUID]) -> Ends:
    subject = shown[row.read_subject_id] if row.read_subject_id else fact.subject_id
    return subject, shown[row.read_object_id] if row.read_object_id else fact.object_id


def _owners(
    groups: Mapping[tuple[UUID, Ends], Sequence[FactSupport]], facts: Mapping[UUID, Fact]
) -> dict[tuple[UUID, Ends], Fact]:
    """The row of each group: the fact that it was in, for the group that it was about, else for the first of them."""
    owners: dict[tuple[UUID, Ends], Fact] = {}
    by_fact: dict[UUID, list[Ends]] = defaultdict(list)
    for pk, ends in groups:
        by_fact[pk].append(ends)
    for pk, all_ends in by_fact.items():
        fact = facts[pk]
        own = (fact.subject_id, fact.object_id)
        stays = own if own in all_ends else all_ends[0]
        for ends in all_ends:
            owners[pk, ends] = fact if ends == stays else _sibling(fact)
    return owners


def _sibling(fact: Fact) -> Fact:
    columns = {column.attname: getattr(fact, column.attname) for column in Fact._meta.concrete_fields}
    return Fact(**{name: value for name, value in columns.items() if name not in {"id", "invalidated_by_id"}})


def _write(
    groups: Mapping[tuple[UUID, Ends], Sequence[FactSupport]],
    owners: Mapping[tuple[UUID, Ends], Fact],
    facts: Mapping[UUID, Fact],
) -> None:
    for (_, ends), owner in owners.items():
        owner.subject_id, owner.object_id = ends
    bulk.create([owner for owner in owners.values() if owner.pk not in facts])
    kept = [owner for owner in owners.values() if owner.pk in facts]
    bulk.update(kept, ["subject", "object"])
    hidden = [owner for owner in kept if owner.subject_id == owner.object_id]
    SearchDocument.objects.filter(fact__in=hidden).delete()
    moving = []
    for place, rows in groups.items():
        for row in rows:
            if row.fact_id != owners[place].pk:
                row.fact_id = owners[place].pk
                moving.append(row)
    bulk.update(moving, ["fact"])


def _move_decisions(owners: Mapping[tuple[UUID, Ends], Fact], facts: Mapping[UUID, Fact]) -> None:
    """What was decided about a fact goes with those that it was about then."""
    rows = [
        row for chunk in chunks(facts) for row in FactDecision.objects.filter(fact__in=chunk, of_subject__isnull=False)
    ]
    about = {id for row in rows for id in (row.of_subject_id, row.of_object_id) if id}
    shown = {id: into or id for id, into in Entity.every.filter(pk__in=about).values_list("pk", "merged_into")}
    moving = []
    for row in rows:
        subject = shown.get(row.of_subject_id) if row.of_subject_id else None
        object_ = shown.get(row.of_object_id) if row.of_object_id else None
        owner = owners.get((row.fact_id, (subject, object_))) if subject else None
        if owner is not None and owner.pk != row.fact_id:
            row.fact_id = owner.pk
            moving.append(row)
    bulk.update(moving, ["fact"])


def _ended(fact: Fact) -> Iterable[str]:
    return (word.removesuffix(ANYBODY) for word in fact.ends.split())


def _around(project: Project, ends: Collection[UUID], predicates: Collection[str]) -> set[UUID]:
    """The facts that may have been, or may be, ended by those that moved."""
    found: set[UUID] = set()
    for chunk in chunks(ends):
        rows = Fact.objects.filter(Q(subject__in=chunk) | Q(object__in=chunk), project=project)
        found |= set(rows.filter(predicate__in=predicates).values_list("pk", flat=True))
    return found
