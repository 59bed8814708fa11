"""One ranking out of several signals.

The recipe for conversations adds normalised scores rather than ranks: the distance between the first and the second hit
carries more than their order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
LEXICAL, VECTOR = 0.5, 0.5
PREVIOUS, NEXT = 0.1, 0.2  # the answer to a question stands after it, so the next turn counts more
SESSION, BEST = 0.7, 3
SPEAKER = 1.4


def minmax(scores: npt.ArrayLike) -> Floats:
    """Scores of shape (n,) moved to 0 … 1; all zero where they are all the same. What is not finite counts as
    lowest."""
    values = np.asarray(scores, dtype=np.float64)
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros_like(values)
    low, high = values[finite].min(), values[finite].max()
    if high - low <= 0:
        return np.zeros_like(values)
    return np.where(finite, (np.where(finite, values, low) - low) / (high - low), 0.0)


def fuse(signals: Sequence[npt.ArrayLike], weights: Sequence[float]) -> Floats:
    """The weighted sum of signals (n,), each moved to 0 … 1 first. Raises ValueError for unequal lengths."""
    parts = [weight * minmax(signal) for signal, weight in zip(signals, weights, strict=True)]
    return np.sum(np.stack(parts), axis=0) if parts else np.zeros(0)


def conversation_scores(
    lexical: npt.ArrayLike, vector: npt.ArrayLike, memory: npt.ArrayLike, position: npt.ArrayLike,
    named: npt.ArrayLike | None = None,
) -> Floats:  # fmt: skip
    """The final score of each candidate passage, (n,).

    `lexical` (n,) is BM25, higher is better, 0 where nothing matched; `vector` (n,) cosines; `memory` (n,)
    integers that tell the sessions apart; `position` (n,) places within them; `named` (n,) true where the passage
    is said by the one speaker that the query names. Neighbours count where they are candidates themselves.
    """
    base = fuse([lexical, vector], [LEXICAL, VECTOR])
    sessions = np.asarray(memory, dtype=np.int64)
    near = base + _neighbours(base, sessions, np.asarray(position, dtype=np.int64))
    total = near + SESSION * _session_best(near, sessions)
    return total if named is None else total * np.where(np.asarray(named, dtype=bool), SPEAKER, 1.0)


def _neighbours(scores: Floats, sessions: npt.NDArray[np.int64], positions: npt.NDArray[np.int64]) -> Floats:
    added = np.zeros_like(scores)
    if len(scores) < 2:
        return added
    order = np.lexsort((positions, sessions))
    follows = (np.diff(sessions[order]) == 0) & (np.diff(positions[order]) == 1)
    before, after = order[:-1][follows], order[1:][follows]
    np.add.at(added, after, PREVIOUS * scores[before])
    np.add.at(added, before, NEXT * scores[after])
    return added


def _session_best(scores: Floats, sessions: npt.NDArray[np.int64]) -> Floats:
    """For each passage the mean of its session's best scores."""
    if not len(scores):
        return scores
    _, place = np.unique(sessions, return_inverse=True)
    order = np.lexsort((-scores, place))
    starts = np.concatenate([[0], np.cumsum(np.bincount(place))])
    rank = np.arange(len(scores)) - starts[place[order]]
    best = order[rank < BEST]
    sums = np.bincount(place[best], weights=scores[best], minlength=len(starts) - 1)
    return np.asarray((sums / np.bincount(place[best], minlength=len(starts) - 1))[place])


def named_speaker(query: str, speakers: Iterable[str]) -> str | None:
    """The one speaker whose name or first name the query has as a word; None for none or several."""
    words = {word.casefold() for word in re.findall(r"\w+", query)}
    found = {speaker for speaker in speakers if (parts := speaker.split()) and parts[0].casefold() in words}
    return found.pop() if len(found) == 1 else None


def mmr(scores: npt.ArrayLike, vectors: npt.ArrayLike, limit: int, balance: float = 0.7) -> list[int]:
    """The indices of `limit` candidates, best first, each also unlike those before it.

    `scores` (n,), `vectors` (n, d) of length 1; `balance` 1 is the plain order, 0 only difference (Carbonell and
    Goldstein 1998).
    """
    relevance = minmax(scores)
    if not len(relevance):
        return []
    matrix = np.asarray(vectors, dtype=np.float64).reshape(len(relevance), -1)
    nearest = np.zeros(len(relevance))
    left = np.ones(len(relevance), dtype=bool)
    picked: list[int] = []
    while len(picked) < min(limit, len(relevance)):
        value = np.where(left, balance * relevance - (1 - balance) * nearest, -np.inf)
        best = int(value.argmax())
        picked.append(best)
        left[best] = False
        nearest = np.maximum(nearest, matrix @ matrix[best])
    return picked
