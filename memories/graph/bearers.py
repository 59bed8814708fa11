"""Two people of one name stay two: which bearer of a name each memory speaks of, decided anew when there is a doubt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from django.db.models import Q

from memories.engine.relations import TOGETHER
from memories.engine.resolution.bearers import Birth, Reader, bearers
from memories.engine.resolution.identity import PERSON, digest
from memories.graph import births, bulk, proposals
from memories.graph.naming import chunks
from memories.models import Entity, FactSupport, Mention, Project

Place: TypeAlias = tuple[UUID, UUID | None]  # a memory, and the entity that its mentions were read as


@dataclass
class _Reading:
    """What one memory says of somebody of a name."""

    other: bool = False
    days: set[Birth] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    near: set[str] = field(default_factory=set)

    @property
    def reader(self) -> Reader:
        return Reader(self.other, frozenset(self.days), frozenset(self.places), frozenset(self.near))


def settle(project: Project, touched: Collection[UUID]) -> set[UUID]:
    """Gives each memory that speaks of a doubtful name its bearer.

    Returns the entities that lost or won a reading, and those at the other ends of their facts.
    """
    moved: set[UUID] = set()
    for key in sorted(doubtful(project, touched)):
        moved |= _settle_name(project, key)
    return moved


def doubtful(project: Project, touched: Collection[UUID]) -> set[str]:
    """The names of those touched that have, or may have, several bearers."""
    found: set[str] = set()
    for chunk in chunks(touched):
        people = dict(Entity.every.filter(pk__in=chunk, key__startswith=PERSON).values_list("pk", "key"))
        marked = Mention.objects.filter(read_as__in=people, other=True).order_by()
        unsure = set(marked.values_list("read_as", flat=True).distinct())
        said = births.of(people)
        unsure |= {id for id, (days, places) in said.items() if len(days) > 1 or len(places) > 1}
        several = Entity.every.filter(project=project, bearer__gt=0, key__in=set(people.values())).order_by()
        found |= {people[id] for id in unsure} | set(several.values_list("key", flat=True))
    return found


def _settle_name(project: Project, key: str) -> set[UUID]:
    entities = {entity.bearer: entity for entity in Entity.every.filter(project=project, key=key).order_by("-id")}
    readings = _readings([entity.pk for entity in entities.values()])
    places = sorted(readings, key=str)
    numbers = bearers([readings[place].reader for place in places], births.may_be_one)
    at = dict(zip(places, numbers, strict=True))
    going = {place: n for place, n in at.items() if n not in entities or entities[n].pk != place[1]}
    if not going:
        return set()
    for number in sorted(set(going.values()) - entities.keys()):
        entities[number] = _bearer(project, entities, key, number)
    return _move({place: entities[number].pk for place, number in going.items()})


def _bearer(project: Project, entities: Mapping[int, Entity], key: str, number: int) -> Entity:
    model = next(iter(entities.values()))
    row = Entity.every.create(
        project=project,
        name=model.name,
        type=model.type,
        key=key,
        bearer=number,
        identity=digest(key, number),
        extractor=model.extractor,
    )
    proposals.recognise(project, [row])
    return row


def _readings(entities: Sequence[UUID]) -> dict[Place, _Reading]:
    found: dict[Place, _Reading] = defaultdict(_Reading)
    for chunk in chunks(entities):
        mentions = Mention.objects.filter(read_as__in=chunk).order_by()
        for memory, id, other in mentions.values_list("memory", "read_as", "other").distinct():
            found[memory, id].other |= other
        born = births.support().filter(read_subject__in=chunk).values_list("memory", "read_subject", *births.SAID)
        for memory, id, predicate, place, day, precision in born:
            births.note((found[memory, id].days, found[memory, id].places), predicate, place, day, precision)
        _note_neighbours(found, chunk)
    return found


def _note_neighbours(found: dict[Place, _Reading], entities: Sequence[UUID]) -> None:
    said = FactSupport.objects.exclude(fact__predicate=TOGETHER).exclude(read_object=None).order_by()
    for mine, theirs in (("read_subject", "read_object"), ("read_object", "read_subject")):
        rows = said.filter(**{f"{mine}__in": entities})
        for memory, id, near in rows.values_list("memory", mine, f"{theirs}__key"):
            found[memory, id].near.add(near)


def _move(goes_to: Mapping[Place, UUID]) -> set[UUID]:
    """Reads mentions and support as other entities; all rows are found before the first changes."""
    memories, old = {memory for memory, _ in goes_to}, {id for _, id in goes_to if id}
    mentions = list(Mention.objects.filter(memory__in=memories, read_as__in=old))
    of_old = Q(read_subject__in=old) | Q(read_object__in=old)
    support = list(FactSupport.objects.filter(of_old, memory__in=memories))
    shown = dict(Entity.every.filter(pk__in=set(goes_to.values())).values_list("pk", "merged_into"))
    touched = old | set(goes_to.values())
    for mention in mentions:
        new = goes_to.get((mention.memory_id, mention.read_as_id))
        if new is not None:
            mention.read_as_id, mention.entity_id = new, shown[new] or new
    for row in support:
        touched |= {id for id in (row.read_subject_id, row.read_object_id) if id}
        row.read_subject_id = goes_to.get((row.memory_id, row.read_subject_id)) or row.read_subject_id
        row.read_object_id = goes_to.get((row.memory_id, row.read_object_id)) or row.read_object_id
    bulk.update(mentions, ["read_as", "entity"])
    bulk.update(support, ["read_subject", "read_object"])
    return touched
