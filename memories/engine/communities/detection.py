"""Communities of the whole graph by the Leiden algorithm (Traag, Waltman, van Eck 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]

RESOLUTIONS = (1.0, 2.0, 4.0, 8.0)  # a lower one melts small communities together, and agrees with itself for that
SEEDS = (1, 2, 3)
ITERATIONS = 2
LARGE = 20_000  # nodes from which on fewer seeds must do
CLEARLY = 0.02  # a finer resolution must agree better by this much


@dataclass(frozen=True, slots=True)
class Edges:
    """Undirected edges, each pair once: `heads[i] < tails[i]`, weights positive."""

    heads: Labels
    tails: Labels
    weights: Weights


def detect(
    node_count: int, edges: npt.ArrayLike, weights: npt.ArrayLike, *, resolutions: Sequence[float] = RESOLUTIONS
) -> Labels:
    """A community for each node: labels 0, 1, … of shape (node_count,), numbered by their first node.

    `edges` (m, 2) are pairs of node numbers, `weights` (m,) how strong they are; parallel edges add up, self loops and
    weights that are not positive count for nothing. Every community is connected; a node without edges is alone. The
    resolution is the one whose runs with different seeds agree most (adjusted Rand index). Deterministic.
    Raises ValueError for edges to nodes that are not there.
    """
    simple = simplified(node_count, edges, weights)
    if not len(simple.heads):
        return np.arange(node_count, dtype=np.int64)
    return relabelled(connected(node_count, simple, _most_stable(node_count, simple, resolutions)))


def simplified(node_count: int, edges: npt.ArrayLike, weights: npt.ArrayLike) -> Edges:
    """Parallel edges merged, self loops gone."""
    pairs = np.asarray(edges, dtype=np.int64).reshape(-1, 2)
    strength = np.asarray(weights, dtype=np.float64).reshape(-1)
    if len(pairs) and (pairs.min() < 0 or pairs.max() >= node_count):
        raise ValueError("an edge points at a node that does not exist")
    keep = (pairs[:, 0] != pairs[:, 1]) & np.isfinite(strength) & (strength > 0)
    pairs, strength = np.sort(pairs[keep], axis=1), strength[keep]
    codes, place = np.unique(pairs[:, 0] * max(node_count, 1) + pairs[:, 1], return_inverse=True)
    merged = np.bincount(place, weights=strength, minlength=len(codes)).astype(np.float64)
    return Edges(codes // max(node_count, 1), codes % max(node_count, 1), merged)


def _most_stable(node_count: int, edges: Edges, resolutions: Sequence[float]) -> Labels:
    """The partition of the lowest resolution that no finer one clearly beats in agreeing with itself."""
    seeds = SEEDS[:2] if node_count > LARGE else SEEDS
    graph = _csr(node_count, edges)
    best: tuple[float, Labels] | None = None
    for resolution in resolutions:
        runs = [_leiden(node_count, graph, edges, resolution, seed) for seed in seeds]
        if best is not None and _crumbled(runs[0], edges):
            break
        agreement = float(np.mean([adjusted_rand(a, b) for a, b in combinations(runs, 2)]))
        if best is None or agreement > best[0] + CLEARLY:
            best = agreement, runs[0]
    if best is None:
        raise ValueError("no resolution to try")
    return best[1]


def _crumbled(labels: Labels, edges: Edges) -> bool:
    """Whether most linked nodes are alone: such partitions agree with each other, and say nothing."""
    linked = np.unique(np.concatenate([edges.heads, edges.tails]))
    sizes = np.bincount(labels[linked])
    return int((sizes == 1).sum()) * 4 > len(linked)


_Graph = tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], Weights]


def _csr(node_count: int, edges: Edges) -> _Graph:
    """Both directions of each edge as compressed rows; the types are those the library reads without copying."""
    rows = np.concatenate([edges.heads, edges.tails])
    columns = np.concatenate([edges.tails, edges.heads])
    order = np.lexsort((columns, rows))
    starts = np.zeros(node_count + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=node_count), out=starts[1:])
    return starts, columns[order].astype(np.int32), np.concatenate([edges.weights, edges.weights])[order]


def _leiden(node_count: int, graph: _Graph, edges: Edges, resolution: float, seed: int) -> Labels:
    from graspologic_native import leiden_csr

    try:
        _, found = leiden_csr(*graph, node_count, resolution=resolution, iterations=ITERATIONS, seed=seed)
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # a Rust panic is no Exception, and must not end the worker
            raise
        return connected(node_count, edges, np.zeros(node_count, dtype=np.int64))
    labels = np.arange(node_count, dtype=np.int64) + node_count  # nodes the library leaves out stay alone
    labels[np.fromiter(found.keys(), np.int64, len(found))] = np.fromiter(found.values(), np.int64, len(found))
    return relabelled(labels)


def connected(node_count: int, edges: Edges, labels: Labels) -> Labels:
    """The labels with every disconnected community split into its parts (label propagation with pointer jumping)."""
    inside = labels[edges.heads] == labels[edges.tails]
    heads, tails = edges.heads[inside], edges.tails[inside]
    roots = np.arange(node_count, dtype=np.int64)
    while True:
        before = roots.copy()
        lowest = np.minimum(roots[heads], roots[tails])
        np.minimum.at(roots, before[heads], lowest)
        np.minimum.at(roots, before[tails], lowest)
        roots = roots[roots]
        if np.array_equal(before, roots):
            return roots


def relabelled(labels: Labels) -> Labels:
    """The same partition with labels 0, 1, … in order of first appearance."""
    _, first, place = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.asarray(rank[place], dtype=np.int64)


def adjusted_rand(one: Labels, other: Labels) -> float:
    """How alike two partitions are: 1 for the same, 0 for chance (Hubert and Arabie 1985)."""
    both = _pairs(np.unique(one * (other.max() + 1) + other, return_counts=True)[1])
    a, b, every = _pairs(np.bincount(one)), _pairs(np.bincount(other)), _pairs(np.array([len(one)]))
    expected = a * b / every if every else 0.0
    most = (a + b) / 2
    return 1.0 if most == expected else float((both - expected) / (most - expected))


def _pairs(counts: npt.NDArray[np.int64]) -> float:
    sizes = counts.astype(np.float64)
    return float((sizes * (sizes - 1) / 2).sum())
