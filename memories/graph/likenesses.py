"""Pairs of entities that may be one, found by the keys that they share, and what is said of both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count, Q

from memories.engine.relations import TOGETHER
from memories.engine.resolution.bearers import Birth, conflict, places_conflict
from memories.engine.resolution.blocking import partner
from memories.engine.resolution.clustering import Pair
from memories.engine.resolution.judging import CALLED, Evidence, Judgement, judge
from memories.engine.resolution.likeness import Likeness, likeness
from memories.graph import births
from memories.graph.naming import CALLED as CALLED_BLOCK
from memories.graph.naming import chunks
from memories.models import Entity, FactSupport, Mention, NameKey, Project

MOST_IN_A_BLOCK = 30
_Block = tuple[str, bool]


@dataclass
class Judged:
    """What was found out about some entities. `calls` has for a short name those who are called by it."""

    rows: dict[UUID, Entity] = field(default_factory=dict)
    known: set[UUID] = field(default_factory=set)
    judgements: dict[Pair, Judgement] = field(default_factory=dict)
    shared: dict[Pair, list[UUID]] = field(default_factory=dict)
    calls: dict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    apart: set[Pair] = field(default_factory=set)
    doubtful: set[Pair] = field(default_factory=set)


def shorter_ones(project: Project, entities: Collection[UUID]) -> set[UUID]:
    """Those whose names may be short for one of the entities': what they are joined to may change with it.

    So it may for those that go by an entity's own longer name, which people gave them.
    """
    own = _blocks(entities)
    wanted = {partner(*block) for blocks in own.values() for block in blocks if not block[1]}
    meeting = _meeting(project, {block for block in wanted if block[1]})
    names = {key for blocks in own.values() for key, short in blocks if short and key[2:].startswith(CALLED_BLOCK)}
    called = {id for chunk in chunks(names) for id in _called_longer(project, chunk)}
    return ({id for ids in meeting.values() for id in ids} | called) - set(entities)


def _called_longer(project: Project, keys: Collection[str]) -> Iterable[UUID]:
    """The entities that go by one of the names and have fewer words in their own."""
    rows = NameKey.objects.filter(project=project, key__in=keys, short=False).order_by()
    for key, id, own in rows.values_list("key", "entity_id", "entity__key"):
        if len(own.split()) < len(key.split()):
            yield id


def extend(judged: Judged, project: Project, entities: Collection[UUID]) -> None:
    """Finds and judges the pairs of the entities with all others."""
    new = set(entities) - judged.known
    if not new:
        return
    judged.known |= new
    own = _blocks(new | shorter_ones(project, new))
    pairs = _pairs(project, own)
    judged.rows |= {row.pk: row for row in _rows({id for pair in pairs for id in pair} | new, judged.rows)}
    calls, alike = _sorted(judged, pairs)
    concerned = {pair for pair in {*calls, *alike} if pair & new}
    said = _Said(judged.rows, concerned)
    candidates = _candidates(judged, alike)
    for pair in concerned:
        _judge(judged, pair, alike.get(pair), pair in calls, said.evidence(pair, candidates))
        judged.shared[pair] = said.shared(pair)


def _judge(judged: Judged, pair: Pair, like: Likeness | None, called: bool, evidence: Evidence) -> None:
    """A short name that somebody is called by joins when it is the only one; there is no need to ask then."""
    if evidence.contradicted or evidence.connected:
        judged.apart.add(pair)
    if evidence.together:
        judged.apart.add(pair)
        judged.doubtful.add(pair)
    if called:
        low, high = sorted(pair, key=lambda id: _rank(judged.rows[id]))
        judged.calls[low].add(high)
        if _rank(judged.rows[low])[0] == _rank(judged.rows[high])[0] > 1:
            like = CALLED
    if like and (judgement := judge(like, evidence)):
        judged.judgements[pair] = judgement


def _rank(entity: Entity) -> tuple[int, int, str, int]:
    return len(entity.key.split()), len(entity.key), entity.key, -entity.bearer


# --- who meets whom


def _blocks(entities: Collection[UUID]) -> dict[UUID, set[_Block]]:
    found: dict[UUID, set[_Block]] = defaultdict(set)
    for chunk in chunks(entities):
        rows = NameKey.objects.filter(entity__in=chunk).order_by()
        for id, key, short in rows.values_list("entity_id", "key", "short"):
            found[id].add((key, short))
    return found


def _meeting(project: Project, wanted: Collection[_Block]) -> dict[_Block, list[UUID]]:
    """The entities of each block; a block of too many tells nothing, and is empty."""
    found: dict[_Block, list[UUID]] = defaultdict(list)
    for chunk in chunks({key for key, _ in wanted}):
        rows = NameKey.objects.filter(project=project, key__in=chunk).order_by()
        sizes = rows.values_list("key", "short").annotate(n=Count("pk"))
        small = [(key, short) for key, short, n in sizes if n <= MOST_IN_A_BLOCK and (key, short) in wanted]
        for key, short, id in rows.filter(key__in={key for key, _ in small}).values_list("key", "short", "entity_id"):
            if (key, short) in wanted:
                found[key, short].append(id)
    return {block: ids for block, ids in found.items() if len(ids) <= MOST_IN_A_BLOCK}


def _pairs(project: Project, own: Mapping[UUID, set[_Block]]) -> dict[Pair, set[str]]:
    """Every pair that shares a block, with the blocks."""
    blocks = {block for mine in own.values() for block in mine}
    meeting = _meeting(project, blocks | {partner(*block) for block in blocks})
    found: dict[Pair, set[str]] = defaultdict(set)
    for id, mine in own.items():
        for block in mine:
            if id not in meeting.get(block, ()):
                continue
            for other in meeting.get(partner(*block), ()):
                if other != id:
                    found[frozenset((id, other))].add(block[0])
    return found


def _rows(entities: Collection[UUID], there: Mapping[UUID, Entity]) -> Iterable[Entity]:
    for chunk in chunks(set(entities) - there.keys()):
        yield from Entity.every.filter(pk__in=chunk).annotate(weight=Count("readings"))


def _sorted(judged: Judged, pairs: Mapping[Pair, set[str]]) -> tuple[set[Pair], dict[Pair, Likeness]]:
    """The pairs of which one is called by the other's name, and those whose names are alike."""
    calls, alike = set(), {}
    for pair, blocks in pairs.items():
        one, other = (judged.rows[id] for id in pair)
        if any(block[2:].startswith(CALLED_BLOCK) for block in blocks):
            calls.add(pair)
        if like := likeness(one.key, other.key):
            alike[pair] = like
    return calls, alike


