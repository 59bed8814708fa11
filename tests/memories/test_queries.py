"""Reads that pages and API share."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User

from memories import queries, services
from memories.models import Project
from tasks_app import queries as task_queries
from tests.memories import rows

pytestmark = pytest.mark.django_db


def test_a_bare_date_is_the_end_of_its_day() -> None:
    assert queries.parse_moment("2024-05-31") == datetime(2024, 5, 31, 23, 59, 59, 999999, tzinfo=UTC)
    assert queries.parse_moment("2024-05-31T12:00:00+02:00") == datetime(2024, 5, 31, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "x", "2024-02-30", "0000-01-01", "10000-01-01", "2024-05-31T12:00", "9999-12-31T23:59:59-05:00", "\x00"],
)
def test_other_texts_are_no_moments(text: str) -> None:
    with pytest.raises(ValueError, match="Give a date"):
        queries.parse_moment(text)


def test_a_scope_is_one_project_or_several(project: Project, alice: User) -> None:
    other = services.create_project(alice, name="Other")
    for home in (project, other):
        rows.entity(home, "Ada")
    assert queries.entities(project).count() == 1
    assert queries.entities(Project.objects.all()).count() == 2


def test_what_is_published_is_shown(project: Project) -> None:
    memory = rows.memory(project, "Ada: I moved to Turin.", published=False)
    turin = rows.entity(project, "Turin")
    assert queries.memory_detail(memory).passages == []
    memory.generation = 1
    memory.save()
    fact = rows.fact(turin, "is", "a city", memory)
    rows.mention(turin, memory)
    rows.add_passages(memory, ["Ada: draft"], generation=2)
    detail = queries.memory_detail(memory)
    assert [passage.generation for passage in detail.passages] == [1]
    assert [found.entity for found in detail.entities] == [turin]
    assert detail.facts == [fact]
    memory.generation = 2
    memory.save()
    assert queries.memory_detail(memory).facts == []
    assert list(queries.facts(project).get().support.all()) == []


def test_a_memory_without_a_task_is_completed(project: Project) -> None:
    memory = rows.memory(project, "Ada: Turin")
    assert (queries.processing_status(memory), queries.progress(memory)) == ("pending", 0)
    memory.task = None
    memory.save()
    assert (queries.processing_status(memory), queries.progress(memory)) == ("completed", 100)
    assert queries.memories(project, status="completed").get() == memory


def test_communities_are_those_of_now_largest_first(project: Project) -> None:
    ada, turin = rows.entity(project, "Ada"), rows.entity(project, "Turin")
    rows.community(project, "old", ada, generation=1)
    small = rows.community(project, "small", generation=2)
    large = rows.community(project, "large", ada, turin, generation=2)
    assert list(queries.communities(project)) == [large, small]
    assert set(queries.community_members(large)) == {ada, turin}
    assert queries.community_of(queries.entities(project, q="ada").get()) == large


def test_the_event_position_of_a_project(project: Project) -> None:
    assert task_queries.event_position(project) == 0
    services.request_rebuild(project)
    assert task_queries.event_position(project) == 1
