"""Which sentences say what most of the others say."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
DAMPING = 0.85
UNLIKE = 0.1  # cosine up to which two sentences have nothing to do with each other
STEPS = 50


def lexrank(similar: npt.NDArray[np.float32]) -> Floats:
    """The share of a random walk over cosines (n, n) that each sentence gets, sum 1 (Erkan and Radev 2004)."""
    links = np.where(similar > UNLIKE, similar, 0).astype(np.float64)
    np.fill_diagonal(links, 0)
    totals = links.sum(axis=1, keepdims=True)
    steps = np.divide(links, totals, out=np.full_like(links, 1 / len(links)), where=totals > 0)
    rank = np.full(len(links), 1 / len(links))
    for _ in range(STEPS):
        rank = (1 - DAMPING) / len(links) + DAMPING * (rank @ steps)
    return rank
