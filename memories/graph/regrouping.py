"""Facts follow the entities that their support was read of, when these are joined or parted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from django.db.models import F, Q
from django.db.models.functions import Substr

from memories.graph.naming import BATCH, chunks
from memories.models import Entity, Fact, FactSupport

Key: TypeAlias = tuple[UUID, str, UUID | None, str | None, str, datetime | None, UUID | None]


def regroup(entities: Collection[UUID]) -> tuple[set[UUID], set[UUID]]:
    """Puts every support that was read of one of the entities under the fact of those that are shown now.

    Returns the facts that changed, and the entities they were or are about.
    """
    affected = _facts_of(entities)
    if not affected:
        return set(), set()
    support = _support_of(affected)
    shown = _shown(support)
    groups: dict[Key, list[FactSupport]] = defaultdict(list)
    for row in support:
        groups[_key(row, affected[row.fact_id], shown)].append(row)
    ends = {end for fact in affected.values() for end in (fact.subject_id, fact.object_id) if end}
    owners = _owners(groups, affected)
    changed = _move(groups, owners)
    ends |= {end for key in groups for end in (key[0], key[2]) if end}
    _write_sentences(changed)
    emptied = affected.keys() - {owner.pk for owner in owners.values()}
    for chunk in chunks(emptied):
        Fact.every.filter(pk__in=chunk).delete()
    return changed, ends


def _facts_of(entities: Collection[UUID]) -> dict[UUID, Fact]:
    found: dict[UUID, Fact] = {}
    for chunk in chunks(entities):
        read = FactSupport.objects.filter(Q(read_subject__in=chunk) | Q(read_object__in=chunk))
        found |= Fact.every.in_bulk(list(read.order_by().values_list("fact_id", flat=True).distinct()))
    return found


def _support_of(facts: Mapping[UUID, Fact]) -> list[FactSupport]:
    return [row for chunk in chunks(facts) for row in FactSupport.objects.filter(fact__in=chunk).order_by("id")]


def _shown(support: Sequence[FactSupport]) -> dict[UUID, UUID]:
    """What each of the entities that the support was read of is shown as."""
    read = {id for row in support for id in (row.read_subject_id, row.read_object_id) if id}
    found: dict[UUID, UUID] = {}
    for chunk in chunks(read):
        for id, into in Entity.every.filter(pk__in=chunk).values_list("pk", "merged_into"):
            found[id] = into or id
    return found


def _key(row: FactSupport, fact: Fact, shown: Mapping[UUID, UUID]) -> Key:
    """What makes two statements the same fact. One that is no longer believed stays by itself."""
    subject = shown[row.read_subject_id] if row.read_subject_id else fact.subject_id
    object_ = shown[row.read_object_id] if row.read_object_id else fact.object_id
    return _key_of(fact, subject, object_)


def _key_of(fact: Fact, subject: UUID, object_: UUID | None) -> Key:
    value = fact.value.casefold() if fact.value is not None else None
    alone = fact.pk if fact.expired_at else None
    return subject, fact.predicate, object_, value, fact.polarity, fact.valid_at, alone


def _owners(groups: Mapping[Key, Sequence[FactSupport]], affected: Mapping[UUID, Fact]) -> dict[Key, Fact]:
    """The row of each fact: the eldest that says it already, else the one that its first support comes from, else a
    new one."""
    owners = _existing(groups, affected)
    taken = {fact.pk for fact in owners.values()}
    new: list[Fact] = []
    for key, rows in sorted(groups.items(), key=lambda item: item[1][0].pk):
        if key in owners:
            continue
        source = affected[rows[0].fact_id]
        if source.pk in taken:
            source = _copy(source)
            new.append(source)
        taken.add(source.pk)
        owners[key] = source
    for key, fact in owners.items():
        fact.subject_id, fact.object_id = key[0], key[2]
    Fact.every.bulk_create(new, batch_size=BATCH)
    Fact.every.bulk_update([*owners.values()], ["subject", "object"], batch_size=BATCH)
    return owners


def _existing(groups: Mapping[Key, object], affected: Mapping[UUID, Fact]) -> dict[Key, Fact]:
    found: dict[Key, Fact] = {}
    for chunk in chunks({key[0] for key in groups}):
        for fact in Fact.every.filter(subject__in=chunk).order_by("-id"):
            key = _key_of(fact, fact.subject_id, fact.object_id)
            if key in groups:
                found[key] = affected.get(fact.pk, fact)  # the eldest of equal ones stays
    return found


def _copy(fact: Fact) -> Fact:
    columns = {field.attname: getattr(fact, field.attname) for field in Fact._meta.concrete_fields}
    del columns["id"], columns["created_at"]
    return Fact(**columns)


def _move(groups: Mapping[Key, Sequence[FactSupport]], owners: Mapping[Key, Fact]) -> set[UUID]:
    """Returns the facts that won or lost support, or are about others now."""
    moving, changed = [], set()
    for key, rows in groups.items():
        owner = owners[key]
        changed.add(owner.pk)
        for row in rows:
            if row.fact_id != owner.pk:
                row.fact_id = owner.pk
                moving.append(row)
    FactSupport.objects.bulk_update(moving, ["fact"], batch_size=BATCH)
    return changed


def _write_sentences(facts: Collection[UUID]) -> None:
    """A fact shows the sentence that is the oldest by the memories' own time, whichever was saved first."""
    changed = []
    for chunk in chunks(facts):
        said: dict[UUID, str] = {}
        rows = FactSupport.objects.filter(fact__in=chunk).annotate(
            said=Substr("memory__content", F("start") + 1, F("end") - F("start"))
        )
        for fact, sentence in rows.order_by("-memory__reference_time", "-memory", "-start").values_list("fact", "said"):
            said[fact] = sentence
        for row in Fact.every.filter(pk__in=chunk).only("sentence"):
            if row.pk in said and row.sentence != said[row.pk]:
                row.sentence = said[row.pk]
                changed.append(row)
    Fact.every.bulk_update(changed, ["sentence"], batch_size=BATCH)
