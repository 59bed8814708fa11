"""Communities between two detections: moving the touched nodes, and carrying ids over a rebuild."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

Node = TypeVar("Node", bound=Hashable)
Label = TypeVar("Label", bound=Hashable)
ROUNDS = 4


def place(
    neighbours: Mapping[Node, Mapping[Node, float]],
    labels: Mapping[Node, Label],
    volumes: Mapping[Label, float] | None = None,
    *,
    resolution: float = 1.0,
) -> dict[Node, Label]:
    """The best community of each touched node, by moving them one after the other until none gains.

    `neighbours` has the touched nodes with the weights of their edges; `labels` has the community of every node
    in it, for a new node one of its own. With `volumes` (sum of the members' weighted degrees, per community) the
    gain is that of modularity, without it the weight of the edges alone. Equal gains keep the node where it is,
    else the label that is first as text wins. Returns the touched nodes only; costs O(their edges).
    """
    current = dict(labels)
    volume = dict(volumes or {})
    total = sum(volume.values())
    touched = sorted(neighbours, key=str)
    for _ in range(ROUNDS):
        moved = [
            _move(node, neighbours[node], current, volume, resolution / total if total else 0.0) for node in touched
        ]
        if not any(moved):
            break
    return {node: current[node] for node in touched}


def _move(
    node: Node, edges: Mapping[Node, float], labels: dict[Node, Label], volume: dict[Label, float], penalty: float
) -> bool:
    weights: dict[Label, float] = defaultdict(float)
    for other, weight in edges.items():
        if other != node and other in labels:
            weights[labels[other]] += weight
    own, degree = labels[node], sum(edges.values())

    def gain(label: Label) -> float:
        others = volume.get(label, 0.0) - (degree if label == own else 0.0)
        return weights.get(label, 0.0) - penalty * degree * others

    best = max(sorted(weights, key=str), key=gain, default=own)
    if gain(best) <= gain(own) + 1e-12:
        return False
    labels[node] = best
    volume[own] = volume.get(own, 0.0) - degree
    volume[best] = volume.get(best, 0.0) + degree
    return True


def match(old: Mapping[UUID, frozenset[Node]], new: Sequence[frozenset[Node]]) -> list[UUID | None]:
    """The old id that each new community carries on, or None for a new one.

    Pairs are taken by overlap (Jaccard), largest first; an id goes to one community only, so of a split the larger part
    keeps it. Equal overlaps go by id, then by position. Linear in the memberships.
    """
    home = {member: key for key, members in old.items() for member in members}
    found: list[tuple[float, str, int, UUID]] = []
    for index, members in enumerate(new):
        shared: dict[UUID, int] = defaultdict(int)
        for member in members:
            if member in home:
                shared[home[member]] += 1
        found += [
            (-count / (len(members) + len(old[key]) - count), str(key), index, key) for key, count in shared.items()
        ]
    ids: list[UUID | None] = [None] * len(new)
    taken: set[UUID] = set()
    for _, _, index, key in sorted(found):
        if ids[index] is None and key not in taken:
            ids[index] = key
            taken.add(key)
    return ids