def _candidates(judged: Judged, alike: Mapping[Pair, Likeness]) -> dict[UUID, set[UUID]]:
    """The longer names that each short one may stand for."""
    found: dict[UUID, set[UUID]] = defaultdict(set)
    for pair, like in alike.items():
        if like.shortens:
            low, high = sorted(pair, key=lambda id: _rank(judged.rows[id]))
            found[low].add(high)
    return found


# --- what is said of both


class _Said:
    """Looks up for all pairs at once what is said of them: of each pair first of the one that is rarer."""

    def __init__(self, rows: Mapping[UUID, Entity], pairs: Collection[Pair]) -> None:
        self.rows = rows
        rare, others = set(), set()
        for pair in pairs:
            low, high = sorted(pair, key=lambda id: (rows[id].weight, id))  # type: ignore[attr-defined]
            rare.add(low)
            others.add(high)
        self.memories = _memories(rare, others)
        self.near = _near(rare, others)
        self.births = births.of(rare | others)

    def shared(self, pair: Pair) -> list[UUID]:
        one, other = pair
        return sorted(self.near.get(one, set()) & self.near.get(other, set()))

    def evidence(self, pair: Pair, candidates: Mapping[UUID, set[UUID]]) -> Evidence:
        one, other = pair
        low = min(pair, key=lambda id: _rank(self.rows[id]))
        return Evidence(
            shared=len(self.shared(pair)),
            candidates=len(candidates.get(low, ())) or 1,
            together=len(self.memories.get(one, set()) & self.memories.get(other, set())),
            same_type=self.rows[one].type == self.rows[other].type,
            connected=other in self.near.get(one, set()) or one in self.near.get(other, set()),
            contradicted=self._born_apart(one, other) or self.rows[one].key == self.rows[other].key,
        )

    def _born_apart(self, one: UUID, other: UUID) -> bool:
        nothing: tuple[set[Birth], set[str]] = (set(), set())
        (days, places), (other_days, other_places) = self.births.get(one, nothing), self.births.get(other, nothing)
        return conflict(days, other_days) or places_conflict(places, other_places, births.may_be_one)


def _memories(rare: Collection[UUID], others: Collection[UUID]) -> dict[UUID, set[UUID]]:
    found: dict[UUID, set[UUID]] = defaultdict(set)
    for chunk in chunks(rare):
        for id, memory in (
            Mention.objects.filter(read_as__in=chunk).order_by().values_list("read_as", "memory").distinct()
        ):
            found[id].add(memory)
    told = {memory for memories in found.values() for memory in memories}
    for chunk in chunks(others):
        for part in chunks(told):
            rows = Mention.objects.filter(read_as__in=chunk, memory__in=part).order_by()
            for id, memory in rows.values_list("read_as", "memory").distinct():
                found[id].add(memory)
    return found


def _near(rare: Collection[UUID], others: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """What a fact connects with each of the rare, and what of it with the others too."""
    found: dict[UUID, set[UUID]] = defaultdict(set)
    said = FactSupport.objects.exclude(fact__predicate=TOGETHER).exclude(read_object=None).order_by()
    for chunk in chunks(rare):
        for one, other in said.filter(Q(read_subject__in=chunk) | Q(read_object__in=chunk)).values_list(
            "read_subject", "read_object"
        ):
            found[one].add(other)
            found[other].add(one)
    near = {id for one in rare for id in found.get(one, ())}
    for chunk in chunks(others):
        for part in chunks(near):
            rows = said.filter(
                Q(read_subject__in=chunk, read_object__in=part) | Q(read_object__in=chunk, read_subject__in=part)
            )
            for one, other in rows.values_list("read_subject", "read_object").distinct():
                found[one].add(other)
                found[other].add(one)
    return found
