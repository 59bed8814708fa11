"""A project may not have more than so many tasks wait; what is refused leaves nothing behind."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from memories import services
from memories.models import Memory, Project
from memories.pipelines import import_memories
from memories.validation import NewMemory
from tasks_app import runner, transitions
from tasks_app import services as tasks
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskLog
from tasks_app.services import TooManyPending

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def few(settings: Any) -> None:
    settings.MEMSTACK_MAX_PENDING_PER_PROJECT = 5


def fill(project: Project, count: int = 5) -> list[TaskLog]:
    return [transitions.enqueue(project, Kind.INGEST_EPISODE) for _ in range(count)]


def items(count: int) -> list[NewMemory]:
    return [NewMemory(content=f"Number {number}.") for number in range(count)]


def test_the_api_answers_429_and_says_when_to_come_back(alice: User, project: Project) -> None:
    api = APIClient()
    api.force_authenticate(alice)
    body = {"project": str(project.pk), "content": "One too many."}
    fill(project, 4)
    assert api.post("/api/v1/memories", body, headers={"Idempotency-Key": "first"}).status_code == 201
    answer = api.post("/api/v1/memories", body, headers={"Idempotency-Key": "second"})
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (problem["type"], problem["status"]) == ("urn:memstack:problem:too-many-tasks", 429)
    assert "Nothing was accepted" in problem["detail"]
    assert (Memory.objects.count(), TaskLog.objects.count()) == (1, 5)
    transitions.request_cancel(TaskLog.objects.earliest("id"))
    assert api.post("/api/v1/memories", body, headers={"Idempotency-Key": "second"}).status_code == 201


def test_a_page_says_it_and_keeps_what_was_typed(client: Client, alice: User, project: Project) -> None:
    fill(project)
    client.force_login(alice)
    form = {"content_type": "text", "text": "A long letter.", "title": ""}
    answer = client.post(f"/project/{project.pk}/memories/new", form)
    assert answer.status_code == 429
    assert "Nothing was accepted" in answer.content.decode()
    assert "A long letter." in answer.content.decode()
    assert not Memory.objects.exists()


def test_projects_do_not_share_their_limit(alice: User, project: Project) -> None:
    fill(project)
    other = services.create_project(alice, name="Other")
    assert services.create_memory(alice, other, NewMemory(content="Room enough.")).task


def test_an_import_counts_with_all_its_memories_when_it_is_accepted(alice: User, project: Project) -> None:
    with pytest.raises(TooManyPending):
        services.import_memories(alice, project, items(6))
    task = services.import_memories(alice, project, items(4))
    assert tasks.pending(project) == 4
    with pytest.raises(TooManyPending):
        services.import_memories(alice, project, items(2))
    tasks.ensure_room(project, 1)
    runner.run(task.pk, import_memories.run, "worker")
    assert tasks.pending(project) == 4, "its children are counted once"
    for child in task.children.all()[:3]:
        transitions.request_cancel(child)
    tasks.ensure_room(project, 4)


def test_a_retry_needs_room_too(alice: User, project: Project) -> None:
    failed = services.create_memory(alice, project, NewMemory(content="Once more.")).task
    assert failed is not None
    running = transitions.claim(failed.pk, "worker")
    assert running is not None
    transitions.fail(running, "no", retryable=True)
    fill(project)
    with pytest.raises(TooManyPending):
        tasks.retry(failed)
    assert not TaskLog.objects.filter(retry_of=failed).exists()
    assert TaskLog.objects.filter(status=Status.PENDING).count() == 5
