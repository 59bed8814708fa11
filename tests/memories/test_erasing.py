"""After a deletion a memory's words are found nowhere: no row, no answer, no task, no page of SQLite's file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client

from memories import services
from memories.engine.types import Message
from memories.models import Community, Entity, Erasure, IdempotencyKey, Memory, Project, SearchDocument
from memories.search.sweeping import Sweeper
from memories.validation import NewMemory
from tasks_app import runner
from tasks_app.models import Status, TaskEvent, TaskLog
from tests.memories.test_graph import run

pytestmark = pytest.mark.django_db(transaction=True)
CANARY = "Zyxwvut"


def words_of_every_table() -> str:
    """Every value of every row, as text."""
    return "\n".join(
        str(row) for model in apps.get_models(include_auto_created=True) for row in model._base_manager.values_list()
    )


def files() -> bytes:
    name = Path(settings.DATABASES["default"]["NAME"])
    return b"".join(path.read_bytes() for path in name.parent.glob(f"{name.name}*"))


def canary(user: User, project: Project, **fields: Any) -> Memory:
    new = NewMemory(
        messages=(
            Message(f"{CANARY} Speaker", f"My dog {CANARY} lives in {CANARY}ville. I met Anna Smith."),
            Message("Anna Smith", f"Nice to meet you, {CANARY}! I live in Berlin."),
        ),
        title=f"{CANARY} title",
        tags=(f"{CANARY}-tag",),
        metadata={CANARY: CANARY},
        external_id=CANARY,
        source_url=f"https://example.org/{CANARY}",
        reference_time=datetime(2024, 5, 1, tzinfo=UTC),
        **fields,
    )
    memory = services.create_memory(user, project, new)
    run(memory.task)
    return Memory.objects.get(pk=memory.pk)


def test_no_row_and_no_page_keeps_a_word(alice: User, project: Project) -> None:
    other = services.create_memory(alice, project, NewMemory(content="Anna Smith lives in Berlin with Tom Miller."))
    run(other.task)
    memory = canary(alice, project)
    run(services.request_rebuild(project))
    assert CANARY in words_of_every_table()
    assert CANARY.encode() in files() or connection.vendor != "sqlite"
    assert Community.objects.filter(name__icontains=CANARY).exists()
    services.delete_memory(memory)
    assert CANARY.lower() not in words_of_every_table().lower()
    assert Entity.objects.filter(name="Anna Smith").exists()
    if connection.vendor == "sqlite":
        Sweeper().turn(5)
        assert not Erasure.objects.exists()
        assert CANARY.lower().encode() not in files().lower()


def test_no_edit_leaves_the_words_that_it_took_out(alice: User, project: Project) -> None:
    memory = canary(alice, project)
    changes = {"content": "Nothing.", "title": "-", "tags": (), "metadata": {}, "external_id": "", "source_url": ""}
    run(services.update_memory(memory, changes))
    assert CANARY.lower() not in words_of_every_table().lower()
    if connection.vendor == "sqlite":
        Sweeper().turn(5)
        assert CANARY.lower().encode() not in files().lower()


def test_tasks_stay_and_their_words_go(alice: User, project: Project) -> None:
    memory = services.create_memory(alice, project, NewMemory(content=f"{CANARY} lives in Berlin."))

    def stumble(progress: runner.Progress) -> runner.Outcome:
        progress.stage("extract", 30, "Extracting entities and relationships...")
        raise (
            runner.PermanentError(f"{CANARY} can't be read.")
            if hasattr(runner, "PermanentError")
            else ValueError(CANARY)
        )

    task = memory.task
    assert task is not None
    for _ in range(6):
        TaskLog.objects.filter(pk=task.pk).update(run_after=None)
        runner.run(task.pk, stumble, "test")
    assert TaskLog.objects.get(pk=task.pk).status == Status.FAILED
    assert CANARY in words_of_every_table()
    events = TaskEvent.objects.filter(task=task).count()
    services.delete_memory(Memory.objects.get(pk=memory.pk))
    after = TaskLog.objects.get(pk=task.pk)
    assert (after.status, after.error, after.traceback) == (Status.FAILED, "The memory was deleted.", "")
    assert TaskEvent.objects.filter(task=task).count() >= events
    assert CANARY not in words_of_every_table()


def test_an_answer_that_is_kept_names_the_memory_only(alice: User, project: Project, client: Client) -> None:
    client.force_login(alice)
    body = {"project": str(project.pk), "content": f"{CANARY} lives in Berlin.", "tags": [CANARY]}

    def post() -> Any:
        return client.post(
            "/api/v1/memories", body, content_type="application/json", headers={"Idempotency-Key": "once"}
        )

    first = post()
    assert first.status_code == 201
    services.delete_memory(Memory.objects.get(pk=first.json()["id"]))
    assert CANARY not in words_of_every_table()
    assert IdempotencyKey.objects.get().body["id"] == first.json()["id"]
    again = post()
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert CANARY not in again.content.decode()


def test_the_admins_log_forgets_what_it_was_called(alice: User, project: Project) -> None:
    memory = services.create_memory(alice, project, NewMemory(content="Hello.", title=CANARY))
    kind = ContentType.objects.get_for_model(Memory).pk
    LogEntry.objects.create(
        user=alice, content_type_id=kind, object_id=str(memory.pk), object_repr=CANARY, action_flag=DELETION
    )
    services.delete_memory(memory)
    assert CANARY not in words_of_every_table()


def test_a_project_goes_with_all_its_words(alice: User, project: Project) -> None:
    canary(alice, project)
    services.delete_project(project)
    assert CANARY.lower() not in words_of_every_table().lower()
    if connection.vendor == "sqlite":
        Sweeper().turn(5)
        assert CANARY.lower().encode() not in files().lower()


def test_a_new_title_is_found(alice: User, project: Project) -> None:
    memory = services.create_memory(alice, project, NewMemory(content="Anna lives in Berlin.", title="Old name"))
    run(memory.task)
    services.update_memory(Memory.objects.get(pk=memory.pk), {"title": "Quarterly letter"})
    (text,) = SearchDocument.objects.filter(kind="passage").values_list("text", flat=True)
    assert text == "Quarterly letter\nAnna lives in Berlin."
