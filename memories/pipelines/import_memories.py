"""Makes the memories of an import, with a child task each; the parent then waits for them without a worker."""

from __future__ import annotations

from django.db import transaction

from memories import intake
from memories.models import Memory, Project
from tasks_app import transitions
from tasks_app.kinds import Kind
from tasks_app.models import TaskLog
from tasks_app.runner import Progress

BATCH = 50


def run(progress: Progress) -> None:
    """The counter `done` is the cursor: it is written with the batch, so an attempt goes on where the last one died."""
    task = progress.task
    total = len(_again(task)) + len(task.payload.get("items", []))
    done = task.done or 0
    progress.stage("accept", 0, "Saving the memories...", total=total, done=done)
    while done < total:
        progress.checkpoint()
        first, done = done, min(done + BATCH, total)
        with transaction.atomic():
            _make_children(task, _memories(task, first, done))
            progress.save_count(done)
    transitions.wait_for_children(progress.task, task.children.count())
    transitions.refresh_parent(task.pk)


def _again(task: TaskLog) -> list[str]:
    """Ids of memories that a retry ingests once more."""
    return list(task.payload.get("again", []))


def _memories(task: TaskLog, first: int, last: int) -> list[Memory]:
    """The memories number `first` up to `last` of the import: those to be read again, then the new ones."""
    again = _again(task)
    items = task.payload.get("items", [])[max(first - len(again), 0) : max(last - len(again), 0)]
    project: Project = task.project
    found = list(Memory.objects.filter(project=project, pk__in=again[first:last]).order_by("id"))
    return found + [intake.insert(project, intake.from_json(item), task.payload["user"]) for item in items]


def _make_children(task: TaskLog, memories: list[Memory]) -> None:
    children = transitions.enqueue_children(task, Kind.INGEST_EPISODE, memories)
    by_memory = {child.memory_id: child for child in children}
    for memory in memories:
        memory.task = by_memory[memory.pk]
    Memory.objects.bulk_update(memories, ["task"])
