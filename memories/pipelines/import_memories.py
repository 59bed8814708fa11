"""Makes the memories of an import, with a child task each; the parent then waits for them without a worker."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery, Sum

from memories.engine.errors import InvalidSource
from memories.importing import staging
from memories.models import Import, Memory, SavedDocument
from memories.pipelines import import_addresses
from tasks_app import transitions
from tasks_app.kinds import Kind
from tasks_app.models import TERMINAL, Status, TaskLog
from tasks_app.runner import Progress

BATCH = 50


def run(progress: Progress) -> None:
    """What is left to do is what the rows say, so an attempt goes on where the last one died, and a retry where the
    import was cancelled: memories whose newest task did not complete, and parts that nobody has made."""
    task = progress.task
    upload = _upload(task)
    again = unfinished(task)
    done = task.children.count()
    total = done + again.count() + (upload.parts.aggregate(left=Sum("count"))["left"] or 0)
    Import.objects.filter(pk=upload.pk).update(task=task)
    progress.stage("accept", 0, "Saving the memories...", total=total, done=done)
    while (made := _batch(progress, upload, again, done)) is not None:
        done += made
        progress.checkpoint()
    transitions.wait_for_children(progress.task, done)
    transitions.refresh_parent(task.pk)


def unfinished(task: TaskLog) -> QuerySet[Memory]:
    """Memories that earlier parents of this import made, that were not read to the end, nor asked for since."""
    rows = Memory.objects.filter(project_id=task.project_id, task__parent__in=_earlier(task))
    return rows.exclude(task__status=Status.COMPLETED).order_by("id")


def _earlier(task: TaskLog) -> list[UUID]:
    """The parents that this one is a retry of, the latest first."""
    found: list[UUID] = []
    parent = task.retry_of_id
    while parent is not None:
        found.append(parent)
        parent = TaskLog.objects.filter(pk=parent).values_list("retry_of_id", flat=True).first()
    return found


def _upload(task: TaskLog) -> Import:
    row = Import.objects.filter(pk=task.payload.get("import"), project_id=task.project_id).first()
    if row is None:
        raise InvalidSource("What was handed in for this import is gone; import it again.")
    return row


def _batch(progress: Progress, upload: Import, again: QuerySet[Memory], done: int) -> int | None:
    """Makes the next memories and their tasks; their part goes, and the counter moves, in the same transaction. None
    when nothing is left."""
    with transaction.atomic():
        memories = list(again.select_for_update(of=("self",))[:BATCH]) or _new_memories(upload)
        if memories:
            _make_children(progress.task, memories)
            progress.save_count(done + len(memories))
    return None if memories is None else len(memories)


def _new_memories(upload: Import) -> list[Memory] | None:
    """Those of the next part; None when there is no part any more."""
    while part := upload.parts.order_by("number").first():
        if upload.parts.filter(pk=part.pk).delete()[0]:  # else another parent has just made them
            return import_addresses.insert_many(upload.project, staging.part_items(part), upload.created_by_id)
    return None


def _make_children(task: TaskLog, memories: list[Memory]) -> None:
    for old in TaskLog.objects.filter(memory__in=memories).exclude(status__in=TERMINAL).defer("payload"):
        transitions.request_cancel(old)  # it was asked to stop and has not yet
    documents = set(SavedDocument.objects.filter(memory__in=memories).values_list("memory_id", flat=True))
    texts = [memory for memory in memories if memory.pk not in documents]
    articles = [memory for memory in memories if memory.pk in documents]
    children = transitions.enqueue_children(task, Kind.INGEST_EPISODE, texts)
    children += transitions.enqueue_children(task, Kind.INGEST_ARTICLE, articles)
    own = TaskLog.objects.filter(pk__in=[child.pk for child in children], memory=OuterRef("pk"))
    Memory.objects.filter(pk__in=[memory.pk for memory in memories]).update(task=Subquery(own.values("pk")[:1]))
