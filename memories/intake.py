"""Writes what was handed in as a Memory row, and turns it into JSON and back for an import's parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from memories.engine.passages import render_conversation
from memories.engine.types import Message, Source
from memories.models import Memory, MemoryTag, Project
from memories.validation import NewMemory

TITLE_LENGTH = 80


def insert(project: Project, new: NewMemory, user_id: int | None) -> Memory:
    """Inserts the memory and its tags; no task yet. The caller's transaction holds both."""
    return insert_many(project, [new], user_id)[0]


def insert_many(project: Project, items: Sequence[NewMemory], user_id: int | None) -> list[Memory]:
    """The same for many, in their order and in two statements."""
    memories = Memory.objects.bulk_create(_row(project, new, user_id) for new in items)
    tags = ((memory, name) for memory, new in zip(memories, items, strict=True) for name in dict.fromkeys(new.tags))
    MemoryTag.objects.bulk_create(MemoryTag(memory=memory, name=name) for memory, name in tags)
    return memories


def _row(project: Project, new: NewMemory, user_id: int | None) -> Memory:
    content = render_conversation(new.messages) if new.messages else new.content
    return Memory(
        project=project,
        title=new.title or _title(content),
        content_type=new.content_type,
        content=content,
        messages=[message_to_json(message) for message in new.messages] or None,
        reference_time=new.reference_time or latest(new) or timezone.now(),
        metadata=new.metadata,
        external_id=new.external_id,
        source_url=new.source_url,
        created_by_id=user_id,
    )


def set_tags(memory: Memory, tags: Any) -> None:
    """Makes the memory's tags those given, each once, in their order."""
    MemoryTag.objects.filter(memory=memory).delete()
    MemoryTag.objects.bulk_create([MemoryTag(memory=memory, name=name) for name in dict.fromkeys(tags)])


def latest(new: NewMemory) -> datetime | None:
    """When a conversation's last dated message was said."""
    return max((message.at for message in new.messages if message.at), default=None)


def source_of(memory: Memory) -> Source:
    """The memory as the engine reads it."""
    return Source(
        content=memory.content,
        content_type=memory.content_type,  # type: ignore[arg-type]  # the database constraint knows the three values
        reference_time=memory.reference_time,
        title=memory.title,
        messages=tuple(message_from_json(message) for message in memory.messages or ()),
    )


def message_to_json(message: Message) -> dict[str, Any]:
    at = message.at.isoformat() if message.at else None
    return {"id": message.id, "speaker": message.speaker, "content": message.content, "at": at}


def message_from_json(data: Mapping[str, Any]) -> Message:
    at = datetime.fromisoformat(data["at"]) if data["at"] else None
    return Message(id=data["id"], speaker=data["speaker"], content=data["content"], at=at)


def to_json(new: NewMemory) -> dict[str, Any]:
    return {
        "content": new.content,
        "messages": [message_to_json(message) for message in new.messages],
        "title": new.title,
        "content_type": new.content_type,
        "reference_time": new.reference_time.isoformat() if new.reference_time else None,
        "tags": list(new.tags),
        "metadata": new.metadata,
        "external_id": new.external_id,
        "source_url": new.source_url,
    }


def from_json(data: Mapping[str, Any]) -> NewMemory:
    reference_time = datetime.fromisoformat(data["reference_time"]) if data["reference_time"] else None
    messages = tuple(message_from_json(message) for message in data["messages"])
    return NewMemory(**{**data, "reference_time": reference_time, "messages": messages})


def _title(content: str) -> str:
    first = next((line.strip() for line in content.splitlines() if line.strip()), "")
    return first if len(first) <= TITLE_LENGTH else first[: TITLE_LENGTH - 1].rstrip() + "…"
