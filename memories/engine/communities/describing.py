"""What a community is called and what is said of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from memories.engine.communities.detection import simplified
from memories.engine.ranking.lexrank import lexrank

Floats = npt.NDArray[np.float64]
DAMPING = 0.85
MOST_SENTENCES = 1_500  # compared with each other; of more, those nearest the middle are taken
TOO_ALIKE = 0.8  # cosine from which on a second sentence says nothing new
NAMED = 3


def pagerank(node_count: int, edges: npt.ArrayLike, weights: npt.ArrayLike) -> Floats:
    """The share of a random walk that each node gets, (node_count,), sum 1; undirected (Page and Brin 1998)."""
    if not node_count:
        return np.zeros(0)
    graph = simplified(node_count, edges, weights)
    sources = np.concatenate([graph.heads, graph.tails])
    targets = np.concatenate([graph.tails, graph.heads])
    strength = np.concatenate([graph.weights, graph.weights])
    degree = np.bincount(sources, weights=strength, minlength=node_count)
    flow = strength / degree[sources]
    rank = np.full(node_count, 1 / node_count)
    for _ in range(100):
        moved = np.bincount(targets, weights=rank[sources] * flow, minlength=node_count)
        following: Floats = (1 - DAMPING) / node_count + DAMPING * (moved + rank[degree == 0].sum() / node_count)
        if np.abs(following - rank).sum() < 1e-9:
            break
        rank = following
    return rank


def name(members: Sequence[tuple[str, float]], terms: Sequence[str] = ()) -> str:
    """ "Anna Smith, Acme & Berlin: databases": the members of highest rank, then up to two terms that are not in
    them."""
    top = [text for text, _ in sorted(members, key=lambda member: (-member[1], member[0]))[:NAMED]]
    said = " ".join(top).casefold()
    new = [term for term in dict.fromkeys(terms) if term.casefold() not in said][:2]
    joined = " & ".join([", ".join(top[:-1]), top[-1]]) if len(top) > 1 else "".join(top)
    return ": ".join(part for part in (joined, ", ".join(new)) if part)


def distinctive_terms(words: Sequence[Mapping[str, int]], limit: int = 5) -> list[list[str]]:
    """For each community the words that it uses more than the others: c-TF-IDF (Grootendorst 2022) over word counts."""
    everywhere: Counter[str] = Counter()
    for counts in words:
        everywhere.update(counts)
    average = everywhere.total() / max(len(words), 1)

    def weight(word: str, count: int) -> float:
        return count * math.log(1 + average / everywhere[word])

    return [sorted(counts, key=lambda word: (-weight(word, counts[word]), word))[:limit] for counts in words]


def summarise(sentences: Sequence[str], vectors: npt.ArrayLike, limit: int) -> list[int]:
    """The indices, in order, of at most `limit` sentences that say what most others say, and not the same thing twice.

    LexRank (Erkan and Radev 2004) over unit vectors of shape (n, d); equal sentences count once. Deterministic.
    """
    if not sentences:
        return []
    matrix = np.asarray(vectors, dtype=np.float32).reshape(len(sentences), -1)
    first: dict[str, int] = {}
    for index, sentence in enumerate(sentences):
        if sentence.strip():
            first.setdefault(" ".join(sentence.casefold().split()), index)
    chosen = _central(matrix, sorted(first.values()))
    if not chosen or limit <= 0:
        return []
    similar = matrix[chosen] @ matrix[chosen].T
    picked: list[int] = []
    for place in np.argsort(-lexrank(similar), kind="stable"):
        if len(picked) < limit and all(similar[place, other] < TOO_ALIKE for other in picked):
            picked.append(int(place))
    return sorted(chosen[place] for place in picked)


def _central(matrix: npt.NDArray[np.float32], indices: list[int]) -> list[int]:
    if len(indices) <= MOST_SENTENCES:
        return indices
    nearness = matrix[indices] @ matrix[indices].mean(axis=0)
    return sorted(indices[i] for i in np.argsort(-nearness, kind="stable")[:MOST_SENTENCES])
