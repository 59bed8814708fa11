"""Rows of a small graph, written as an ingestion would leave them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import F

from memories.engine import embedding, ranking
from memories.engine.resolution.identity import digest, is_person, key_of
from memories.engine.types import Passage as PassageValue
from memories.models import (
    Community,
    CommunityMembership,
    Entity,
    EntityAlias,
    Fact,
    FactSupport,
    Memory,
    MemoryTag,
    Mention,
    Passage,
    Project,
    SearchDocument,
)
from tasks_app.kinds import Kind
from tasks_app.models import TaskLog

DAY = datetime(2024, 5, 31, 12, tzinfo=UTC)


def moment(year: int, month: int = 1, day: int = 1) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def memory(project: Project, *lines: str, tags: Sequence[str] = (), published: bool = True, **fields: Any) -> Memory:
    """A conversation of "speaker: text" lines, or a text when they have no speaker; one passage a line."""
    content = "\n".join(lines)
    row = Memory.objects.create(
        project=project,
        content=content,
        generation=1 if published else 0,
        **{"title": lines[0][:50], "reference_time": DAY, **fields},
    )
    row.task = TaskLog.objects.create(project=project, kind=Kind.INGEST_EPISODE, memory=row)
    row.save()
    MemoryTag.objects.bulk_create([MemoryTag(memory=row, name=tag) for tag in tags])
    add_passages(row, lines)
    row.refresh_from_db()
    return row


def add_passages(row: Memory, lines: Sequence[str], generation: int = 1) -> None:
    place = 0
    for position, line in enumerate(lines):
        speaker, _, text = line.rpartition(": ")
        start = place + len(line) - len(text)
        value = PassageValue(position, start, place + len(line), text, f"m{position}", speaker or None, None)
        passage = Passage.objects.create(
            memory=row,
            generation=generation,
            position=position,
            message_id=f"m{position}" if speaker else "",
            speaker=speaker,
            text=text,
            start=start,
            end=place + len(line),
        )
        SearchDocument.objects.create(
            project_id=row.project_id,
            kind="passage",
            passage=passage,
            text=ranking.search_text(value),
            embedding=embedding.to_bytes(embedding.embed([ranking.embedding_text(value)])),
        )
        place += len(line) + 1
    changed(row.project)


def changed(project: Project) -> None:
    """Says that the graph is another one."""
    Project.objects.filter(pk=project.pk).update(graph_version=F("graph_version") + 1)


def entity(project: Project, name: str, *aliases: str, type: str = "person", **fields: Any) -> Entity:
    key = key_of(name, person=is_person(type))
    row = Entity.objects.create(project=project, name=name, type=type, key=key, identity=digest(key), **fields)
    for alias in (name, *aliases):
        EntityAlias.objects.create(project=project, entity=row, read_as=row, name=alias, key=alias.casefold())
    SearchDocument.objects.create(project=project, kind="entity", entity=row, text=f"{name} {' '.join(aliases)} {type}")
    changed(project)
    return row


def mention(of: Entity, where: Memory, position: int = 0) -> Mention:
    passage = where.passages.get(generation=where.generation, position=position)
    start = where.content.index(of.name)
    return Mention.objects.create(
        entity=of,
        read_as=of,
        memory=where,
        passage=passage,
        text=of.name,
        name=of.name,
        kind="name",
        type=of.type,
        start=start,
        end=start + len(of.name),
    )


def fact(
    subject: Entity, predicate: str, object: Entity | str, where: Memory, position: int = 0, **fields: Any
) -> Fact:
    """A fact said by a passage of the memory; a text as `object` is a value."""
    passage = where.passages.get(generation=where.generation, position=position)
    target = {"value": object} if isinstance(object, str) else {"object": object}
    row = Fact.objects.create(
        project=subject.project, subject=subject, predicate=predicate, sentence=passage.text, **target, **fields
    )
    if "created_at" in fields:
        Fact.objects.filter(pk=row.pk).update(created_at=fields["created_at"])
    FactSupport.objects.create(
        fact=row,
        read_subject=subject,
        read_object=None if isinstance(object, str) else object,
        memory=where,
        passage=passage,
        start=passage.start,
        end=passage.end,
    )
    words = f"{subject.name} {predicate} {object} {passage.text}"
    SearchDocument.objects.create(project=subject.project, kind="fact", fact=row, text=words)
    changed(subject.project)
    row.refresh_from_db()
    return row


def community(project: Project, name: str, *members: Entity, generation: int = 1) -> Community:
    row = Community.objects.create(project=project, name=name, generation=generation, member_count=len(members))
    CommunityMembership.objects.bulk_create(
        [CommunityMembership(community=row, entity=member, generation=generation) for member in members]
    )
    SearchDocument.objects.create(project=project, kind="community", community=row, text=name)
    Project.objects.filter(pk=project.pk).update(community_generation=generation)
    changed(project)
    return row
