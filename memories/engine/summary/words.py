"""Words of any language, counted; how fast they are read."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from memories.engine.extraction.language import ENGLISH, FOREIGN

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+(?:['\u2019-][^\W_]+)*")
_SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
LITTLE = ENGLISH | FOREIGN
MOST_COUNTED = 2_000_000  # characters; what is frequent in these is frequent in all

# Words a minute, read with understanding (IReST: Trauzettel-Klosinski and Dietz 2012; English: Brysbaert 2019).
WORDS_A_MINUTE = {
    "ar": 138, "de": 179, "en": 238, "es": 218, "fi": 161, "fr": 195, "he": 187, "it": 188, "nl": 202, "pl": 166,
    "pt": 181, "ru": 184, "sl": 180, "sv": 199, "tr": 166,
}  # fmt: skip
SIGNS_A_MINUTE = {"zh": 255, "ja": 357}
USUAL_WORDS, USUAL_SIGNS = 200, 300


def words_of(text: str) -> list[str]:
    """In small letters; of scripts without blanks each sign."""
    return _WORD.findall(text.lower())


def counted(text: str) -> Counter[str]:
    return Counter(words_of(text[:MOST_COUNTED]))


def minutes(text: str, language: str) -> int:
    """Whole minutes, at least one for any text."""
    signs = len(_SPACELESS.findall(text))
    words = len(text.split()) if not signs else len(_SPACELESS.sub(" ", text).split())
    if not signs + words:
        return 0
    spoken = words / WORDS_A_MINUTE.get(language, USUAL_WORDS) + signs / SIGNS_A_MINUTE.get(language, USUAL_SIGNS)
    return max(1, round(spoken))


def weight(sentence: str, counts: Counter[str]) -> float:
    """How much of what the text often speaks of stands in the sentence: a mean over its words, little ones as none."""
    words = words_of(sentence)
    return sum(math.log1p(counts[word]) for word in set(words) if word not in LITTLE) / (len(words) + 4)


def vectors(sentences: Sequence[str]) -> npt.NDArray[np.float32]:
    """Unit rows of tf-idf, of scripts without blanks over pairs of signs: for languages the embedder does not know."""
    bags = [Counter(_terms(sentence)) for sentence in sentences]
    spread = Counter(term for bag in bags for term in bag)
    column = {term: i for i, term in enumerate(sorted(spread))}
    matrix = np.zeros((len(bags), max(1, len(column))), dtype=np.float32)
    for row, bag in enumerate(bags):
        for term, count in bag.items():
            matrix[row, column[term]] = count * math.log(1 + len(bags) / spread[term])
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.asarray(matrix / np.maximum(lengths, 1e-9), dtype=np.float32)


def _terms(sentence: str) -> list[str]:
    words = words_of(sentence)
    if _SPACELESS.search(sentence):
        return [a + b for a, b in itertools.pairwise(words)]
    return [word[:6] for word in words if word not in LITTLE]  # a stem, roughly
