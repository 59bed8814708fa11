"""Many tasks at once over HTTP, the export, and the numbers."""

from __future__ import annotations

import csv
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from memories import services as memory_services
from memories.models import Project
from memories.validation import NewMemory
from tasks_app import bookkeeping, bulk, export, queries, services, transitions
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskLog
from tests.pages import rows

pytestmark = pytest.mark.django_db
BULK = "/api/v1/tasks/bulk"


@pytest.fixture
def api(alice: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(alice)
    return client


@pytest.fixture
def other(alice: User) -> Project:
    return memory_services.create_project(alice, name="Gemini")


def ask(api: APIClient, project: Project, action: str, status: int = 202, **given: Any) -> dict[str, Any]:
    answer = api.post(BULK, {"project": str(project.pk), "action": action, "filter": {}, **given})
    assert answer.status_code == status, answer.content
    told: dict[str, Any] = answer.json()
    return told


def failed(project: Project) -> TaskLog:
    return rows.task(project, Status.FAILED, of=rows.memory(project))


# --- cancel


def test_cancel_takes_what_goes_on_and_tells_of_the_rest(api: APIClient, project: Project, other: Project) -> None:
    waiting, running = rows.task(project), rows.task(project, Status.PROCESSING)
    done, elsewhere = rows.task(project, Status.COMPLETED), rows.task(other)
    told = ask(api, project, "cancel")
    assert (told["matched"], told["done"], told["remaining"], told["cursor"]) == (3, 2, 0, None)
    assert told["refused"] == [{"reason": "It has ended already.", "count": 1, "ids": [str(done.pk)]}]
    assert TaskLog.objects.get(pk=waiting.pk).status == Status.CANCELLED
    assert TaskLog.objects.get(pk=running.pk).cancel_requested_at is not None
    assert TaskLog.objects.get(pk=elsewhere.pk).status == Status.PENDING
    assert "2 tasks cancelled" in told["detail"]


def test_the_filter_says_which(api: APIClient, project: Project) -> None:
    wanted, spared = rows.task(project, of=rows.memory(project, title="Turin")), rows.task(project)
    assert ask(api, project, "cancel", filter={"q": "turin", "status": "pending"})["done"] == 1
    assert TaskLog.objects.get(pk=spared.pk).status == Status.PENDING
    assert ask(api, project, "cancel", filter={"ids": [str(spared.pk), str(uuid4())]})["matched"] == 1
    assert TaskLog.objects.filter(status=Status.CANCELLED).count() == 2
    assert wanted.pk


def test_a_filter_that_matches_nothing_is_no_error(api: APIClient, project: Project) -> None:
    told = ask(api, project, "cancel", 200, filter={"q": "nobody says this"})
    assert (told["matched"], told["done"], told["refused"]) == (0, 0, [])
    assert told["detail"] == "No task fits the filter; nothing was changed."


def test_nothing_done_is_a_plain_200(api: APIClient, project: Project) -> None:
    rows.task(project, Status.COMPLETED)
    assert ask(api, project, "cancel", 200)["refused"][0]["count"] == 1


def test_an_import_takes_its_children_along(api: APIClient, project: Project) -> None:
    parent = transitions.enqueue(project, Kind.IMPORT_MEMORIES)
    claimed = transitions.claim(parent.pk, "w")
    assert claimed
    children = transitions.enqueue_children(claimed, Kind.INGEST_EPISODE, [rows.memory(project) for _ in range(3)])
    transitions.wait_for_children(claimed, 3)
    ask(api, project, "cancel", filter={"kind": "import_memories"})
    ended = TaskLog.objects.filter(pk__in=[parent.pk, *(child.pk for child in children)], status=Status.CANCELLED)
    assert ended.count() == 4


def test_a_request_does_what_fits_and_the_next_goes_on(
    api: APIClient, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "BATCH", {"cancel": 2, "retry": 2})
    tasks = [rows.task(project) for _ in range(7)]
    clock = iter(range(1000))
    monkeypatch.setattr("tasks_app.bulk.time.monotonic", lambda: float(next(clock)))
    told = ask(api, project, "cancel")
    assert 0 < told["done"] < 7
    assert told["done"] + told["remaining"] == 7
    assert "still to do" in told["detail"]
    later, done = rows.task(project), told["done"]
    while told["cursor"]:
        told = ask(api, project, "cancel", cursor=told["cursor"])
        done += told["done"]
    assert done == 7
    assert set(TaskLog.objects.filter(status=Status.CANCELLED)) == set(tasks)
    assert TaskLog.objects.get(pk=later.pk).status == Status.PENDING


def test_a_transaction_ends_when_its_time_is_over(
    api: APIClient, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [rows.task(project) for _ in range(5)]
    by_id, ids, seen = {task.pk: task for task in tasks}, [task.pk for task in tasks], list[TaskLog]()
    assert bulk._within_time(ids, seen.append, by_id) == ids[-1]
    assert seen == tasks
    monkeypatch.setattr(bulk, "BATCH_SECONDS", -1.0)
    seen.clear()
    assert bulk._within_time(ids, seen.append, by_id) == ids[0]
    assert seen == tasks[:1]
    assert ask(api, project, "cancel")["done"] == 5


# --- retry


def test_retry_makes_new_tasks_once(api: APIClient, project: Project) -> None:
    tasks = [failed(project), failed(project)]
    done = rows.task(project, Status.COMPLETED)
    told = ask(api, project, "retry")
    new = TaskLog.objects.filter(retry_of__in=tasks)
    assert (told["done"], {*told["task_ids"]}) == (2, {str(task.pk) for task in new})
    assert told["refused"][0]["ids"] == [str(done.pk)]
    again = ask(api, project, "retry", 200, filter={"status": "failed"})
    assert (again["done"], again["refused"][0]["reason"]) == (0, "It was tried again already.")
    assert TaskLog.objects.filter(status=Status.PENDING).count() == 2


def test_a_memory_that_was_read_since_is_left_alone(api: APIClient, project: Project) -> None:
    old = failed(project)
    assert old.memory
    services.submit(project, Kind.INGEST_EPISODE, memory=old.memory)
    told = ask(api, project, "retry", 200, filter={"status": "failed"})
    assert told["refused"] == [{"reason": "Its memory has a newer task.", "count": 1, "ids": [str(old.pk)]}]


def test_a_retry_whose_memory_is_gone_does_not_stop_the_others(api: APIClient, project: Project) -> None:
    gone, kept = failed(project), failed(project)
    assert gone.memory
    gone.memory.delete()
    told = ask(api, project, "retry")
    assert (told["done"], told["refused"][0]["count"]) == (1, 1)
    assert TaskLog.objects.filter(retry_of=kept).exists()


# --- who, and what is no request


def test_viewers_look_and_outsiders_find_nothing(api: APIClient, project: Project, bob: User, charlie: User) -> None:
    task = rows.task(project)
    api.force_authenticate(bob)
    ask(api, project, "cancel", 403)
    api.force_authenticate(charlie)
    assert ask(api, project, "cancel", 404)["errors"].keys() == {"project"}
    for path in ("tasks.csv", "tasks/queue-depth", "tasks/stats"):
        assert api.get(f"/api/v1/{path}", {"project": str(project.pk)}).status_code == 404
    assert TaskLog.objects.get(pk=task.pk).status == Status.PENDING


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"action": "delete"}, "action"),
        ({"filter": None}, "filter"),
        ({"filter": {"status": "nonsense"}}, "filter.status"),
        ({"filter": {"stauts": "failed"}}, "filter.stauts"),
        ({"filter": {"ids": []}}, "filter.ids"),
        ({"filter": {"since": "yesterday"}}, "filter.since"),
        ({"cursor": "nonsense"}, "cursor"),
    ],
)
def test_a_request_that_can_not_be_read_changes_nothing(
    api: APIClient, project: Project, given: dict[str, Any], field: str
) -> None:
    task = rows.task(project)
    body = {"project": str(project.pk), "action": "cancel", "filter": {}, **given}
    answer = api.post(BULK, body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert TaskLog.objects.get(pk=task.pk).status == Status.PENDING
    del body["filter"]
    assert api.post(BULK, body).status_code == 400


# --- lists and numbers


def test_since_and_until(api: APIClient, project: Project) -> None:
    old, new = rows.task(project), rows.task(project)
    TaskLog.objects.filter(pk=old.pk).update(created_at="2024-05-01T12:00Z")
    scope: dict[str, str] = {"project": str(project.pk)}
    for name, day, wanted in (("until", "2024-05-01", old), ("since", "2024-05-02", new)):
        found = api.get("/api/v1/tasks", {**scope, name: day}).json()["results"]
        assert [row["id"] for row in found] == [str(wanted.pk)]
    assert api.get("/api/v1/tasks", {"since": "soon"}).status_code == 400


def test_stats_tell_pace_and_cost(api: APIClient, project: Project) -> None:
    task = rows.task(project, Status.COMPLETED)
    TaskLog.objects.filter(pk=task.pk).update(cpu_seconds=1.5)
    rows.task(project, Status.FAILED)
    told = api.get("/api/v1/tasks/stats", {"project": str(project.pk)}).json()
    assert told["ended_last_hour"] == {"completed": 1, "failed": 1, "cancelled": 0}
    assert (told["error_rate"], told["throughput_per_minute"], told["stuck"]) == (0.5, 0.4, 0)
    assert told["durations"]["ingest_episode"].keys() == {"p50", "p95", "mean", "samples"}
    assert (told["cost"]["tasks"], told["cost"]["cpu_seconds"]) == (2, 1.5)


def test_queue_depth(api: APIClient, project: Project) -> None:
    rows.task(project)
    bookkeeping.take_sample()
    told = api.get("/api/v1/tasks/queue-depth", {"project": str(project.pk), "hours": "24"}).json()
    assert (told["hours"], told["pending"], told["processing"]) == (24, 1, 0)
    assert [point["pending"] for point in told["points"]] == [1]
    assert api.get("/api/v1/tasks/queue-depth", {"hours": 25}).status_code == 400


# --- export


def table(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(b"".join(answer.streaming_content).decode().splitlines()))


def test_csv_has_all_that_fits(api: APIClient, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "BATCH", 2)
    tasks = [rows.task(project, Status.FAILED, of=rows.memory(project, title='=1+1, "x"')) for _ in range(5)]
    rows.task(project)
    answer = api.get("/api/v1/tasks.csv", {"project": str(project.pk), "status": "failed"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    lines = table(answer)
    assert [line["id"] for line in lines] == [str(task.pk) for task in reversed(tasks)]
    assert lines[0]["memory_title"] == '\'=1+1, "x"'
    assert (lines[0]["status"], lines[0]["error"]) == ("failed", "The text could not be read.")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\n=x"])
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert export.plain(text) == f"'{text}"
    assert export.plain(f"a{text}") == f"a{text}"
    assert export.plain(None) == ""


def test_the_export_takes_as_many_queries_a_batch_for_many(
    api: APIClient, project: Project, django_assert_num_queries: Any
) -> None:
    for _ in range(12):
        rows.task(project, of=rows.memory(project))
    with django_assert_num_queries(3):  # ids, rows, and that there are no more
        assert len(list(export.chunks_of(queries.tasks(project)))) == 2


def test_the_list_filters_by_words_within_the_other_filters(api: APIClient, project: Project) -> None:
    memory_services.create_memory(rows.owner(project), project, NewMemory(content="x", title="Turin"))
    given = {"project": str(project.pk), "q": "turin", "since": (timezone.now() - timedelta(hours=1)).isoformat()}
    assert api.get("/api/v1/tasks", given).json()["count"] == 1
