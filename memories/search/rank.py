"""Candidates of one kind, scored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from memories.engine import ranking
from memories.models import Project
from memories.search import words
from memories.search.index import Ids, Index, IndexCache, Vectors, Version
from memories.search.scope import about_entity, allowed
from memories.search.values import Kind, SearchQuery

Scores = NDArray[np.float64]
CANDIDATES = 3_000
BALANCE = 0.5  # of mmr: that a result is good counts as much as that it is new

_cache = IndexCache()


@dataclass(slots=True)
class Hit:
    """A document with its score; `vector` may be all zero."""

    kind: Kind
    document: int
    score: float
    vector: Vectors
    why: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """What all kinds are asked: the query, its vector (all zero without a model), and the state it is asked at."""

    project: Project
    query: SearchQuery
    vector: Vectors
    version: Version


def hits(question: Question, kind: Kind, most: int) -> list[Hit]:
    """The `most` best documents of the kind that the question may have, best first; none without any signal."""
    index = _cache.get(question.project, kind, question.version)
    places = _places(index, question, kind)
    if not len(places):
        return []
    found = words.candidates(question.project.pk, kind, question.query.query, CANDIDATES)
    by_words = _words(index, found)[places]
    by_vector = (index.vectors @ question.vector).astype(np.float64)[places]
    scores = _scores(index, places, kind, question.query.query, by_words, by_vector)
    near = _near(index.ids[places], kind, question.query.center_entity)
    scores[near] += 1.0 + scores.max()
    signal = (by_words > 0) | (by_vector > 0)
    best = [int(row) for row in np.argsort(-scores, kind="stable") if signal[row]][:most]
    strongest = float(by_words.max()) or 1.0
    return [
        Hit(
            kind=kind,
            document=int(index.ids[places[row]]),
            score=float(scores[row]),
            vector=index.vectors[places[row]],
            why={
                "words": round(float(by_words[row]) / strongest, 4),
                "vector": round(float(by_vector[row]), 4),
                **({"center_entity": True} if near[row] else {}),
            },
        )
        for row in best
    ]


def _words(index: Index, found: list[tuple[int, float]]) -> Scores:
    scores = np.zeros(len(index.ids))
    if found:
        places, inside = index.rows(np.array([document for document, _ in found], np.int64))
        scores[places[inside]] = np.array([score for _, score in found])[inside]
    return scores


def _places(index: Index, question: Question, kind: Kind) -> Ids:
    """The rows of the index that times and filters leave."""
    documents = allowed(question.project, kind, question.query)
    if documents is None:
        return np.arange(len(index.ids))
    ids = np.fromiter(documents.order_by().values_list("id", flat=True), np.int64)
    return np.flatnonzero(np.isin(index.ids, ids))


def _scores(  # noqa: PLR0917 - one signal each
    index: Index, places: Ids, kind: Kind, query: str, by_words: Scores, by_vector: Scores
) -> Scores:
    if kind != "passage":
        return ranking.fuse([by_words, by_vector], [0.5, 0.5])
    speakers = index.speakers[places]
    speaker = ranking.named_speaker(query, set(speakers))
    named = None if speaker is None else speakers == speaker
    return ranking.conversation_scores(by_words, by_vector, index.sessions[places], index.positions[places], named)


def _near(ids: Ids, kind: Kind, center: UUID | None) -> NDArray[np.bool_]:
    if center is None:
        return np.zeros(len(ids), np.bool_)
    return np.isin(ids, np.fromiter(about_entity(kind, center), np.int64))


def diverse(found: list[Hit], limit: int) -> list[Hit]:
    """The first `limit` hits, each good and unlike those above it."""
    if not found:
        return []
    order = ranking.mmr([hit.score for hit in found], np.stack([hit.vector for hit in found]), limit, BALANCE)
    return [found[place] for place in order]
