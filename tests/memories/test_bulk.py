"""Rows that go in by the thousand are those that Django would make."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from memories import services
from memories.graph import bulk
from memories.models import Entity, EntityAlias, Fact, Project, SearchDocument

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return services.create_project(User.objects.create_user("owner"), name="Bulk")


def entity(project: Project, name: str, **more: object) -> Entity:
    return Entity(project=project, name=name, type="person", **more)


def test_what_went_in_comes_out(project: Project) -> None:
    when = datetime(2024, 5, 7, 12, 30, 15, 123456, tzinfo=UTC)
    anna, acme = entity(project, "Anna % ' \"", first_seen_at=when), entity(project, "Acme")
    bulk.create([anna, acme])
    fact = Fact(
        project=project, subject=anna, predicate="works_for", object=acme, sentence="", valid_at=when, extractor="x"
    )
    bulk.create([fact])
    kept = Entity.objects.get(pk=anna.pk)
    assert (kept.name, kept.first_seen_at, kept.mention_count) == ("Anna % ' \"", when, 0)
    assert kept.created_at is not None
    told = Fact.objects.get(pk=fact.pk)
    assert (told.object_id, told.value, told.valid_at, told.invalid_at) == (acme.pk, None, when, None)
    assert (told.confidence, told.polarity) == (1.0, "affirmed")


def test_more_than_a_chunk_goes_in(project: Project) -> None:
    rows = [entity(project, f"Person {n}") for n in range(bulk.CHUNK + 1)]
    bulk.create(rows)
    names = ("project_id", "kind", "entity_id", "text")
    bulk.insert(SearchDocument, names, ((project.pk, "entity", row.pk, row.name) for row in rows))
    assert Entity.objects.count() == SearchDocument.objects.count() == len(rows)


def test_what_is_there_is_left_out_or_refused(project: Project) -> None:
    anna = entity(project, "Anna")
    bulk.create([anna])
    names = ("project_id", "entity_id", "read_as_id", "name", "key")
    row = (project.pk, anna.pk, anna.pk, "Anna", "anna")
    bulk.insert(EntityAlias, names, [row])
    bulk.insert(EntityAlias, names, [row, (project.pk, anna.pk, anna.pk, "Ann", "ann")], ignore_conflicts=True)
    assert EntityAlias.objects.count() == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert(EntityAlias, names, [row])


def test_nothing_is_nothing() -> None:
    bulk.create([])
    bulk.insert(EntityAlias, ("project_id", "entity_id", "name", "key"), [])
