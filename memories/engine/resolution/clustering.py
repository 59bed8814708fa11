"""Which entities are one, from what joins each two of them and what people decided. The order of the input is nothing.

First names that are alike, and what people merged, make groups. Then a short name joins the one group whose members are
called by it: if there are several it stays alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

Pair: TypeAlias = frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Node:
    """An entity as it was read. `weight` is how often, `given` whether people named it."""

    id: UUID
    key: str
    bearer: int = 0
    weight: int = 0
    given: bool = False

    @property
    def rank(self) -> tuple[int, int, str, int]:
        """Long names first; nothing that changes with what is said."""
        return len(self.key.split()), len(self.key), self.key, -self.bearer


@dataclass(frozen=True, slots=True)
class Link:
    """That two are alike for sure."""

    one: UUID
    other: UUID
    score: float


@dataclass(frozen=True, slots=True)
class Web:
    """What speaks for and against joining. `merges` are people's, source and target; `calls` has for a short name those
    who are called by it; `apart` are pairs that are not to be joined but by people."""

    nodes: Mapping[UUID, Node]
    links: Sequence[Link] = ()
    merges: Sequence[tuple[UUID, UUID]] = ()
    calls: Mapping[UUID, Collection[UUID]] = field(default_factory=dict)
    apart: Collection[Pair] = ()
    doubtful: Collection[Pair] = ()


@dataclass(frozen=True, slots=True)
class Clusters:
    """`root_of` each node, and the pairs that were joined without people, the shorter first."""

    root_of: dict[UUID, UUID]
    joined: list[tuple[UUID, UUID]]


def cluster(web: Web) -> Clusters:
    """The clusters of the web's nodes. `doubtful` pairs keep a short name from joining anybody."""
    group_of = {id: {id} for id in web.nodes}
    merged = [(source, target) for source, target in web.merges if {source, target} <= web.nodes.keys()]
    for source, target in merged:
        _unite(group_of, source, target)
    joined = [link for link in _in_order(web) if _join(web, group_of, link)]
    heads = {id: _head(web, frozenset(group), merged) for id, group in group_of.items()}
    root_of = _attached(web, group_of, heads, joined)
    return Clusters(root_of, joined)


def _in_order(web: Web) -> list[tuple[UUID, UUID]]:
    """The links, the surest first; of each the lower rank first."""
    pairs = []
    for link in web.links:
        low, high = sorted((web.nodes[link.one], web.nodes[link.other]), key=lambda node: node.rank)
        pairs.append((-link.score, low.rank, high.rank, (low.id, high.id)))
    return [pair for *_, pair in sorted(pairs)]


def _join(web: Web, group_of: dict[UUID, set[UUID]], pair: tuple[UUID, UUID]) -> bool:
    one, other = pair
    if group_of[one] is group_of[other] or _are_apart(web.apart, group_of[one], group_of[other]):
        return False
    _unite(group_of, one, other)
    return True


def _unite(group_of: dict[UUID, set[UUID]], one: UUID, other: UUID) -> None:
    if group_of[one] is not group_of[other]:
        group_of[one] |= group_of[other]
        for member in group_of[other]:
            group_of[member] = group_of[one]


def _are_apart(apart: Collection[Pair], ours: Iterable[UUID], theirs: Collection[UUID]) -> bool:
    return any(frozenset((a, b)) in apart for a in ours for b in theirs)


def _head(web: Web, group: frozenset[UUID], merged: Sequence[tuple[UUID, UUID]]) -> UUID:
    """What a group is shown as: what people merged into; else the name they gave, the fullest, the most frequent."""
    sources = {source for source, _ in merged}
    targets = {target for _, target in merged}
    nodes = [web.nodes[id] for id in group]
    return max(
        nodes,
        key=lambda node: (
            node.id not in sources,
            node.id in targets,
            node.given,
            len(node.key.split()),
            node.weight,
            node.rank,
        ),
    ).id


def _attached(
    web: Web, group_of: Mapping[UUID, set[UUID]], heads: Mapping[UUID, UUID], joined: list[tuple[UUID, UUID]]
) -> dict[UUID, UUID]:
    """Groups under short names hung to the one group that is called so, the longest names first."""
    groups: dict[UUID, set[UUID]] = defaultdict(set)
    for id, head in heads.items():
        groups[head].add(id)
    highest = {head: max(web.nodes[id].rank for id in group) for head, group in groups.items()}
    root_of_head: dict[UUID, UUID] = {}
    for head in sorted(groups, key=lambda head: highest[head], reverse=True):
        root_of_head[head] = head
        longer = {id for id in web.calls.get(head, ()) if id in web.nodes and heads[id] != head}
        if any(frozenset((head, id)) in web.doubtful for id in longer):
            continue
        free = {heads[id] for id in longer if not _are_apart(web.apart, groups[head], group_of[id])}
        roots = {root_of_head[other] for other in free if highest[other] > highest[head]}
        if len(roots) == 1 and all(highest[other] > highest[head] for other in free):
            root_of_head[head] = roots.pop()
            joined.append((head, max((id for id in longer if heads[id] in free), key=lambda id: web.nodes[id].rank)))
    return {id: root_of_head[head] for id, head in heads.items()}
