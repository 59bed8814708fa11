"""What entities are called, taken from the mentions that were read as them: name, type, aliases, keys."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar
from uuid import UUID

from django.db.models import Count, Q

from memories.engine.resolution import fold
from memories.engine.resolution.blocking import blocking_keys
from memories.engine.resolution.identity import PERSON, is_person, key_of
from memories.graph import bulk
from memories.models import Entity, EntityAlias, Mention, NameKey, Project

T = TypeVar("T")
BATCH = 500
CALLED = "n:"  # the block in which an entity meets those that are called by its name
LONGEST_BLOCK = 200


@dataclass
class Said:
    """How often the mentions of an entity use each name and type, those by name alone in `by_name`."""

    names: Counter[str] = field(default_factory=Counter)
    by_name: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, kind: str, type: str, count: int = 1) -> None:
        by_name = kind == Mention.Kind.NAME
        self.names[name] += count
        self.by_name[name] += count * by_name
        self.types[type] += count * (1000 if by_name else 1)


class New:
    """Entities that are new, with the names and keys that their mentions give them: what `refresh` would write."""

    def __init__(self, said: Mapping[Entity, Said]) -> None:
        self.entities = list(said)
        self._aliases = bulk.Waiting(EntityAlias, ("project_id", "entity_id", "read_as_id", "name", "key"))
        self._keys = bulk.Waiting(NameKey, ("project_id", "entity_id", "key", "short"))
        for entity, one in said.items():
            entity.name, entity.type = _name(entity, one), _type(entity, one)
            names = _aliases(entity, one)
            for name in sorted(names):
                self._aliases.add((entity.project_id, entity.pk, entity.pk, name, fold(name)))
            for key, short in sorted(_keys(entity, names)):
                self._keys.add((entity.project_id, entity.pk, key, short))

    def write(self) -> None:
        """Inserts them, in the caller's transaction."""
        bulk.create(self.entities)
        self._aliases.insert()
        self._keys.insert()


def refresh(entity_ids: Collection[UUID]) -> tuple[set[UUID], set[UUID]]:
    """Brings names, types and keys up to the mentions; returns those nobody mentions, and those that were renamed."""
    said = _said(entity_ids)
    entities = list(Entity.every.filter(pk__in=said))
    before = {entity.pk: (entity.name, entity.type) for entity in entities}
    for entity in entities:
        entity.name, entity.type = _name(entity, said[entity.pk]), _type(entity, said[entity.pk])
    changed = [entity for entity in entities if before[entity.pk] != (entity.name, entity.type)]
    bulk.update(changed, ["name", "type"])
    names = {entity.pk: _aliases(entity, said[entity.pk]) for entity in entities}
    _write_aliases(entities, names)
    _write_keys(entities, names)
    return set(entity_ids) - set(said), {entity.pk for entity in changed}


def forget(entity_ids: Collection[UUID]) -> None:
    """Nobody meets those any more that nothing mentions."""
    for chunk in chunks(entity_ids):
        NameKey.objects.filter(entity__in=chunk).delete()


def _said(entity_ids: Collection[UUID]) -> dict[UUID, Said]:
    found: dict[UUID, Said] = defaultdict(Said)
    for chunk in chunks(entity_ids):
        rows = Mention.objects.filter(read_as__in=chunk).order_by()
        for id, name, text, kind, type, count in rows.values_list("read_as", "name", "text", "kind", "type").annotate(
            n=Count("pk")
        ):
            found[id].add(name or text, kind, type, count)
    return dict(found)


def _name(entity: Entity, said: Said) -> str:
    """What people call it; else the way it is written most, of those that are its own key."""
    if entity.given_name:
        return entity.given_name
    person = entity.key.startswith(PERSON)
    own = [name for name in said.names if key_of(name, person=person) == entity.key]
    return min(own, key=lambda name: (-said.by_name[name], -said.names[name], name), default=entity.name)[:500]


def _type(entity: Entity, said: Said) -> str:
    """What people say it is; else what most of its names were taken for."""
    if entity.given_type:
        return entity.given_type
    fitting = [type for type in said.types if is_person(type) == entity.key.startswith(PERSON)] or list(said.types)
    return min(fitting, key=lambda type: (-said.types[type], type))


def _aliases(entity: Entity, said: Said) -> set[str]:
    return {name[:500] for name in (*said.names, entity.name) if name}


def _write_aliases(entities: Sequence[Entity], names: dict[UUID, set[str]]) -> None:
    there: dict[UUID, dict[str, int]] = defaultdict(dict)
    for chunk in chunks(names):
        rows = EntityAlias.objects.filter(read_as__in=chunk).order_by()
        for pk, id, name in rows.values_list("pk", "read_as_id", "name"):
            there[id][name] = pk
    gone = [pk for id, rows in there.items() for name, pk in rows.items() if name not in names[id]]
    for part in chunks(gone):
        EntityAlias.objects.filter(pk__in=part).delete()
    bulk.create(
        [
            EntityAlias(
                project_id=entity.project_id,
                entity_id=entity.merged_into_id or entity.pk,
                read_as=entity,
                name=name,
                key=fold(name),
            )
            for entity in entities
            for name in sorted(names[entity.pk] - there[entity.pk].keys())
        ]
    )


def _write_keys(entities: Sequence[Entity], names: dict[UUID, set[str]]) -> None:
    there: dict[UUID, set[tuple[str, bool]]] = defaultdict(set)
    for chunk in chunks(names):
        rows = NameKey.objects.filter(entity__in=chunk).order_by()
        for id, key, short in rows.values_list("entity_id", "key", "short"):
            there[id].add((key, short))
    wanted = {entity.pk: _keys(entity, names[entity.pk]) for entity in entities}
    gone = [(id, key, short) for id, keys in there.items() for key, short in keys - wanted[id]]
    for part in islice_all(gone, 50):
        one_of = Q()
        for id, key, short in part:
            one_of |= Q(entity=id, key=key, short=short)
        NameKey.objects.filter(one_of).delete()
    bulk.create(
        [
            NameKey(project_id=entity.project_id, entity=entity, key=key, short=short)
            for entity in entities
            for key, short in sorted(wanted[entity.pk] - there[entity.pk])
        ]
    )


def _keys(entity: Entity, names: Iterable[str]) -> set[tuple[str, bool]]:
    person = entity.key.startswith(PERSON)
    called = {key_of(name, person=person) for name in names} - {entity.key}
    own = {(_called(entity.key), True)} | {(_called(key), False) for key in called}
    return blocking_keys(entity.key) | own


def _called(key: str) -> str:
    return f"{key[:2]}{CALLED}{key[2:]}"[:LONGEST_BLOCK]


def index_key(project: Project, keys: Iterable[str]) -> dict[str, list[Entity]]:
    """The project's entities under each of the keys, the first bearer of a name first."""
    found: dict[str, list[Entity]] = defaultdict(list)
    for chunk in chunks(set(keys)):
        for entity in Entity.every.filter(project=project, key__in=chunk).order_by("bearer", "id"):
            found[entity.key].append(entity)
    return found


def chunks(items: Iterable[T]) -> Iterable[list[T]]:
    return islice_all(items, BATCH)


def islice_all(items: Iterable[T], size: int) -> Iterable[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
