"""The dashboard of a project and the one over all projects: what they show, whom, and what their forms do."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench.dashboard_rows import fill
from memories import services as memory_services
from memories.models import Project
from tasks_app import services, transitions
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskLog, WorkerHeartbeat
from tests.pages import rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def root(project: Project) -> str:
    return f"/project/{project.pk}/tasks"


@pytest.fixture
def staff(db: None) -> Client:
    """Somebody of the staff who is a member of no project, and may look."""
    user = User.objects.create_user("grace", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_tasklog"))
    client = Client()
    client.force_login(user)
    return client


def may_change(client: Client) -> None:
    user = User.objects.get(username="grace")
    user.user_permissions.add(Permission.objects.get(codename="change_tasklog"))


def text(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return " ".join(answer.content.decode().split())


def count_queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        text(client, path)
    return len(captured)


# --- what it shows


def test_the_cards_lead_to_their_filter_and_keep_the_others(client: Client, project: Project, root: str) -> None:
    rows.task(project, Status.FAILED)
    page = text(client, f"{root}?kind=ingest_episode")
    assert f'href="{root}?kind=ingest_episode&amp;status=failed#list"' in page
    assert "<b>1</b>" in page
    assert "100 %" in page  # of the last hour's tasks


def test_filters_stand_in_the_url_and_combine(client: Client, project: Project, root: str) -> None:
    old = rows.task(project, Status.FAILED, of=rows.memory(project, title="Turin"))
    rows.task(project, Status.FAILED, of=rows.memory(project, title="Turin again"))
    rows.task(project, of=rows.memory(project, title="Turin waits"))
    TaskLog.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(hours=2))
    page = text(client, f"{root}?status=failed&q=turin&range=1h")
    assert page.count("data-key=") == 1
    assert "Turin again" in page
    assert f'href="{root}.csv?status=failed&amp;range=1h&amp;q=turin"' in page
    assert f'action="{root}/bulk?status=failed&amp;range=1h&amp;q=turin"' in page
    assert text(client, f"{root}?status=failed&q=turin").count("data-key=") == 2
    assert "2 tasks" in text(client, f"{root}?until=2999-01-01&status=failed")


def test_a_filter_that_can_not_be_read_is_said(client: Client, root: str) -> None:
    assert "“yesterday” is no time" in text(client, f"{root}?since=yesterday")


def test_pages_by_cursor(client: Client, project: Project, root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks_app.views.board.PAGE_SIZE", 2)
    tasks = [rows.task(project) for _ in range(3)]
    first = text(client, f"{root}?status=pending")
    assert f"status=pending&amp;before={tasks[1].pk}" in first
    assert "Newer" not in first
    second = text(client, f"{root}?status=pending&before={tasks[1].pk}")
    assert str(tasks[0].pk) in second
    assert f"status=pending&amp;after={tasks[0].pk}" in second


def test_an_empty_project_says_what_belongs_there(client: Client, root: str) -> None:
    page = text(client, root)
    assert "Nothing has run yet" in page
    assert "Save a memory" in page
    assert "Once tasks have completed" in page
    assert "No worker has shown itself" in page


def test_workers_and_the_silent_ones(client: Client, project: Project, root: str) -> None:
    WorkerHeartbeat.objects.create(name="worker-1", kind="worker", detail={"slots": 2, "queues": ["ingest"]})
    late = WorkerHeartbeat.objects.create(name="worker-2", kind="worker", detail={"slots": 2, "queues": ["ingest"]})
    WorkerHeartbeat.objects.filter(pk=late.pk).update(seen_at=timezone.now() - timedelta(minutes=3))
    task = rows.task(project, Status.PROCESSING)
    page = text(client, root)
    assert "1 of 2 slots busy" in page
    assert "No sign of life for 3 min" in page
    assert f"{root}/{task.pk}" in page
    TaskLog.objects.filter(pk=task.pk).update(lease_until=timezone.now() - timedelta(minutes=2))
    page = text(client, root)
    assert "silent for 2 min" in page
    assert "has fallen silent" in page


def test_the_upper_part_alone(client: Client, project: Project, root: str) -> None:
    rows.task(project)
    part = text(client, f"{root}?part=summary&status=failed")
    assert "<html" not in part
    assert "data-key=" not in part
    assert "Waiting longest" in part


@pytest.mark.parametrize("query", ["", "?status=failed", "?range=24h", "?q=interview", "?part=summary"])
def test_the_page_takes_as_many_queries_for_many(client: Client, project: Project, root: str, query: str) -> None:
    WorkerHeartbeat.objects.create(name="worker-1", kind="worker", detail={"slots": 2})
    fill(project, 120)
    few = count_queries(client, root + query)
    fill(project, 360, seed=2, now=timezone.now() + timedelta(days=9))
    assert count_queries(client, root + query) <= few
    assert few <= 30


# --- the page of a task


def test_the_chain_of_retries_leads_both_ways(client: Client, project: Project, root: str) -> None:
    first = rows.task(project, Status.FAILED, of=rows.memory(project))
    second = services.retry(first)
    transitions.request_cancel(second)
    third = services.retry(second)
    page = text(client, f"{root}/{second.pk}")
    assert page.index(f"{root}/{first.pk}") < page.index("This one") < page.index(f"{root}/{third.pk}")
    assert "First time" in text(client, f"{root}/{third.pk}")


def test_an_import_counts_its_parts(client: Client, project: Project, root: str) -> None:
    parent = transitions.enqueue(project, Kind.IMPORT_MEMORIES, payload={"items": [], "api_key": "hunter2"})
    children = transitions.enqueue_children(parent, Kind.INGEST_EPISODE, [rows.memory(project) for _ in range(3)])
    transitions.request_cancel(children[0])
    page = text(client, f"{root}/{parent.pk}")
    assert "2 waiting" in page
    assert "1 cancelled" in page
    assert "hunter2" not in page
    assert f"{root}/{parent.pk}" in text(client, f"{root}/{children[0].pk}")


def test_what_it_cost(client: Client, project: Project, root: str) -> None:
    task = rows.task(project, Status.COMPLETED, cpu_seconds=12.3, peak_memory_mb=456.7, llm_tokens=1234)
    page = text(client, f"{root}/{task.pk}")
    for words in ("12 s", "457 MB", "1,234"):
        assert words in page
    assert "1,200 in, 34 out" not in page
    TaskLog.objects.filter(pk=task.pk).update(result={"llm": {"tokens_in": 1200, "tokens_out": 34}})
    assert "1,200 in, 34 out" in text(client, f"{root}/{task.pk}")


# --- many at once


def test_ticked_tasks_are_cancelled(client: Client, project: Project, root: str) -> None:
    ticked, spared = rows.task(project), rows.task(project)
    answer = client.post(f"{root}/bulk", {"action": "cancel", "task": [str(ticked.pk)]}, follow=True)
    assert "1 task cancelled or asked to stop." in answer.content.decode()
    assert TaskLog.objects.get(pk=ticked.pk).status == Status.CANCELLED
    assert TaskLog.objects.get(pk=spared.pk).status == Status.PENDING


def test_all_that_fit_are_retried_and_the_rest_is_told(client: Client, project: Project, root: str) -> None:
    tasks = [rows.task(project, Status.FAILED, of=rows.memory(project)) for _ in range(2)]
    services.retry(tasks[0])
    answer = client.post(
        f"{root}/bulk?status=failed", {"action": "retry", "all": "1"}, headers={"accept": "application/json"}
    ).json()
    assert (answer["done"], answer["matched"], answer["cursor"]) == (1, 2, None)
    assert answer["refused"][0]["reason"] == "It was tried again already."


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("?status=nonsense", {"action": "cancel", "all": "1"}),
        ("?since=soon", {"action": "cancel", "all": "1"}),
        ("", {"action": "delete", "all": "1"}),
        ("", {"action": "cancel", "task": "nonsense"}),
        ("", {"action": "cancel", "all": "1", "cursor": "nonsense"}),
    ],
)
def test_what_can_not_be_read_changes_nothing(
    client: Client, project: Project, root: str, query: str, body: dict[str, str]
) -> None:
    rows.task(project)
    assert client.post(f"{root}/bulk{query}", body).status_code == 400
    assert not TaskLog.objects.exclude(status=Status.PENDING)


def test_nothing_ticked_changes_nothing(client: Client, project: Project, root: str) -> None:
    rows.task(project)
    answer = client.post(f"{root}/bulk", {"action": "cancel"}, follow=True)
    assert "Tick the tasks" in answer.content.decode()
    assert not TaskLog.objects.exclude(status=Status.PENDING)


def test_a_ticked_task_of_another_project_is_not_there(client: Client, root: str, charlie: User) -> None:
    theirs = rows.task(memory_services.create_project(charlie, name="Theirs"))
    body = {"action": "cancel", "task": [str(theirs.pk)]}
    assert "No task fits" in client.post(f"{root}/bulk", body, follow=True).content.decode()
    assert TaskLog.objects.get(pk=theirs.pk).status == Status.PENDING


def test_viewers_see_no_buttons_and_outsiders_nothing(project: Project, root: str, bob: User, charlie: User) -> None:
    rows.task(project)
    client = Client()
    client.force_login(bob)
    assert 'name="task"' not in text(client, root)
    assert client.post(f"{root}/bulk", {"action": "cancel", "all": "1"}).status_code == 403
    client.force_login(charlie)
    for path in (root, f"{root}.csv", f"{root}?part=summary"):
        assert client.get(path).status_code == 404
    assert client.post(f"{root}/bulk", {"action": "cancel", "all": "1"}).status_code == 404
    assert not TaskLog.objects.exclude(status=Status.PENDING)


# --- export


def test_the_export_is_of_the_filter(client: Client, project: Project, root: str) -> None:
    task = rows.task(project, Status.FAILED)
    rows.task(project)
    answer: Any = client.get(f"{root}.csv?status=failed")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(str(task.pk))
    assert client.get(f"{root}.csv?status=nonsense").status_code == 400


@pytest.mark.django_db(transaction=True)
def test_the_asgi_server_streams_it_too(alice: User, project: Project, root: str) -> None:
    """An ordinary iterator would be gathered whole first; Django warns of it, and warnings are errors here."""
    rows.task(project)
    client = AsyncClient()
    client.force_login(alice)

    async def read() -> bytes:
        answer: Any = await client.get(f"{root}.csv")
        return b"".join([chunk async for chunk in answer.streaming_content])

    assert asyncio.run(read()).count(b"\n") == 2


# --- all projects


@pytest.mark.parametrize("path", ["/tasks", "/tasks.csv", "/tasks/{task}", "/tasks?part=summary"])
def test_all_projects_are_for_staff(client: Client, staff: Client, project: Project, path: str) -> None:
    path = path.format(task=rows.task(project).pk)
    assert client.get(path).status_code == 403
    assert Client().get(path)["Location"].startswith("/login")
    assert staff.get(path).status_code == 200
    User.objects.filter(username="grace").update(is_staff=False)
    assert staff.get(path).status_code == 403


def test_staff_see_every_project_and_act_if_they_may(staff: Client, project: Project, alice: User) -> None:
    other = memory_services.create_project(alice, name="Gemini")
    task, failed = rows.task(project), rows.task(other, Status.FAILED, of=rows.memory(other))
    page = text(staff, "/tasks")
    assert "Apollo" in page
    assert "Gemini" in page
    assert 'name="task"' not in page
    for path in ("/tasks/bulk", f"/tasks/{task.pk}/cancel", f"/tasks/{failed.pk}/retry"):
        assert staff.post(path, {"action": "cancel", "all": "1"}).status_code == 403
    may_change(staff)
    assert 'name="task"' in text(staff, "/tasks")
    assert staff.post(f"/tasks/{failed.pk}/retry")["Location"] == f"/tasks/{TaskLog.objects.get(retry_of=failed).pk}"
    answer = staff.post("/tasks/bulk", {"action": "cancel", "all": "1"}, follow=True)
    assert "2 tasks cancelled" in answer.content.decode()


def test_staff_read_a_task_without_links_to_what_they_may_not_see(staff: Client, project: Project) -> None:
    task = rows.task(project, Status.FAILED, of=rows.memory(project, title="A private note"))
    page = text(staff, f"/tasks/{task.pk}")
    assert "A private note" in page
    assert f"/project/{project.pk}" not in page
    assert "Traceback: secret" in page
    assert staff.get(f"/tasks/{uuid4()}").status_code == 404


def test_the_page_of_all_takes_as_many_queries_for_many(staff: Client, alice: User) -> None:
    fill(memory_services.create_project(alice, name="One"), 60)
    few = count_queries(staff, "/tasks")
    for number in range(3):
        day = timezone.now() + timedelta(days=3 * number + 3)
        fill(memory_services.create_project(alice, name=f"More {number}"), 60, now=day)
    assert count_queries(staff, "/tasks") == few


# --- in the terminal


def run(name: str, *arguments: str) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue().strip()


def test_commands_cancel_and_retry(project: Project) -> None:
    task = rows.task(project, of=rows.memory(project))
    running = rows.task(project, Status.PROCESSING)
    assert run("cancel_task", str(task.pk)) == "Cancelled."
    assert "Asked to stop" in run("cancel_task", str(running.pk))
    new = TaskLog.objects.get(pk=run("retry_task", str(task.pk)))
    assert (new.retry_of_id, new.status) == (task.pk, Status.PENDING)
    for name, identifier, words in (
        ("cancel_task", str(task.pk), "has ended already"),
        ("retry_task", str(new.pk), "Only a failed or cancelled"),
        ("cancel_task", "nonsense", "There is no task nonsense"),
        ("retry_task", str(uuid4()), "There is no task"),
    ):
        with pytest.raises(CommandError, match=words):
            run(name, identifier)
