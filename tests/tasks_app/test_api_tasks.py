"""Tasks over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from memories import services
from memories.models import Memory, Project
from memories.validation import NewMemory
from tasks_app import queries, transitions
from tasks_app.models import Status, TaskEvent, TaskLog

pytestmark = pytest.mark.django_db
TASKS = "/api/v1/tasks"


@pytest.fixture
def api(alice: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(alice)
    return client


@pytest.fixture
def memory(alice: User, project: Project) -> Memory:
    return services.create_memory(alice, project, NewMemory(content="Ada moved to Turin.", title="Turin"))


@pytest.fixture
def task(memory: Memory) -> TaskLog:
    assert memory.task
    return memory.task


def run(task: TaskLog, *stages: tuple[str, int]) -> TaskLog:
    claimed = transitions.claim(task.pk, "w1")
    assert claimed
    for stage, percent in stages:
        claimed = transitions.advance(claimed, stage=stage, progress=percent, message=f"{stage}...")
    return claimed


def test_a_task_has_the_fields_of_the_contract(api: APIClient, project: Project, memory: Memory, task: TaskLog) -> None:
    told = api.get(f"{TASKS}/{task.pk}/").json()
    assert (told["id"], told["project"], told["memory"]) == (str(task.pk), str(project.pk), str(memory.pk))
    assert told["name"] == told["kind"] == "ingest_episode"
    assert (told["status"], told["error"], told["worker"], told["duration_seconds"]) == ("pending", None, None, None)
    assert told["created_at"].endswith("Z")


def test_a_task_and_its_stream_can_be_joined(api: APIClient, task: TaskLog) -> None:
    run(task, ("extract", 30))
    told = api.get(f"{TASKS}/{task.pk}/").json()
    newest = TaskEvent.objects.filter(task=task).latest("seq")
    assert (told["seq"], told["message"]) == (newest.seq, newest.data["message"]) == (3, "extract...")
    assert api.get(TASKS).json()["results"][0]["seq"] == 3


def test_the_list_is_filtered(api: APIClient, project: Project, task: TaskLog) -> None:
    rebuild = services.request_rebuild(project)

    def found(**given: Any) -> set[str]:
        answer = api.get(TASKS, given)
        assert answer.status_code == 200, answer.content
        return {row["id"] for row in answer.json()["results"]}

    assert found() == found(project=project.pk, status="pending") == {str(task.pk), str(rebuild.pk)}
    assert found(kind="rebuild_communities") == {str(rebuild.pk)}
    assert found(q="turin") == {str(task.pk)}
    assert found(parent=uuid4()) == set()
    for name in ("status", "kind", "parent", "project"):
        assert api.get(TASKS, {name: "nonsense"}).json()["errors"].keys() == {name}


def test_the_timeline_has_stages_and_events(api: APIClient, task: TaskLog) -> None:
    running = run(task, ("extract", 30), ("extract", 40), ("save", 75))
    transitions.complete(running, {"facts": 1}, lambda: None, "Episode ingestion completed")
    told = api.get(f"{TASKS}/{task.pk}/events").json()
    assert [event["seq"] for event in told["results"]] == list(range(1, 7))
    assert told["results"][-1]["type"] == "completed"
    steps = [(step["stage"], step["state"], step["percent"]) for step in told["steps"]]
    assert steps == [
        ("pending", "completed", 0),
        ("", "completed", 0),
        ("extract", "completed", 40),
        ("save", "completed", 75),
        ("completed", "completed", 100),
    ]
    assert all(step["seconds"] is not None for step in told["steps"])
    later = api.get(f"{TASKS}/{task.pk}/events?after=4").json()
    assert [event["seq"] for event in later["results"]] == [5, 6]


def test_a_failure_ends_the_stage_it_happened_in(task: TaskLog) -> None:
    transitions.fail(run(task, ("extract", 30)), "The page is gone.", retryable=True)
    last = queries.timeline(task)[-1]
    assert (last.stage, last.state, last.error) == ("extract", "failed", "The page is gone.")


def test_a_running_stage_has_no_end(task: TaskLog) -> None:
    run(task, ("extract", 30))
    last = queries.timeline(task)[-1]
    assert (last.stage, last.state, last.seconds) == ("extract", "processing", None)


def test_cancel_and_retry(api: APIClient, task: TaskLog) -> None:
    assert api.post(f"{TASKS}/{task.pk}/retry").status_code == 409
    cancelled = api.post(f"{TASKS}/{task.pk}/cancel/")
    assert cancelled.status_code == 202
    assert cancelled.json()["status"] == "cancelled"
    refused = api.post(f"{TASKS}/{task.pk}/cancel")
    assert refused.status_code == 409
    assert "cancelled" in refused.json()["detail"]
    again = api.post(f"{TASKS}/{task.pk}/retry")
    assert again.status_code == 202
    new = api.get(f"{TASKS}/{again.json()['task_id']}").json()
    assert new["retry_of"] == str(task.pk)


def test_a_running_task_is_asked_to_stop(api: APIClient, task: TaskLog) -> None:
    run(task)
    assert api.post(f"{TASKS}/{task.pk}/cancel").json()["status"] == "processing"
    assert TaskLog.objects.get(pk=task.pk).cancel_requested_at is not None


def test_who_may_see_and_stop_a_task(api: APIClient, project: Project, task: TaskLog, bob: User, charlie: User) -> None:
    api.force_authenticate(bob)
    assert api.get(f"{TASKS}/{task.pk}").status_code == 200
    assert api.post(f"{TASKS}/{task.pk}/cancel").status_code == 403
    api.force_authenticate(charlie)
    for answer in (
        api.get(f"{TASKS}/{task.pk}"),
        api.get(f"{TASKS}/{task.pk}/events"),
        api.post(f"{TASKS}/{task.pk}/cancel"),
        api.post(f"{TASKS}/{task.pk}/retry"),
        api.get(TASKS, {"project": str(project.pk)}),
    ):
        assert answer.status_code == 404
    assert api.get(TASKS).json()["count"] == 0
    assert api.get(f"{TASKS}/stats").json()["total"] == 0


def test_stats(api: APIClient, project: Project, task: TaskLog) -> None:
    transitions.complete(run(task), {}, lambda: None, "Done")
    services.request_rebuild(project)
    stats = api.get(f"{TASKS}/stats", {"project": str(project.pk)}).json()
    assert (stats["total"], stats["by_status"]["completed"], stats["by_status"]["pending"]) == (2, 1, 1)
    assert stats["by_kind"]["rebuild_communities"]["pending"] == 1
    assert stats["durations"].keys() == {"ingest_episode"}
    assert stats["oldest_pending_at"]


def test_streams_say_where_they_are(api: APIClient, project: Project, task: TaskLog) -> None:
    for path in (f"tasks/{task.pk}/stream", f"projects/{project.pk}/stream", "stream"):
        answer = api.get(f"/api/v1/{path}")
        assert answer.status_code == 404
        assert "ASGI" in answer.json()["detail"]


def test_queries_do_not_grow_with_the_list(
    api: APIClient, alice: User, project: Project, django_assert_num_queries: Any
) -> None:
    for number in range(30):
        services.create_memory(alice, project, NewMemory(content=str(number)))
    TaskLog.objects.filter(status=Status.PENDING).update(message="x")
    for size in (3, 30):
        with django_assert_num_queries(4):
            found = api.get(TASKS, {"project": str(project.pk), "page_size": size}).json()["results"]
        assert len(found) == size
