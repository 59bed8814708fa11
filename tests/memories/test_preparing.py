"""What is worked out before the transaction is what would be worked out in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from memories import services
from memories.engine.resolution import resolve
from memories.graph import episodes, statements, time, versions
from memories.models import Fact, FactBelief, Memory, Project
from tests.memories.sayings import _readings, say
from tests.memories.test_any_order import DAYS, TEXTS, normalised, play, quick

__all__ = ["quick"]
pytestmark = pytest.mark.django_db(transaction=True)
SEVERAL = st.lists(st.sampled_from(TEXTS), min_size=1, max_size=5, unique=True).map(" ".join)
WORDS = st.tuples(SEVERAL, st.sampled_from(DAYS))
STEPS = st.tuples(st.sampled_from(["save", "save", "edit", "again"]), st.integers(0, 5), WORDS)


@given(steps=st.lists(STEPS, min_size=1, max_size=5))
@settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_fact_that_stands_alone_is_the_one_that_would_be_derived(
    alice: User, quick: None, steps: Sequence[tuple[str, int, tuple[str, datetime]]]
) -> None:
    one, other = (services.create_project(alice, name=name) for name in ("Prepared", "Derived"))
    try:
        play(alice, one, steps)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(statements._Lines, "is_alone", lambda lines, line, statement: False)
            play(alice, other, steps)
        assert normalised(one) == normalised(other)
        assert beliefs(one) == beliefs(other)
    finally:
        one.delete()
        other.delete()


def beliefs(project: Project) -> list[Any]:
    rows = FactBelief.objects.filter(fact__project=project)
    return sorted(str(row) for row in rows.values_list("fact__sentence", "valid_at", "invalid_at", "valid_precision"))


def test_facts_that_stand_alone_are_not_derived_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    derived: list[int] = []
    settle = time.settle

    def counted(project: Project, facts: Collection[UUID] = (), **more: Any) -> time.Settled:
        derived.append(len(facts))
        return settle(project, facts, **more)

    monkeypatch.setattr(time, "settle", counted)
    say(project, "\n".join(f"Person_{letter} works_for Acme" for letter in "abcdefgh"))
    assert derived[0] == 0
    say(project, "Person_a works_for Globex\nPerson_z works_for Acme", day=1)
    assert derived[2] == 1  # there are two things now that Person a works for


def test_preparing_writes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    prepare = episodes.prepare

    def watched(episode: episodes.Episode) -> episodes.Prepared:
        with CaptureQueriesContext(connection) as captured:
            prepared = prepare(episode)
        asked.extend(query["sql"] for query in captured)
        return prepared

    monkeypatch.setattr(episodes, "prepare", watched)
    memory = say(project, "Anna works_for Acme")
    say(project, "Anna works_for Globex", memory)
    assert asked
    assert all(sql.startswith(("SELECT", "DECLARE")) for sql in asked)  # PostgreSQL reads long tables by a cursor


def test_a_memory_that_is_gone_is_not_prepared(project: Project) -> None:
    memory = say(project, "Anna works_for Acme")
    readings = list(_readings("Anna works_for Acme"))
    resolution = resolve([mention for one in readings for mention in one.mentions])
    gone = episodes.Episode(memory, 7, readings, resolution, versions.current(project), "test-1")
    with pytest.raises(Memory.DoesNotExist):
        episodes.prepare(gone)


def test_where_a_place_lies_changes_what_was_said_of_homes(project: Project) -> None:
    def over() -> set[str]:
        homes = Fact.objects.filter(project=project, predicate="lives_in").exclude(invalid_at=None)
        return set(homes.values_list("object__name", flat=True))

    say(project, "Maria lives_in Leeds")
    say(project, "Maria lives_in Boston", day=1)
    assert over() == {"Leeds"}
    say(project, "Leeds located_in Boston", day=2)
    assert over() == set()
