"""What people decide about entities: that two are one, or are not, and what they are called."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from django.db.models.functions import Now

from memories.graph import decisions, doubts, joining, placing, versions
from memories.graph.proposals import pair_key
from memories.models import Entity, Fact, Merge, Project, Review


class Refused(Exception):
    """The decision can't be made as things stand; the message is a sentence that says why."""


def merge(project: Project, source: Entity, target: Entity, by: int | None, review: Review | None = None) -> Merge:
    """Joins the source to the target, in the caller's transaction; Refused when that would say nothing, or a circle."""
    versions.bump(project)
    source.refresh_from_db()
    target.refresh_from_db()
    _check(source, target)
    row = Merge.objects.create(
        project=project,
        source=source,
        target=target,
        source_key=source.identity,
        target_key=target.identity,
        by_id=by,
        review=review,
        score=review.score if review else 1.0,
    )
    _settle(project, {source.pk, target.pk})
    row.refresh_from_db()
    return row


def _check(source: Entity, target: Entity) -> None:
    if source.pk == target.pk:
        raise Refused(f"“{source.name}” can't be merged into itself.")
    for one in (source, target):
        if one.merged_into is not None:
            same = one.merged_into_id in {source.pk, target.pk}
            already = f"“{one.name}” has already been merged into “{one.merged_into.name}”"
            raise Refused(f"{already}." if same else f"{already}; merge that one, or undo its merge first.")


def undo(merge: Merge, by: int | None) -> None:
    """Parts what the merge joined, in the caller's transaction; Refused when it was undone before.

    What came in between stays as it is. Of a merge that nobody asked for it is remembered that the two are two.
    """
    versions.bump(merge.project)
    if not Merge.objects.filter(pk=merge.pk, undone_at=None).update(undone_at=Now(), undone_by=by, evidence={}):
        raise Refused("This merge has been undone already.")
    if merge.automatic:
        _reject_pair(merge, by)
    elif merge.review_id:
        Review.objects.filter(pk=merge.review_id).update(state=Review.State.OPEN, decided_by=None, decided_at=None)
    _settle(merge.project, _present(merge.project, {merge.source_key, merge.target_key}))
    merge.refresh_from_db()


def _reject_pair(merge: Merge, by: int | None) -> None:
    first, second = sorted((merge.source_key, merge.target_key))
    ids = {merge.source_key: merge.source_id, merge.target_key: merge.target_id}
    Review.objects.update_or_create(
        project=merge.project,
        kind=Review.Kind.MERGE,
        pair=pair_key(first, second),
        defaults={
            "state": Review.State.REJECTED,
            "first_key": first,
            "second_key": second,
            "first_entity_id": ids[first],
            "second_entity_id": ids[second],
            "score": merge.score,
            "decided_by_id": by,
            "decided_at": Now(),
        },
    )


def accept(review: Review, by: int | None, over: UUID | None = None) -> None:
    """Joins the two entities, the rarer to the other one; of two facts ends the one that is `over`, else the one that
    was known first. In the caller's transaction; Refused when it is decided."""
    _decide(review, Review.State.ACCEPTED, by)
    if review.kind == Review.Kind.INVALIDATION:
        _end(review, over, by)
        return
    first, second = review.first_entity, review.second_entity
    if first is None or second is None:
        raise Refused("One of the two is gone, so there is nothing to merge.")
    source, target = sorted((_root(first), _root(second)), key=lambda one: (one.mention_count, len(one.name), one.name))
    if source.pk != target.pk:
        merge(review.project, source, target, by, review)


def _end(review: Review, over: UUID | None, by: int | None) -> None:
    versions.bump(review.project)
    facts = {fact.pk: fact for fact in (review.first_fact, review.second_fact) if fact is not None}
    if len(facts) < 2:
        raise Refused("One of the two facts is gone, so there is nothing to decide.")
    if over is not None and over not in facts:
        raise Refused("This review is not about that fact.")
    chosen = facts[over] if over else next(iter(facts.values()))
    doubts.end(review, chosen, by)
    _derive(review.project, set(facts))


def _derive(project: Project, facts: Collection[UUID]) -> None:
    ends = Fact.objects.filter(pk__in=facts).values_list("subject_id", "object_id")
    decisions.derive(project, facts, {end for pair in ends for end in pair if end})


def reject(review: Review, by: int | None) -> None:
    """Remembers that the two are two, in the caller's transaction; Refused when it is decided."""
    _decide(review, Review.State.REJECTED, by)
    versions.bump(review.project)
    if review.kind == Review.Kind.MERGE:
        _settle(review.project, _present(review.project, {review.first_key, review.second_key}))


def reopen(review: Review, by: int | None) -> None:
    """Takes a decision back, in the caller's transaction; Refused when there is none."""
    rows = Review.objects.filter(pk=review.pk).exclude(state=Review.State.OPEN)
    if not rows.update(state=Review.State.OPEN, decided_by=None, decided_at=None):
        raise Refused("This review is open; there is nothing to undo.")
    versions.bump(review.project)
    if review.kind == Review.Kind.INVALIDATION:
        _derive(review.project, doubts.withdraw(review))
        return
    Merge.objects.filter(review=review, undone_at=None).update(undone_at=Now(), undone_by=by)
    _settle(review.project, _present(review.project, {review.first_key, review.second_key}))


def _decide(review: Review, state: Review.State, by: int | None) -> None:
    rows = Review.objects.filter(pk=review.pk, state=Review.State.OPEN)
    if not rows.update(state=state, decided_by=by, decided_at=Now()):
        review.refresh_from_db(fields=["state"])
        raise Refused(f"This review has been {review.state} already; undo that first.")


def describe(entity: Entity, changes: Mapping[str, str]) -> None:
    """Writes what people say of an entity: `name`, `type`, `summary`; an empty name or type gives up theirs again."""
    versions.bump(entity.project)
    columns = {"name": "given_name", "type": "given_type", "summary": "summary"}
    Entity.every.filter(pk=entity.pk).update(**{columns[name]: value for name, value in changes.items()})
    _settle(entity.project, {entity.pk})


def _root(entity: Entity) -> Entity:
    return entity.merged_into or entity


def _present(project: Project, identities: Collection[str]) -> set[UUID]:
    rows = Entity.every.filter(project=project, identity__in=identities).order_by()
    return set(rows.values_list("pk", flat=True))


def _settle(project: Project, entities: Collection[UUID]) -> None:
    joined = joining.settle(project, entities)
    placing.place(project, joined.shown, joined.left)
