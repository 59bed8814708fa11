"""What the rows of a MemStack say, read by a process of its own: commands come and answers go as lines of JSON."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from typing import Any
from uuid import UUID

import django

django.setup()

from celery import current_app  # noqa: E402 - models need a set-up Django
from django.db import connection  # noqa: E402
from django.db.models import F  # noqa: E402

from memories.models import (  # noqa: E402
    Community,
    CommunityMembership,
    Entity,
    Fact,
    Memory,
    Mention,
    Passage,
    SearchDocument,
)
from tasks_app import doorbell, pruning  # noqa: E402
from tasks_app.models import ProjectEventCounter, TaskCheckpoint, TaskEvent, TaskLog  # noqa: E402


def graph(project: UUID) -> dict[str, list[Any]]:
    """The project's graph by names and places, without the ids and times that differ from run to run."""
    names = dict(Entity.objects.filter(project=project).values_list("pk", "name"))
    shown = Passage.objects.filter(memory__project=project, generation=F("memory__generation"))
    documents = SearchDocument.objects.filter(project=project)
    return {
        "entities": sorted(map(_entity, Entity.objects.filter(project=project).prefetch_related("alias_rows"))),
        "mentions": _rows(
            Mention.objects.filter(memory__project=project),
            "memory__title", "start", "end", "text", "kind", "type", "entity__name",
        ),
        "facts": sorted(
            (_fact(fact, names) for fact in Fact.objects.filter(project=project).prefetch_related("support__memory")),
            key=repr,
        ),
        "passages": _rows(shown, "memory__title", "position", "start", "end", "text"),
        "communities": _communities(project, names),
        "documents": _rows(documents.exclude(kind="community"), "kind", "text"),
    }  # fmt: skip


def _rows(rows: Any, *fields: str) -> list[Any]:
    return sorted(([str(value) for value in row] for row in rows.order_by().values_list(*fields)), key=repr)


def _entity(entity: Entity) -> list[Any]:
    aliases = sorted(alias.name for alias in entity.alias_rows.all())
    return [entity.name, entity.type, aliases, entity.mention_count, entity.fact_count]


def _fact(fact: Fact, names: dict[Any, str]) -> list[Any]:
    support = sorted([row.memory.title, row.start, row.end] for row in fact.support.all())
    told = names.get(fact.object_id) or fact.value
    times = [str(fact.valid_at), str(fact.invalid_at), fact.expired_at is None]
    return [names[fact.subject_id], fact.predicate, told, fact.sentence, fact.polarity, *times, support]


def _communities(project: UUID, names: dict[Any, str]) -> list[Any]:
    """The members of each; names and summaries may settle a tie otherwise in another order of saving."""
    current = Community.objects.filter(project=project, generation=F("project__community_generation"))
    members: dict[Any, list[str]] = defaultdict(list)
    for community, entity in CommunityMembership.objects.filter(community__in=current).values_list(
        "community", "entity"
    ):
        members[community].append(names[entity])
    return sorted(sorted(each) for each in members.values())


def tasks(ids: list[UUID]) -> dict[str, Any]:
    fields = ("status", "attempt", "deaths", "retries", "error", "result", "stage", "message", "worker", "memory_id")
    times = ("created_at", "started_at", "finished_at", "lease_until", "changed_at")
    return {
        str(row["pk"]): {name: _plain(value) for name, value in row.items()}
        for row in TaskLog.objects.filter(pk__in=ids).values("pk", *fields, *times)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return value.timestamp() if hasattr(value, "timestamp") else value


def events(ids: list[UUID]) -> dict[str, list[Any]]:
    """`[seq, type, attempt, progress, committed]` of each task, in order."""
    found: dict[str, list[Any]] = {str(identifier): [] for identifier in ids}
    for event in TaskEvent.objects.filter(task__in=ids).order_by("seq"):
        place = [event.seq, event.type, event.data["attempt"], event.data["progress"], event.at.timestamp()]
        found[str(event.task_id)].append(place)
    return found


def project_numbers(project: UUID) -> list[int]:
    """Those of its events in order, then the last one that was given out."""
    given = TaskEvent.objects.filter(project=project).order_by("project_seq").values_list("project_seq", flat=True)
    return [*given, ProjectEventCounter.objects.get(pk=project).last_seq]


def leftovers(project: UUID) -> dict[str, int]:
    """What dead attempts may leave and nobody reads: it is to be gone when all tasks have ended and it was pruned."""
    for _ in pruning.prune(days=1):
        pass
    hidden = Passage.objects.filter(memory__project=project).exclude(generation=F("memory__generation"))
    return {
        "passages": hidden.count(),
        "checkpoints": TaskCheckpoint.objects.filter(task__project=project).count(),
        "lanes": TaskLog.objects.filter(project=project).exclude(lane="").count(),
    }


def memories(project: UUID) -> list[list[Any]]:
    """`[content, task]`"""
    return [[row.content, str(row.task_id)] for row in Memory.objects.filter(project=project).order_by("id")]


def ring(task: UUID, kind: str, times: int) -> bool:
    return doorbell.ring([(kind, task)] * times)


def queued(queue: str) -> int | None:
    return doorbell.queued(queue)


def babble(queue: str, kind: str) -> int:
    """Messages that nobody should send."""
    sent = 0
    for arguments in ([], ["nonsense"], ["00000000-0000-7000-8000-000000000000"], ["a", "b"], [None], [{"$gt": 1}]):
        current_app.send_task(kind, args=arguments, queue=queue, ignore_result=True)
        sent += 1
    current_app.send_task("no.such.task", args=["a"], queue=queue, ignore_result=True)
    with current_app.connection_for_write() as connected:
        channel: Any = connected.default_channel
        for body in ("{", '{"body": "x"}', "\x80\x04."):
            channel.client.lpush(queue, body)
            sent += 1
        producer = connected.Producer(serializer="raw")
        for kind_of, encoding in (("application/x-python-serialize", "binary"), ("text/plain", "utf-8")):
            producer.publish(b"cos\nsystem\n.", routing_key=queue, content_type=kind_of, content_encoding=encoding)
            sent += 1
    return sent + 1


COMMANDS: dict[str, Any] = {
    function.__name__: function
    for function in (graph, tasks, events, project_numbers, leftovers, memories, ring, queued, babble)
}


def _given(value: Any) -> Any:
    """Ids come as text."""
    if isinstance(value, list):
        return [_given(each) for each in value]
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        return value


def main() -> None:
    for line in sys.stdin:
        name, arguments = json.loads(line)
        try:
            answer = COMMANDS[name](**{name: _given(value) for name, value in arguments.items()})
        finally:
            connection.close()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
