"""What people decide about facts. A decision stays when memories are read again, and outweighs what was said before."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser

from memories.graph import placing, time, upkeep, versions
from memories.models import Entity, Fact, FactDecision

Kind = FactDecision.Kind


class TooEarly(ValueError):
    """A fact can't have ended before it began."""


def invalidate(fact: Fact, user: AbstractBaseUser, *, at: datetime | None = None, wrong: bool = False) -> None:
    """The fact ended `at` that time, or now; or it is `wrong` and never was so. In the caller's transaction.

    TooEarly when it began later than `at`.
    """
    if not wrong and at is not None and fact.valid_at is not None and at < fact.valid_at:
        raise TooEarly
    _decide(fact, user, Kind.WRONG if wrong else Kind.ENDED, None if wrong else at)


def restore(fact: Fact, user: AbstractBaseUser) -> None:
    """The fact holds after all, whatever was decided or said against it until now. In the caller's transaction."""
    if fact.expired_at is not None or fact.invalid_at is not None:
        _decide(fact, user, Kind.KEPT)


def _decide(fact: Fact, user: AbstractBaseUser, kind: str, at: datetime | None = None) -> None:
    versions.bump(fact.project)
    FactDecision.objects.create(fact=fact, kind=kind, at=at, made_by_id=user.pk)
    settled = time.settle(fact.project, {fact.pk})
    touched = settled.entities | {end for end in (fact.subject_id, fact.object_id) if end is not None}
    upkeep.recount(touched)
    upkeep.index_entities(Entity.objects.filter(pk__in=touched))
    placing.place(fact.project, touched)
