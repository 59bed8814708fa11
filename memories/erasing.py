"""What else tells of a memory's words: its tasks and their events, what they kept, answers, the admin's log.

Rows of tasks stay when a memory is deleted, so that the counts and the numbers of events stay true; its words go.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet

from memories.models import IdempotencyKey, Memory, Project
from tasks_app.kinds import Kind
from tasks_app.models import TaskCheckpoint, TaskEvent, TaskLog

GONE = "The memory was deleted."
KEPT_OF_ANSWER = ("id", "project", "task_id", "created_at")
# Their messages are the program's own words; those of other kinds may name an address or a file.
PLAIN_KINDS = frozenset({Kind.INGEST_EPISODE, Kind.REBUILD_COMMUNITIES, Kind.IMPORT_MEMORIES})
AROUND = timedelta(minutes=10)  # an answer is written in the transaction that makes the memory
BATCH = 500


def erase(memory: Memory) -> None:
    """Takes the memory's words out of everything that stays when it is deleted, in the caller's transaction."""
    _erase_tasks(memory.tasks.all())
    erase_answers(memory)
    _erase_admin_log(Memory, [memory.pk])


def erase_answers(memory: Memory) -> None:
    """An answer that is kept for a repeated request says no more than which memory it made."""
    made = Q(created_at__gte=memory.created_at - AROUND, created_at__lte=memory.created_at + AROUND)
    for row in IdempotencyKey.objects.filter(made, body__id=str(memory.pk)):
        row.body = {name: row.body[name] for name in KEPT_OF_ANSWER if row.body and name in row.body}
        row.save(update_fields=["body"])


def erase_project(project: Project) -> None:
    """The same for all that stays when a project is deleted with its memories and tasks."""
    for row in IdempotencyKey.objects.filter(Q(body__project=str(project.pk)) | Q(body__id=str(project.pk))):
        row.body = {name: row.body[name] for name in KEPT_OF_ANSWER if row.body and name in row.body}
        row.save(update_fields=["body"])
    _erase_admin_log(Memory, project.memories.values_list("pk", flat=True))
    _erase_admin_log(Project, [project.pk])


def _erase_tasks(tasks: QuerySet[TaskLog]) -> None:
    ids = list(tasks.values_list("pk", flat=True))
    TaskCheckpoint.objects.filter(task__in=ids).delete()
    telling = []
    for task in TaskLog.objects.filter(pk__in=ids):
        plain = task.kind in PLAIN_KINDS
        if task.error or task.traceback or not plain:
            telling.append(task.pk)
        TaskLog.objects.filter(pk=task.pk).update(
            payload={},
            message=task.message if plain else "",
            result=_numbers(task.result),
            error=GONE if task.error else "",
            traceback="",
        )
    _erase_events(TaskEvent.objects.filter(task__in=telling).select_related("task"))


def _erase_events(events: QuerySet[TaskEvent]) -> None:
    changed = []
    for event in events.iterator(chunk_size=BATCH):
        data = dict(event.data)
        data["error"] = GONE if data.get("error") else None
        data["result"] = _numbers(data.get("result"))
        if event.task.kind not in PLAIN_KINDS:
            data["message"] = ""
        if data != event.data:
            event.data = data
            changed.append(event)
    TaskEvent.objects.bulk_update(changed, ["data"], batch_size=BATCH)


def _numbers(result: Any) -> dict[str, Any] | None:
    """Of a task's result the counts."""
    if not isinstance(result, dict):
        return None
    return {name: value for name, value in result.items() if isinstance(value, (int, float))}


def _erase_admin_log(model: type[Memory | Project], ids: Iterable[UUID]) -> None:
    """The admin's log quotes what a row is called."""
    told = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(model))
    keys = [str(pk) for pk in ids]
    for start in range(0, len(keys), BATCH):
        told.filter(object_id__in=keys[start : start + BATCH]).update(object_repr="deleted", change_message="")
