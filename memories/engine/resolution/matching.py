"""Which mentions of one memory stand for one entity, and under what key the project knows it.

Names group by their key, then short forms join the long one where only one fits: parts and initials of a person's name,
acronyms of an organization's. "Another Anna" is somebody else than Anna. Other memories have no say here, so what a
memory's names are taken for does not depend on when it is saved.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from memories.engine.resolution.folding import acronym, is_initials_of, is_part_of
from memories.engine.resolution.identity import is_person, key_of
from memories.engine.resolution.shortening import Form, Index
from memories.engine.types import Mention, Resolution, ResolvedEntity

_MARK = r"(?:another|a(?:\s+\w+)?\s+different|the\s+other|some\s+other|an\s+unrelated)\s+"
_MARKED = re.compile(_MARK, re.IGNORECASE)
_AFTER_MARK = re.compile(rf"(?:\A|\W){_MARK}\Z", re.IGNORECASE)


@dataclass
class _Group:
    """Mentions of one entity of the memory."""

    mentions: list[int]
    names: Counter[str]
    types: Counter[str]
    other: bool = False

    @property
    def type(self) -> str:
        return max(sorted(self.types), key=lambda kind: self.types[kind])

    @property
    def is_person(self) -> bool:
        return is_person(self.type)

    @property
    def name(self) -> str:
        """What it is called in full: the name of most words, then the most frequent, then the first by letters."""
        return min(self.names, key=lambda name: (-len(name.split()), -self.names[name], name))

    @property
    def key(self) -> str:
        return key_of(self.name, person=self.is_person)

    def absorb(self, other: _Group) -> None:
        self.mentions += other.mentions
        self.names += other.names
        self.types += other.types


def resolve(mentions: Sequence[Mention], before: Sequence[str] = ()) -> Resolution:
    """The entities that the mentions of one memory stand for, in order of first mention.

    `before` has the words that stand before each mention, for those who are "another Anna".
    """
    names = [_bare(mention, before[i] if before else "") for i, mention in enumerate(mentions)]
    groups = _joined(_grouped(mentions, names))
    ordered = sorted(groups, key=lambda group: min(group.mentions))
    entities = tuple(
        ResolvedEntity(group.key, group.name, group.type, frozenset(group.names), group.other) for group in ordered
    )
    entity_of = {mention: i for i, group in enumerate(ordered) for mention in group.mentions}
    called = tuple(name for name, _ in names)
    return Resolution(entities, tuple(entity_of[i] for i in range(len(mentions))), called)


def _bare(mention: Mention, before: str) -> tuple[str, bool]:
    """A person's name without "another", and whether that stood there; "another Google product" is no other Google."""
    if mention.kind != "name" or not is_person(mention.type):
        return mention.name, False
    if found := _MARKED.match(mention.name):
        return mention.name[found.end() :].strip() or mention.name, True
    return mention.name, bool(_AFTER_MARK.search(before))


def _grouped(mentions: Sequence[Mention], names: Sequence[tuple[str, bool]]) -> list[_Group]:
    """Mentions of one key and class, in order of first mention; those of another bearer of the name apart."""
    groups: dict[tuple[str, bool], _Group] = {}
    others = _others(mentions, names)
    for i, (mention, (name, _)) in enumerate(zip(mentions, names, strict=True)):
        place = key_of(name, person=is_person(mention.type)), i in others
        group = groups.setdefault(place, _Group([], Counter(), Counter(), i in others))
        group.mentions.append(i)
        group.names[name] += 1
        group.types[mention.type] += 3 if mention.kind == "name" else 1
    return list(groups.values())


def _others(mentions: Sequence[Mention], names: Sequence[tuple[str, bool]]) -> Collection[int]:
    """The mentions of "another Anna": those that say so, pronouns after them, and the name alone where no Anna came
    before."""
    found: set[int] = set()
    plain: set[str] = set()
    last: dict[str, bool] = {}
    for i, (mention, (name, marked)) in enumerate(zip(mentions, names, strict=True)):
        key = key_of(name, person=is_person(mention.type))
        if mention.kind == "name":
            last[key] = marked or (last.get(key, False) and key not in plain)
            if not last[key]:
                plain.add(key)
        if last.get(key, False):
            found.add(i)
    return found


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
    return Form(group.name, group.key[2:], group.is_person, group.other)


def _completed(group: _Group, index: Index[_Group]) -> _Group | None:
    """The one group whose name this one's shortens, but for those that shorten another of them; None when there are
    several."""
    longer = [other for other in index.candidates(group) if other is not group and _shortens(group, other, index)]
    full = (
        other for other in longer if not any(_shortens(other, third, index) for third in longer if third is not other)
    )
    first, second = next(full, None), next(full, None)
    return first if second is None else None


def _shortens(one: _Group, other: _Group, index: Index[_Group]) -> bool:
    short, long = index.form(one), index.form(other)
    if short.person != long.person or short.other != long.other or short.key == long.key:
        return False
    if short.person:
        return is_part_of(short.key, long.key) or is_initials_of(short.key, long.key)
    return short.name.isupper() and acronym(long.name) == short.name.replace(".", "")


def words_before(text: str, start: int) -> str:
    """As much of the text before a mention as `resolve` looks at."""
    return text[max(0, start - 24) : max(0, start)]
