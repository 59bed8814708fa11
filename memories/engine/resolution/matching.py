"""Which mentions stand for which entity.

Within a memory names group by their folded key, then short forms join the long one where only one fits: parts and
initials of a person's name, acronyms and bare forms of an organization's. The groups are then matched to known
entities by name or alias. Only compatible types meet. Nothing depends on the order of the known entities.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from memories.engine.resolution.folding import acronym, core, fold, is_initials_of, is_part_of
from memories.engine.resolution.shortening import Form, Index
from memories.engine.types import KnownEntity, Mention, Resolution, ResolvedEntity


@dataclass
class _Group:
    """Mentions of one entity of the memory."""

    mentions: list[int]
    names: Counter[str]
    types: Counter[str]
    keys: set[str] = field(default_factory=set)

    @property
    def type(self) -> str:
        return max(sorted(self.types), key=lambda kind: self.types[kind])

    @property
    def name(self) -> str:
        """What it is called in full: the name of most words, then the most frequent, then the first by letters."""
        return min(self.names, key=lambda name: (-len(name.split()), -self.names[name], name))

    def absorb(self, other: _Group) -> None:
        self.mentions += other.mentions
        self.names += other.names
        self.types += other.types
        self.keys |= other.keys


def lookup_keys(mentions: Sequence[Mention]) -> set[str]:
    """The keys (see `fold`) under which the caller should load known entities by name or alias."""
    keys = {fold(name) for mention in mentions for name in _names(mention)}
    return keys | {core(key) for key in keys}


def resolve(mentions: Sequence[Mention], known: Sequence[KnownEntity]) -> Resolution:
    """The entities that the mentions of one memory stand for, in order of first mention.

    A group that several known entities fit goes to the one that shares most of its names, then type, then to the eldest
    id. An entity's aliases are all names used, the known ones included.
    """
    groups = _joined(_grouped(mentions))
    found = _matched(groups, known)
    merged: dict[object, _Group] = {}
    for group, match in zip(groups, found, strict=True):
        place = match.id if match else id(group)
        if place in merged:
            merged[place].absorb(group)
        else:
            merged[place] = group
    by_id = {match.id: match for match in found if match}
    ordered = sorted(merged.items(), key=lambda item: min(item[1].mentions))
    entities = tuple(_entity(group, by_id.get(place) if isinstance(place, UUID) else None) for place, group in ordered)
    entity_of = {mention: i for i, (_, group) in enumerate(ordered) for mention in group.mentions}
    return Resolution(entities, tuple(entity_of[i] for i in range(len(mentions))))


def _names(mention: Mention) -> Iterable[str]:
    """A pronoun's own text names nobody."""
    return (mention.name, mention.text) if mention.kind == "name" else (mention.name,)


def compatible(one: str, other: str) -> bool:
    """Whether two types may be of one entity: people only with people.

    The parser calls the same firm an organization here and a location there, so other types do not keep a name apart.
    An equivalence on purpose: a looser one would make the outcome depend on the order of saving.
    """
    return (one == "person") == (other == "person")


def _grouped(mentions: Sequence[Mention]) -> list[_Group]:
    """Mentions of one folded name and compatible type, in order of first mention."""
    by_key: dict[str, list[_Group]] = {}
    groups: list[_Group] = []
    for i, mention in enumerate(mentions):
        key = fold(mention.name)
        same = next((group for group in by_key.get(key, []) if compatible(group.type, mention.type)), None)
        if same is None:
            same = _Group([], Counter(), Counter())
            by_key.setdefault(key, []).append(same)
            groups.append(same)
        same.mentions.append(i)
        same.names[mention.name] += 1
        same.types[mention.type] += 3 if mention.kind == "name" else 1
        same.keys |= {fold(name) for name in _names(mention)}
    return groups


def _joined(groups: list[_Group]) -> list[_Group]:
    """Short forms joined to the one group whose name they shorten; shortest first, so that chains meet at the
    longest."""
    index: Index[_Group] = Index()
    left = {id(group): group for group in groups}
    for group in groups:
        index.add(group, _form(group))
    for group in sorted(groups, key=lambda group: (len(group.name), group.name)):
        full = _completed(group, index)
        if full is not None:
            for each in (group, full):
                index.drop(each)
            full.absorb(group)
            index.add(full, _form(full))
            del left[id(group)]
    return list(left.values())


def _form(group: _Group) -> Form:
    return Form(group.name, fold(group.name), group.type == "person")


def _completed(group: _Group, index: Index[_Group]) -> _Group | None:
    """The one group whose name this one's shortens, but for those that shorten another of them; None when there are
    several."""
    longer = [other for other in index.candidates(group) if other is not group and _shortens(group, other)]
    full = (other for other in longer if not any(_shortens(other, third) for third in longer if third is not other))
    first, second = next(full, None), next(full, None)
    return first if second is None else None


def _shortens(short: _Group, long: _Group) -> bool:
    if not compatible(short.type, long.type):
        return False
    a, b = fold(short.name), fold(long.name)
    if a == b:
        return False
    if "person" in (short.type, long.type):
        return short.type == long.type and (is_part_of(a, b) or is_initials_of(a, b))
    return core(b) == a or (short.name.isupper() and acronym(long.name) == short.name.replace(".", ""))


def _matched(groups: Sequence[_Group], known: Sequence[KnownEntity]) -> list[KnownEntity | None]:
    by_key: dict[str, list[KnownEntity]] = {}
    for entity in sorted(known, key=lambda entity: str(entity.id)):
        for key in sorted({fold(entity.name), *map(fold, entity.aliases)}):
            by_key.setdefault(key, []).append(entity)
    return [_match(group, by_key) for group in groups]


def _match(group: _Group, by_key: Mapping[str, list[KnownEntity]]) -> KnownEntity | None:
    """By the full name if that is known, else by any name used, else by a firm's bare name."""
    full = fold(group.name)
    for keys in ([full], sorted(group.keys), [core(full)]):
        fitting = [entity for key in keys for entity in by_key.get(key, []) if compatible(group.type, entity.type)]
        if fitting:
            return min(fitting, key=lambda entity: _distance(group, entity))
    return None


def _distance(group: _Group, entity: KnownEntity) -> tuple[int, bool, str]:
    names = {fold(entity.name), *map(fold, entity.aliases)}
    return -len(names & group.keys), entity.type != group.type, str(entity.id)


def _entity(group: _Group, known: KnownEntity | None) -> ResolvedEntity:
    if known is None:
        return ResolvedEntity(None, group.name, group.type, frozenset(group.names))
    return ResolvedEntity(known.id, known.name, known.type, known.aliases | set(group.names))
