"""What people are asked about, and what was joined without asking them, with the evidence: derived rows."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from memories.engine.resolution.clustering import Clusters, Pair
from memories.engine.resolution.judging import Judgement
from memories.graph import bulk
from memories.graph.likenesses import Judged
from memories.graph.naming import chunks
from memories.models import Entity, Mention, Merge, Project, Review

AROUND = 90  # characters of the text on each side of a name
QUOTES = 2
PLACES = 4  # of which those that show the same words are left out
ONLY_ONE = Judgement(0.95, ("A memory calls it so, and nothing else goes by that name.",), sure=True)


def pair_key(one: str, other: str) -> str:
    """What a pair of identities is remembered under, whichever comes first."""
    return hashlib.blake2b("\n".join(sorted((one, other))).encode(), digest_size=16).hexdigest()


def write(project: Project, judged: Judged, clusters: Clusters, entities: Collection[UUID]) -> None:
    """Brings open reviews and automatic merges of the entities up to what was judged."""
    here = {id for id in entities if id in clusters.root_of}
    identities = {judged.rows[id].identity for id in here}
    concerned = {pair: judgement for pair, judgement in judged.judgements.items() if pair & here}
    asked = {pair for pair in concerned if _are_two(clusters, judged, pair)}
    joined = {pair: _why(judged, pair) for pair in clusters.joined if here & set(pair)}
    evidence = _Evidence(judged, {*concerned, *(frozenset(pair) for pair in joined)})
    _write_reviews(project, concerned, asked, evidence, identities)
    _write_merges(project, judged, joined, evidence, identities)


def recognise(project: Project, entities: Collection[Entity]) -> None:
    """Gives entities that are there again the decisions that were made about them."""
    ids = {entity.identity: entity.pk for entity in entities}
    reviews = Review.objects.filter(project=project).order_by()
    merges = Merge.objects.filter(project=project).order_by()
    for chunk in chunks(ids):
        for column, key in (("first_entity", "first_key"), ("second_entity", "second_key")):
            known = reviews.filter(**{column: None, f"{key}__in": chunk}).values_list(key, flat=True)
            for identity in set(known):
                reviews.filter(**{column: None, key: identity}).update(**{column: ids[identity]})
        for column, key in (("source", "source_key"), ("target", "target_key")):
            named = merges.filter(**{column: None, f"{key}__in": chunk}).values_list(key, flat=True)
            for identity in set(named):
                merges.filter(**{column: None, key: identity}).update(**{column: ids[identity]})


def drop(entities: Collection[UUID]) -> None:
    """Nobody is asked about entities that go, and what led to a decision about them is forgotten."""
    for chunk in chunks(entities):
        reviews = Review.objects.filter(Q(first_entity__in=chunk) | Q(second_entity__in=chunk))
        reviews.filter(state=Review.State.OPEN).delete()
        reviews.update(evidence={})
        merges = Merge.objects.filter(Q(source__in=chunk) | Q(target__in=chunk))
        merges.filter(automatic=True, undone_at=None).delete()
        merges.update(evidence={})


def _are_two(clusters: Clusters, judged: Judged, pair: Pair) -> bool:
    one, other = (clusters.root_of.get(id, judged.rows[id].merged_into_id or id) for id in pair)
    return one != other


def _why(judged: Judged, pair: tuple[UUID, UUID]) -> Judgement:
    judgement = judged.judgements.get(frozenset(pair))
    return judgement if judgement and judgement.sure else ONLY_ONE


def _write_reviews(
    project: Project,
    concerned: Mapping[Pair, Judgement],
    asked: Collection[Pair],
    evidence: _Evidence,
    identities: Collection[str],
) -> None:
    """Asks about the pairs in `asked`; of those that were decided, the evidence is brought up to date."""
    there = _reviews_of(project, identities)
    wanted: dict[str, Review] = {}
    for pair, judgement in concerned.items():
        first, second = evidence.ordered(pair)
        key = pair_key(first.identity, second.identity)
        review = there.get(key) or Review(project=project, kind=Review.Kind.MERGE, pair=key)
        if pair not in asked and review.state == Review.State.OPEN:
            continue
        review.first_entity, review.second_entity = first, second
        review.first_key, review.second_key = first.identity, second.identity
        review.score, review.evidence = judgement.score, evidence.of(pair, judgement)
        wanted[key] = review
    _forget(there, wanted)
    columns = ["first_entity", "second_entity", "first_key", "second_key", "score", "evidence"]
    bulk.update([row for key, row in wanted.items() if key in there], columns)
    bulk.create([row for key, row in wanted.items() if key not in there])


def _reviews_of(project: Project, identities: Collection[str]) -> dict[str, Review]:
    found: dict[str, Review] = {}
    for chunk in chunks(identities):
        rows = Review.objects.filter(project=project).order_by()
        for end in (rows.filter(first_key__in=chunk), rows.filter(second_key__in=chunk)):
            found |= {row.pair: row for row in end}
    return found


def _forget(there: Mapping[str, Review], wanted: Mapping[str, Review]) -> None:
    """Questions that nobody has any more go; what was decided stays, without the words that led to it."""
    over = [row for key, row in there.items() if key not in wanted]
    Review.objects.filter(pk__in=[row.pk for row in over if row.state == Review.State.OPEN]).delete()
    decided = [row.pk for row in over if row.state != Review.State.OPEN and row.evidence]
    Review.objects.filter(pk__in=decided).update(evidence={})


def _write_merges(
    project: Project,
    judged: Judged,
    joined: Mapping[tuple[UUID, UUID], Judgement],
    evidence: _Evidence,
    identities: Collection[str],
) -> None:
    there: dict[tuple[str, str], Merge] = {}
    for chunk in chunks(identities):
        rows = Merge.objects.filter(project=project, undone_at=None).order_by()
        for end in (rows.filter(source_key__in=chunk), rows.filter(target_key__in=chunk)):
            there |= {(row.source_key, row.target_key): row for row in end if row.automatic}
    wanted: dict[tuple[str, str], Merge] = {}
    for (source, target), judgement in joined.items():
        one, other = judged.rows[source], judged.rows[target]
        row = there.get((one.identity, other.identity)) or Merge(project=project, automatic=True)
        row.source, row.target, row.source_key, row.target_key = one, other, one.identity, other.identity
        row.score, row.evidence = judgement.score, evidence.of(frozenset((source, target)), judgement)
        wanted[one.identity, other.identity] = row
    Merge.objects.filter(pk__in=[row.pk for key, row in there.items() if key not in wanted]).delete()
    columns = ["source", "target", "score", "evidence"]
    bulk.update([row for key, row in wanted.items() if key in there], columns)
    bulk.create([row for key, row in wanted.items() if key not in there])


class _Evidence:
    """What people are shown of each pair: why, what both have in common, and where each is named."""

    def __init__(self, judged: Judged, pairs: Collection[Pair]) -> None:
        self.judged = judged
        self.quotes = _quotes({id for pair in pairs for id in pair})

    def ordered(self, pair: Pair) -> tuple[Entity, Entity]:
        first, second = sorted(pair, key=lambda id: (self.judged.rows[id].key, self.judged.rows[id].bearer))
        return self.judged.rows[first], self.judged.rows[second]

    def of(self, pair: Pair, judgement: Judgement) -> dict[str, Any]:
        return {
            "reasons": list(judgement.reasons),
            "shared": [str(id) for id in self.judged.shared.get(pair, [])[:10]],
            "quotes": [quote for entity in self.ordered(pair) for quote in self.quotes[entity.pk]],
        }


def _quotes(entities: Collection[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """For each entity the first places that name it, by the memories' own time."""
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    order = [F("memory__reference_time").asc(), F("memory").asc(), F("start").asc()]
    place = Window(RowNumber(), partition_by=F("read_as"), order_by=order)
    for chunk in chunks(entities):
        rows = Mention.objects.filter(read_as__in=chunk, kind=Mention.Kind.NAME).annotate(place=place)
        for mention in rows.filter(place__lte=PLACES).select_related("passage").order_by("place"):
            quote = _quote(mention)
            there = found[mention.read_as_id] if mention.read_as_id else []
            if quote["text"] not in [other["text"] for other in there] and len(there) < QUOTES:
                there.append(quote)
    return found


def _quote(mention: Mention) -> dict[str, Any]:
    """Some words around a mention, with their place in the memory."""
    passage = mention.passage
    begin = max(mention.start - passage.start - AROUND, 0)
    end = min(mention.end - passage.start + AROUND, len(passage.text))
    begin = passage.text.rfind(" ", 0, begin) + 1 if begin else 0
    end = passage.text.find(" ", end) if passage.text.find(" ", end) > 0 else len(passage.text)
    return {
        "entity": str(mention.read_as_id),
        "memory": str(mention.memory_id),
        "passage": str(mention.passage_id),
        "start": passage.start + begin,
        "end": passage.start + end,
        "text": passage.text[begin:end],
    }
