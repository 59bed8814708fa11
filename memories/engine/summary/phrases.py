"""What a text is about in a few words each: its noun phrases, the most telling first."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from spacy.util import get_lang_class

from memories.engine import embedding
from memories.engine.extraction import model
from memories.engine.summary.words import LITTLE

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

MOST = 8
WEIGHED = 40  # of the phrases, those that are embedded
LONGEST = 4  # words
_TAGGERS = ("tok2vec", "tagger", "attribute_ruler")  # a fifth of what parsing costs
_EMPTY_NOUNS = """
thing things way ways lot lots kind kinds sort bit part parts number people person time times day days year years week
weeks month months hour hours minute minutes second seconds today yesterday tomorrow morning evening night case cases
fact example reason metre metres meter meters kilometre kilometres mile miles gram grams pound pounds euro euros
percent end beginning something anything everything nothing one ones man men woman women place side hand way name
"""
_EMPTY = frozenset(_EMPTY_NOUNS.split())
_SCRIPT_RUN = re.compile(r"[\u4e00-\u9fff]{2,6}|[\u30a0-\u30ff]{3,10}")
_SPLIT = re.compile(r"[^\w'\u2019\u30fb-]+|(?<!\w)-|-(?!\w)")


def english_phrases(text: str, sentences: Sequence[str], vectors: npt.NDArray[np.float32]) -> list[str]:
    """By how often a phrase occurs and how near it is to the text's middle (EmbedRank, Bennani-Smires et al. 2018)."""
    found: dict[str, str] = {}
    for doc in _tagged(sentences):
        for phrase in _noun_phrases(doc):
            found.setdefault(phrase.casefold(), phrase)
    counts = {key: _count(text, phrase) for key, phrase in found.items()}
    weighed = sorted(found, key=lambda key: (-counts[key] * (1 + key.count(" ")), key))[:WEIGHED]
    if not weighed:
        return []
    middle = vectors.mean(axis=0)
    nearness = embedding.embed([found[key] for key in weighed]) @ (middle / max(float(np.linalg.norm(middle)), 1e-9))
    score = {
        key: round(
            (0.2 + max(float(near), 0.0)) * (1 + math.log(max(counts[key], 1))) * (1.4 if " " in key else 1.0), 3
        )
        for key, near in zip(weighed, nearness, strict=True)
    }
    return _different([found[key] for key in sorted(score, key=lambda key: (-score[key], key))])


def other_phrases(sentences: Sequence[str], counts: Counter[str], language: str) -> list[str]:
    """Words in a row, no little ones between, by how often they occur again (RAKE, Rose et al. 2010)."""
    little = _little_words(language)
    found: Counter[str] = Counter()
    shown: dict[str, str] = {}
    for sentence in sentences:
        for phrase in (*_runs(sentence, little, nouns_are_capital=language == "de"), *_SCRIPT_RUN.findall(sentence)):
            found[phrase.casefold()] += 1
            shown.setdefault(phrase.casefold(), phrase)
    often = {key: max(count, counts[key]) for key, count in found.items() if max(count, counts[key]) > 1}
    return _different([shown[key] for key in sorted(often, key=lambda key: (-often[key] * (1 + key.count(" ")), key))])


def _little_words(language: str) -> frozenset[str]:
    """Those of the language where spaCy knows it; its lists come without any model."""
    try:
        listed = get_lang_class(language).Defaults.stop_words if language else ()
    except ImportError:
        listed = ()
    return LITTLE | frozenset(listed)


def _tagged(sentences: Sequence[str]) -> Iterator[Doc]:
    nlp = model.load()
    for sentence in sentences:
        doc = nlp.make_doc(sentence)
        for name in _TAGGERS:
            doc = nlp.get_pipe(name)(doc)
        yield doc


def _noun_phrases(doc: Doc) -> Iterator[str]:
    for is_part, run in groupby(doc, key=_may_be_part):
        if is_part:
            yield from _trimmed(list(run))


def _may_be_part(token: Token) -> bool:
    if token.text == "-":
        return token.i > 0 and not _stands_apart(token) and token.i + 1 < len(token.doc)
    return token.pos_ in {"NOUN", "PROPN", "ADJ"} and not token.is_stop and len(token.text) > 1


def _stands_apart(token: Token) -> bool:
    """Whether blanks stand beside it: then it is a dash, and no part of a word."""
    return bool(token.whitespace_ or token.nbor(-1).whitespace_)


def _trimmed(run: list[Token]) -> Iterator[str]:
    """From the run the last words up to its last noun, which says something by itself or has a word before it."""
    while run and run[-1].pos_ not in {"NOUN", "PROPN"}:
        run.pop()
    run = run[-LONGEST:]
    while run and (run[0].text == "-" or run[0].lower_ in _EMPTY):
        run.pop(0)
    if not run or run[-1].lower_ in _EMPTY:
        return
    phrase = run[0].doc[run[0].i : run[-1].i + 1].text
    if 2 < len(phrase) <= 60 and any(sign.isalpha() for sign in phrase):
        yield phrase if any(token.pos_ == "PROPN" for token in run) else phrase.lower()


def _count(text: str, phrase: str) -> int:
    return len(re.findall(rf"(?<!\w){re.escape(phrase)}(?!\w)", text[:500_000], re.IGNORECASE))


def _runs(sentence: str, little: frozenset[str], *, nouns_are_capital: bool) -> Iterator[str]:
    """One word, and up to three in a row. Where nouns have capitals only they count."""
    words = [word for word in _SPLIT.split(sentence) if word]

    def stops(word: str) -> bool:
        return word.lower() in little or len(word) < 4 or word[0].isdigit() or (nouns_are_capital and word[0].islower())

    for is_stop, run in groupby(words, key=stops):
        phrase = list(run)
        if not is_stop:
            yield from (word for word in phrase if len(word) > 4)
            if 1 < len(phrase) <= 3:
                yield " ".join(phrase)


def _different(phrases: Sequence[str]) -> list[str]:
    """The first MOST, of which none has only words of another."""
    kept: list[str] = []
    seen: list[set[str]] = []
    for phrase in phrases:
        stems = {word.rstrip("s") for word in re.findall(r"\w+", phrase.casefold())}
        if any(stems <= other or other <= stems for other in seen):
            continue
        kept.append(phrase)
        seen.append(stems)
        if len(kept) == MOST:
            break
    return kept
