"""Candidates by words: what the full-text index finds for a question, best first.

A question is read as the OR of its words; stop words are left out unless there are no others. Runs of a script that
is written without spaces are looked for by their pairs of letters. No input makes this raise.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Case, FloatField, Q, Value, When
from django.db.models.expressions import Combinable

from memories.models import SearchDocument
from memories.search.fulltext import TABLE

MAX_WORDS = 64
MAX_PAIRS = 24
MAX_WORD_LENGTH = 100
K1, B = 1.2, 0.75

_WORD = re.compile(r"[^\W_]+")
# Han, kana, Thai, Lao, Khmer, Myanmar: written without spaces between words.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0002fa1f]+")
_STOP = """
    a about after all also am an and any are as at be because been before being but by can could did do does doing for
    from had has have having he her here hers him his how i if in into is it its itself just me more most my no nor not
    of off on once only or other our ours out over own same s she should so some such t than that the their theirs them
    then there these they this those through to too under until up very was we were what when where which while who
    whom why will with would you your yours d ll m re ve
"""
STOP_WORDS = frozenset(_STOP.split())


@dataclass(frozen=True, slots=True)
class Terms:
    """What is looked for: `words` of the full-text index, `pairs` of letters where there are no spaces."""

    words: tuple[str, ...]
    pairs: tuple[str, ...]


def terms(question: str) -> Terms:
    """The words of a question, each once, in their order."""
    unspaced = _UNSPACED.findall(question)
    spaced = _UNSPACED.sub(" ", question).lower()
    found = dict.fromkeys(word[:MAX_WORD_LENGTH] for word in _WORD.findall(spaced))
    words = [word for word in found if word not in STOP_WORDS] or list(found)
    pairs = dict.fromkeys(pair for run in unspaced for pair in _pairs(run))
    return Terms(tuple(words[:MAX_WORDS]), tuple(list(pairs)[:MAX_PAIRS]))


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


def candidates(project_id: UUID, kind: str, question: str, limit: int) -> list[tuple[int, float]]:
    """(id of the document, score > 0), the best first; unpublished passages may be among them."""
    wanted = terms(question)
    found: dict[int, float] = {}
    if wanted.words:
        by_words = _postgresql if connection.vendor == "postgresql" else _sqlite
        found = dict(by_words(project_id, kind, wanted.words, limit))
    if wanted.pairs:
        for document, score in _by_pairs(project_id, kind, wanted.pairs, limit):
            found[document] = found.get(document, 0.0) + score
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))[:limit]


def _sqlite(project_id: UUID, kind: str, words: Sequence[str], limit: int) -> list[tuple[int, float]]:
    """FTS5 weighs a word by how many documents of all projects have it; here it counts what this project's have, so
    that nobody's results depend on what others save."""
    scope = f'project_id : "{project_id.hex}" AND kind : "{kind}"'
    scores: dict[int, float] = {}
    for word in words:
        text = f'text : ("{word}")'
        own, all_own, others_too, everything = _counts(project_id, kind, f"{scope} AND {text}", text)
        if own:
            weight = rarity(own, all_own) / rarity(others_too, everything)
            for document, score in _best(f"{scope} AND {text}", limit):
                scores[document] = scores.get(document, 0.0) + weight * score
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:limit]


def _counts(project_id: UUID, kind: str, here: str, everywhere: str) -> tuple[int, int, int, int]:
    """How many documents of the project match, and it has; how many of all projects match, and there are."""
    matches = f"SELECT count(*) FROM {TABLE} WHERE {TABLE} MATCH %s"  # noqa: S608
    own = "SELECT count(*) FROM memories_searchdocument WHERE project_id = %s AND kind = %s"
    statement = f"SELECT ({matches}), ({own}), ({matches}), (SELECT count(*) FROM memories_searchdocument)"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [here, project_id.hex, kind, everywhere])
        row: tuple[int, int, int, int] = cursor.fetchone()
        return row


def _best(match: str, limit: int) -> list[tuple[int, float]]:
    rank = f"bm25({TABLE}, 0.0, 0.0, 1.0)"
    statement = f"SELECT rowid, -{rank} FROM {TABLE} WHERE {TABLE} MATCH %s ORDER BY {rank} LIMIT %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [match, limit])
        return [(int(document), float(score)) for document, score in cursor.fetchall()]


def rarity(having: int, total: int) -> float:
    """The weight of a word that `having` of `total` documents have: Robertson's, kept above zero as SQLite does."""
    weight = math.log((total - having + 0.5) / (having + 0.5)) if total > having else 0.0
    return max(1e-6, weight)


def _postgresql(project_id: UUID, kind: str, words: Sequence[str], limit: int) -> list[tuple[int, float]]:
    """BM25 from the words' counts: the ranks that PostgreSQL has do not tell rare words from common ones."""
    statement = """
        SELECT document.id, word.lexeme, cardinality(word.positions), length(document.words)
        FROM memories_searchdocument AS document, unnest(document.words) AS word
        WHERE project_id = %(project)s AND kind = %(kind)s AND document.words @@ to_tsquery('english', %(any)s)
          AND word.lexeme = ANY (tsvector_to_array(to_tsvector('english', %(all)s)))"""
    any_word = " | ".join(f"'{word}'" for word in words)
    with connection.cursor() as cursor:
        cursor.execute(statement, {"project": project_id, "kind": kind, "any": any_word, "all": " ".join(words)})
        rows = cursor.fetchall()
    total = SearchDocument.objects.filter(project_id=project_id, kind=kind).count()
    return sorted(bm25(rows, total).items(), key=lambda item: (-item[1], item[0]))[:limit]


def bm25(rows: Sequence[tuple[int, str, int, int]], total: int) -> dict[int, float]:
    """Scores of documents from (document, word, count in it, its length), of `total` documents.

    Robertson's formula with the constants that SQLite has; the mean length is that of the documents found.
    """
    lengths = {document: length for document, _, _, length in rows}
    mean = sum(lengths.values()) / max(1, len(lengths)) or 1.0
    having = Counter(word for _, word, _, _ in rows)
    weights = {word: rarity(n, total) for word, n in having.items()}
    scores: dict[int, float] = {}
    for document, word, count, length in rows:
        part = count * (K1 + 1) / (count + K1 * (1 - B + B * length / mean))
        scores[document] = scores.get(document, 0.0) + weights[word] * part
    return scores


def _by_pairs(project_id: UUID, kind: str, pairs: Sequence[str], limit: int) -> list[tuple[int, float]]:
    one, none = Value(1.0, FloatField()), Value(0.0, FloatField())
    score: Combinable = none
    somewhere = Q()
    for pair in pairs:
        somewhere |= Q(text__contains=pair)
        score = score + Case(When(text__contains=pair, then=one), default=none)
    rows = SearchDocument.objects.filter(somewhere, project_id=project_id, kind=kind)
    return list(rows.annotate(score=score).order_by("-score", "id").values_list("id", "score")[:limit])
