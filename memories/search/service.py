"""One question to one project, from the words to the results."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import numpy as np

from memories.engine.embedding import embed
from memories.engine.errors import WeightsUnavailable
from memories.models import Project
from memories.search import rank, words
from memories.search.index import DIMENSIONS, Vectors
from memories.search.rank import Hit
from memories.search.results import present
from memories.search.values import Kind, SearchAnswer, SearchQuery

logger = logging.getLogger(__name__)
POOL = 4  # candidates for one result, where results are chosen to differ
SHARE = 3  # of the results, entities and communities have a third each, unless there is nothing else


def search(project: Project, query: SearchQuery) -> SearchAnswer:
    """The best results of all the kinds that are asked for. Reads only; no question makes it raise."""
    begin = time.perf_counter()
    versions = Project.objects.values_list("graph_version", "community_generation")
    question = rank.Question(project, query, _vector(query.query), versions.get(pk=project.pk))
    most = query.limit * (POOL if query.rerank == "mmr" else 1)
    found = [rank.hits(question, kind, most) for kind in dict.fromkeys(query.kinds)]
    merged = _merged([hits for hits in found if hits], query, most)
    chosen = rank.diverse(merged, query.limit) if query.rerank == "mmr" else merged[: query.limit]
    results = present(chosen, query.query)
    return SearchAnswer(results, round((time.perf_counter() - begin) * 1e3, 2))


def _vector(question: str) -> Vectors:
    """The question's vector; zeros, so that words alone decide, where the model can't be had."""
    try:
        vectors: Vectors = embed([question])
        return np.asarray(vectors[0])
    except WeightsUnavailable as error:
        logger.warning("Searching by words alone: %s", error)
        return np.zeros(DIMENSIONS, np.float32)


def _merged(found: Sequence[list[Hit]], query: SearchQuery, most: int) -> list[Hit]:
    """One list of several kinds. Within a kind the order stays; a kind counts as much as its best hit's own merits."""
    if len(found) == 1:
        return found[0]
    wanted = set(words.terms(query.query).words)
    for hits in found:
        weight = _merit(hits[0], len(wanted)) / (hits[0].score or 1.0)
        for hit in hits:
            hit.score *= weight
    ordered = sorted((hit for hits in found for hit in hits), key=lambda hit: -hit.score)
    room: dict[Kind, int] = dict.fromkeys(("entity", "community"), max(1, most // SHARE))
    first, later = list[Hit](), list[Hit]()
    for hit in ordered:
        room[hit.kind] = room.get(hit.kind, most) - 1
        (first if room[hit.kind] >= 0 else later).append(hit)
    return [*first, *later][:most]


def _merit(hit: Hit, wanted: int) -> float:
    """How good a hit is on a scale that all kinds share: its cosine, and that it has the question's words at all."""
    by_words = 1.0 if wanted and hit.why["words"] > 0 else 0.0
    return 0.7 * max(0.0, float(hit.why["vector"])) + 0.3 * by_words
