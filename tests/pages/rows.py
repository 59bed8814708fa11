"""Rows for the pages' tests, written as the pipelines would write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F
from django.db.models.functions import Now

from memories.engine.resolution.identity import digest, is_person, key_of
from memories.models import (
    Community,
    CommunityMembership,
    Entity,
    EntityAlias,
    Fact,
    FactSupport,
    Memory,
    Mention,
    Passage,
    Project,
)
from tasks_app import transitions
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskLog

TEXT = "😀 Ada moved to Lisbon. <script>alert(1)</script>"
EVIL = "<script>alert(1)</script>"
WHEN = datetime(2024, 5, 1, 12, tzinfo=UTC)


def memory(project: Project, content: str = TEXT, *, title: str = "A note", **columns: Any) -> Memory:
    """A memory without a task, read in one passage."""
    row = Memory.objects.create(
        project=project, title=title, content=content, reference_time=WHEN, generation=1, **columns
    )
    Passage.objects.create(memory=row, generation=1, position=0, text=content, start=0, end=len(content))
    return row


def entity(project: Project, name: str = "Ada", type: str = "person") -> Entity:
    key = key_of(name, person=is_person(type))
    row = Entity.objects.create(
        project=project, name=name, type=type, key=key, identity=digest(key), first_seen_at=WHEN, last_seen_at=WHEN
    )
    EntityAlias.objects.create(project=project, entity=row, read_as=row, name=name, key=name.casefold())
    return row


def mention(row: Memory, of: Entity, text: str = "") -> Mention:
    passage, text = row.passages.get(), text or of.name
    start = row.content.index(text)
    Entity.objects.filter(pk=of.pk).update(mention_count=F("mention_count") + 1)
    return Mention.objects.create(
        entity=of,
        read_as=of,
        name=of.name,
        type=of.type,
        passage=passage,
        memory=row,
        text=text,
        kind="name",
        start=start,
        end=start + len(text),
        extractor="t",
    )


def fact(row: Memory, subject: Entity, object: Entity, sentence: str, **columns: Any) -> Fact:
    made = Fact.objects.create(
        project=row.project, subject=subject, predicate="lives_in", object=object, sentence=sentence, extractor="t",
        **columns,
    )  # fmt: skip
    start = row.content.index(sentence)
    FactSupport.objects.create(
        fact=made, memory=row, passage=row.passages.get(), start=start, end=start + len(sentence), extractor="t",
        read_subject=subject, read_object=object,
    )  # fmt: skip
    return made


def community(project: Project, *members: Entity, name: str = "Ada & Lisbon") -> Community:
    Project.objects.filter(pk=project.pk).update(community_generation=1)
    made = Community.objects.create(project=project, generation=1, name=name, member_count=len(members))
    for member in members:
        CommunityMembership.objects.create(community=made, entity=member, generation=1)
    return made


def read_memory(project: Project) -> tuple[Memory, Entity, Fact]:
    """A memory with two mentions and a fact, which also makes a community."""
    row = memory(project)
    ada, lisbon = entity(project), entity(project, "Lisbon", "location")
    mention(row, ada)
    mention(row, lisbon)
    return row, ada, fact(row, ada, lisbon, "Ada moved to Lisbon.")


def task(project: Project, status: str = Status.PENDING, *, of: Memory | None = None, **columns: Any) -> TaskLog:
    """A task that went its way to `status` through the real transitions."""
    row = transitions.enqueue(project, Kind.INGEST_EPISODE, memory=of)
    if of is not None:
        Memory.objects.filter(pk=of.pk).update(task=row)
    if status != Status.PENDING:
        claimed = transitions.claim(row.pk, "worker-1")
        assert claimed is not None
        row = claimed
    if status == Status.COMPLETED:
        row = transitions.complete(row, {"entities": 2, "facts": 1}, lambda: None, "Episode ingestion completed")
    elif status == Status.FAILED:
        row = transitions.fail(row, "The text could not be read.", retryable=True, traceback="Traceback: secret")
    elif status == Status.CANCELLED:
        row = transitions.cancel(row)
    if columns:
        TaskLog.objects.filter(pk=row.pk).update(**columns)
    return TaskLog.objects.get(pk=row.pk)


def owner(project: Project) -> User:
    return User.objects.get(memberships__project=project, memberships__role="owner")


def stale(row: Memory) -> None:
    """The text has been changed since it was read."""
    Memory.objects.filter(pk=row.pk).update(content="Another text altogether.", updated_at=Now())
