"""What people do with projects and memories; pages, API, admin and commands call these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from memories import erasing, intake, queries
from memories.engine.passages import render_conversation
from memories.graph import decisions, deletion, episodes, upkeep
from memories.importing.refusals import AlreadyRunning
from memories.importing.staging import Upload
from memories.models import Fact, Import, Membership, Memory, Project
from memories.schema import services as schema
from memories.search import sweeping
from memories.validation import NewMemory
from tasks_app import services as tasks
from tasks_app.kinds import Kind
from tasks_app.models import TaskLog

CONTENT_FIELDS = {"content", "messages", "reference_time"}


def create_project(user: AbstractBaseUser, *, name: str, description: str = "") -> Project:
    """Makes a project that the user owns, with the built-in types."""
    with transaction.atomic():
        project = Project.objects.create(name=name, description=description)
        project.refresh_from_db()
        Membership.objects.create(project=project, user_id=user.pk, role=Membership.Role.OWNER)
        equip_project(project)
    return project


def equip_project(project: Project) -> None:
    """Gives a new project the built-in types."""
    schema.add_built_in(project)


def update_project(project: Project, changes: Mapping[str, str]) -> None:
    """Writes these fields alone: workers count the graph's version and its communities' generation in the same row."""
    for name, value in changes.items():
        setattr(project, name, value)
    project.save(update_fields=[*changes, "updated_at"])


def delete_project(project: Project) -> None:
    """Deletes the project with all that is in it."""
    with transaction.atomic():
        erasing.erase_project(project)
        upkeep.note_erasure()
        sweeping.soon()
        project.delete()


def create_memory(user: AbstractBaseUser, project: Project, new: NewMemory) -> Memory:
    """Saves a memory and enqueues its ingestion: both are committed, or neither."""
    with transaction.atomic():
        memory = intake.insert(project, new, user.pk)
        tasks.submit(project, Kind.INGEST_EPISODE, memory=memory)
        memory.refresh_from_db()
    return memory


def update_memory(memory: Memory, changes: Mapping[str, Any]) -> TaskLog | None:
    """Changes fields by the names of NewMemory; a new content, messages or reference time makes a new ingestion."""
    task = _write_memory(memory, changes)
    if "title" in changes and task is None:
        episodes.retitle(memory)
    return task


def _write_memory(memory: Memory, changes: Mapping[str, Any]) -> TaskLog | None:
    with transaction.atomic():
        again = bool(CONTENT_FIELDS & changes.keys())
        if again:
            tasks.cancel_active(memory.tasks.all())  # before the memory is written: an attempt locks them in this order
        erasing.erase_answers(memory)
        columns = _columns({name: value for name, value in changes.items() if name != "tags"})
        for name, value in columns.items():
            setattr(memory, name, value)
        memory.save(update_fields=[*columns, "updated_at"])  # the rest is not ours: a worker may be publishing
        if changes.get("tags") is not None:
            intake.set_tags(memory, changes["tags"])
        return reprocess_memory(memory) if again else None


def _columns(changes: dict[str, Any]) -> dict[str, Any]:
    """Messages bring their rendered content along; a plain content takes the place of messages."""
    if messages := changes.get("messages"):
        return {
            **changes,
            "messages": [intake.message_to_json(message) for message in messages],
            "content": render_conversation(messages),
            "content_type": Memory.ContentType.CONVERSATION,
        }
    if "content" in changes:
        return {**changes, "messages": None}
    return changes


def reprocess_memory(memory: Memory) -> TaskLog:
    """Ingests the memory again; its earlier tasks are cancelled."""
    return tasks.submit(memory.project, Kind.INGEST_EPISODE, memory=memory)


def deletion_preview(memory: Memory) -> dict[str, int]:
    """What deleting the memory would take, and what it would bring back."""
    return deletion.preview(memory)


def delete_memory(memory: Memory) -> dict[str, int]:
    """Deletes the memory with all that nothing else supports; returns the receipt."""
    with transaction.atomic():
        tasks.cancel_active(memory.tasks.all())
        erasing.erase(memory)
        sweeping.soon()
        return deletion.delete(memory)


def invalidate_fact(fact: Fact, user: AbstractBaseUser, *, at: datetime | None = None, wrong: bool = False) -> None:
    """Says that the fact ended `at` that time, or now; or that it is `wrong` and never was so. TooEarly
    when it began later."""
    with transaction.atomic():
        decisions.invalidate(fact, user, at=at, wrong=wrong)


def restore_fact(fact: Fact, user: AbstractBaseUser) -> None:
    """Says that the fact holds after all."""
    with transaction.atomic():
        decisions.restore(fact, user)


def import_memories(user: AbstractBaseUser, project: Project, items: Iterable[NewMemory]) -> TaskLog:
    """Accepts many memories at once: one parent task that makes them, with a child task each."""
    with Upload(project, user.pk) as upload:
        for number, item in enumerate(items, 1):
            upload.add(item, number)
        return start_import(upload)


def start_import(upload: Upload, *, alone: bool = False) -> TaskLog:
    """Accepts what was read: from here on it survives a crash.

    `alone`: AlreadyRunning when the same content is being imported into the project.
    """
    upload.flush()
    row = upload.row
    with transaction.atomic():
        Project.objects.select_for_update().only("pk").get(pk=row.project_id)  # one import is accepted after the other
        if alone:
            _refuse_running(row)
        payload = {"import": str(row.pk)}
        task = tasks.submit(row.project, Kind.IMPORT_MEMORIES, payload=payload, total=upload.accepted)
        Import.objects.filter(pk=row.pk).update(task=task, accepted=upload.accepted, rejected=upload.rejected)
    row.task, row.accepted, row.rejected = task, upload.accepted, upload.rejected
    return task


def _refuse_running(row: Import) -> None:
    running = queries.running_import(row.project, row.digest)
    if running is not None:
        raise AlreadyRunning(running)


def request_rebuild(project: Project) -> TaskLog:
    """Asks for new communities; while a rebuild waits or runs, that one is the answer."""
    return tasks.rebuild(project)
