"""Which sentences of a text stand for the whole."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from memories.engine import embedding
from memories.engine.documents.model import Block, Section
from memories.engine.extraction.language import is_english
from memories.engine.ranking.lexrank import lexrank
from memories.engine.summary import words
from memories.engine.summary.model import Summary, SummarySentence
from memories.engine.summary.phrases import english_phrases, other_phrases
from memories.engine.summary.sentences import Span, candidates

Floats = npt.NDArray[np.float64]
MOST = 96  # sentences that are compared, half a second of the embedder's time
TOO_ALIKE = 0.8  # cosine from which on a second sentence says nothing new
REPETITION = 0.3  # of the best rank: what a sentence loses for being like one that is chosen
_LEANS = re.compile(
    r"[\"'\u201c\u201e\u00ab\u2018(]*(?:"
    r"but|and|or|so|yet|however|moreover|furthermore|nevertheless|therefore|thus|instead|also|then|still|"
    r"this|that|these|those|it|he|she|they|his|her|their|its|such|here|there|aber|und|doch|dennoch|deshalb|dies\w*|er|sie|es|"
    r"mais|et|donc|cependant|ce|cette|ces|il|elle|ils|elles|pero|y|sin embargo|este|esta|estos|estas|"
    r"no|yes|nein|ja|non|oui)\b",
    re.IGNORECASE,
)


def summarize(
    text: str, sections: Sequence[Section] = (), *, blocks: Sequence[Block] = (), language: str = ""
) -> Summary:
    """Three to five sentences of the text by its length, up to eight key phrases, and the minutes of reading.

    LexRank (Erkan and Radev 2004) over the embeddings of the sentences, for languages other than English over their
    words. Of a text with more than MOST sentences each of MOST stretches of equal length sends one, so that no part
    goes unheard.
    The same text has the same summary. Raises WeightsUnavailable.
    """
    spans = candidates(text, sections, blocks)
    counts = words.counted(text)
    compared = _delegates(text, spans, counts)
    sentences = [text[start:end] for start, end in compared]
    english = is_english(" ".join(sentences) or text)
    minutes = words.minutes(text, language or ("en" if english else ""))
    if not sentences:
        return Summary(reading_minutes=minutes)
    vectors = embedding.embed(sentences) if english else words.vectors(sentences)
    chosen = _chosen(sentences, vectors, _wanted(len(spans)))
    phrases = english_phrases(text, sentences, vectors) if english else other_phrases(sentences, counts, language)
    return Summary(tuple(SummarySentence(sentences[i], *compared[i]) for i in chosen), tuple(phrases), minutes)


def _wanted(count: int) -> int:
    return 3 if count <= 15 else 4 if count <= 45 else 5


def _delegates(text: str, spans: Sequence[Span], counts: Counter[str]) -> list[Span]:
    """All of them, or of each stretch the sentence that has most of the text's frequent words, the first of equals."""
    if len(spans) <= MOST:
        return list(spans)
    edges = [round(i * len(spans) / MOST) for i in range(MOST + 1)]
    return [
        max(spans[first:last], key=lambda span: (words.weight(text[span[0] : span[1]], counts), -span[0]))
        for first, last in itertools.pairwise(edges)
    ]


def _chosen(sentences: Sequence[str], vectors: npt.NDArray[np.float32], wanted: int) -> list[int]:
    similar = vectors @ vectors.T
    rank = lexrank(similar) * np.array([_fitness(sentence, place) for place, sentence in enumerate(sentences)])
    rank = np.round(rank / rank.max(), 4)  # the last digits of an embedding hang on its neighbours
    picked: list[int] = []
    while len(picked) < wanted:
        worth = {i: _worth(i, rank, similar, picked) for i in range(len(sentences)) if _is_new(i, picked, similar)}
        if not worth:
            break
        picked.append(max(worth, key=lambda i: (worth[i], -i)))
    return sorted(picked)


def _is_new(place: int, picked: Sequence[int], similar: npt.NDArray[np.float32]) -> bool:
    return all(place != other and similar[place, other] < TOO_ALIKE for other in picked)


def _worth(place: int, rank: Floats, similar: npt.NDArray[np.float32], picked: Sequence[int]) -> float:
    alike = max((float(similar[place, other]) for other in picked), default=0.0)
    return float(rank[place]) - REPETITION * max(round(alike, 3), 0.0)


def _fitness(sentence: str, place: int) -> float:
    """What stands first often tells what follows; questions and what leans on others can't stand alone."""
    first = 1 + 0.3 / (1 + place)
    leans = 0.75 if _LEANS.match(sentence) else 1.0
    asks = 0.6 if sentence.rstrip("\"'\u201d\u2019)").endswith(("?", "\uff1f")) else 1.0
    length = len(sentence)
    size = 1.0 if 60 <= length <= 260 else 0.85
    return first * leans * asks * size
