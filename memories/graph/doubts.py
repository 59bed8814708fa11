"""Facts that contradict each other while nothing says which came first: reviews for people, and what they answer."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from uuid import UUID

from django.db.models import Q

from memories.graph import bulk
from memories.graph.naming import chunks
from memories.graph.time import Settled, UnsureFacts
from memories.models import Fact, FactDecision, Project, Review


def write(project: Project, settled: Settled) -> None:
    """Brings the open reviews of the facts that were derived up to what is in doubt."""
    said = ("created_at", "predicate", "value", "polarity", "subject__identity", "object__identity")
    facts = (
        Fact.objects.select_related("subject", "object")
        .only(*said)
        .in_bulk([id for one in settled.unsure for id in (one.one, one.other)])
    )
    wanted: dict[str, UnsureFacts] = {}
    for one in settled.unsure:
        if one.one in facts and one.other in facts:
            wanted[_pair(facts[one.one], facts[one.other])] = one
    there = _there(project, settled.derived, wanted)
    over = [row.pk for key, row in there.items() if key not in wanted and row.state == Review.State.OPEN]
    Review.objects.filter(pk__in=over).delete()
    rows = [_review(project, key, one, facts, there.get(key)) for key, one in wanted.items()]
    columns = ["first_fact", "second_fact", "evidence"]
    bulk.update([row for row in rows if row.pair in there], columns)
    bulk.create([row for row in rows if row.pair not in there])


def _there(project: Project, facts: Collection[UUID], pairs: Collection[str]) -> dict[str, Review]:
    found: dict[str, Review] = {}
    reviews = Review.objects.filter(project=project, kind=Review.Kind.INVALIDATION).order_by()
    for chunk in chunks(facts):
        found |= {row.pair: row for row in reviews.filter(Q(first_fact__in=chunk) | Q(second_fact__in=chunk))}
    for part in chunks(pairs):
        found |= {row.pair: row for row in reviews.filter(pair__in=part)}
    lost = reviews.filter(Q(first_fact=None) | Q(second_fact=None))
    lost.filter(state=Review.State.OPEN).delete()
    lost.exclude(evidence={}).update(evidence={})
    return found


def _review(project: Project, key: str, one: UnsureFacts, facts: Mapping[UUID, Fact], row: Review | None) -> Review:
    first, second = sorted((facts[one.one], facts[one.other]), key=lambda fact: (fact.created_at, fact.pk))
    row = row or Review(project=project, kind=Review.Kind.INVALIDATION, pair=key, score=0.5)
    row.first_fact, row.second_fact, row.evidence = first, second, {"reasons": [one.reason]}
    return row


def _pair(one: Fact, other: Fact) -> str:
    """A digest of what the two say, whichever comes first."""
    return hashlib.blake2b("\n".join(sorted((_content(one), _content(other)))).encode(), digest_size=16).hexdigest()


def _content(fact: Fact) -> str:
    target = fact.object.identity if fact.object else (fact.value or "").casefold()
    return f"{fact.subject.identity} {fact.predicate} {target} {fact.polarity}"


def end(review: Review, over: Fact, by: int | None) -> None:
    """Remembers that a fact of the review is over, since the other one began if that is known."""
    other = review.second_fact if over.pk == review.first_fact_id else review.first_fact
    at = other.valid_at if other else None
    if at is not None and over.valid_at is not None and at < over.valid_at:
        at = None
    FactDecision.objects.create(
        fact=over,
        kind=FactDecision.Kind.ENDED,
        at=at,
        made_by_id=by,
        of_subject_id=over.subject_id,
        of_object_id=over.object_id,
        review=review,
    )


def withdraw(review: Review) -> set[UUID]:
    """Takes back what was decided in the review; returns its facts."""
    decisions = FactDecision.objects.filter(review=review)
    facts = {id for id in (review.first_fact_id, review.second_fact_id) if id}
    facts |= set(decisions.values_list("fact_id", flat=True))
    decisions.delete()
    return facts
