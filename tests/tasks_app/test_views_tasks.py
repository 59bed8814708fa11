"""The pages of tasks, their forms, and the admin's way to the same services."""

from __future__ import annotations

import re
from unittest.mock import ANY

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from memories.models import Project
from tasks_app import transitions
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskLog
from tests.pages import rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def root(project: Project) -> str:
    return f"/project/{project.pk}/"


def text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_filters(client: Client, project: Project, root: str) -> None:
    for status in Status.values:
        rows.task(project, status, of=rows.memory(project, title=f"About {status}"))
    assert text(client, root + "tasks").count("data-key=") == 5
    assert text(client, root + "tasks?status=failed").count("data-key=") == 1
    assert text(client, root + "tasks?kind=ingest_episode").count("data-key=") == 5
    assert text(client, root + "tasks?q=About+cancelled").count("data-key=") == 1
    assert "No task fits" in text(client, root + "tasks?kind=rebuild_communities")


@pytest.mark.parametrize(
    ("status", "buttons", "word"),
    [
        (Status.PENDING, {"cancel"}, "Waiting"),
        (Status.PROCESSING, {"cancel"}, "Running"),
        (Status.COMPLETED, set(), "2 entities, 1 fact"),
        (Status.FAILED, {"retry"}, "The text could not be read."),
        (Status.CANCELLED, {"retry"}, "Cancelled"),
    ],
)
def test_the_card(client: Client, project: Project, status: Status, buttons: set[str], word: str) -> None:
    task = rows.task(project, status, of=rows.memory(project))
    page = text(client, f"/project/{project.pk}/tasks/{task.pk}")
    assert word in page
    assert f'data-seq="{task.event_seq}"' in page
    assert 'role="progressbar"' in page
    card = " ".join(page.split())
    hidden = {name for name in ("cancel", "retry") if f'data-part="{name}" class="no-print" hidden' in card}
    assert {"cancel", "retry"} - hidden == buttons


def test_the_stages_and_who_sees_the_traceback(client: Client, alice: User, project: Project, root: str) -> None:
    task = rows.task(project, Status.FAILED, of=rows.memory(project))
    page = text(client, f"{root}tasks/{task.pk}")
    assert page.count("The text could not be read.") == 2
    assert "Traceback" not in page
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    assert "Traceback: secret" in text(client, f"{root}tasks/{task.pk}")


def test_an_import_shows_its_children(client: Client, project: Project, root: str) -> None:
    parent = transitions.enqueue(project, Kind.IMPORT_MEMORIES)
    transitions.enqueue_children(parent, Kind.INGEST_EPISODE, [rows.memory(project, title="A child")])
    page = text(client, f"{root}tasks/{parent.pk}")
    assert "A child" in page
    assert "Its parts" in page


def test_cancel(client: Client, project: Project, root: str) -> None:
    task = rows.task(project)
    path = f"{root}tasks/{task.pk}"
    assert client.post(f"{path}/cancel", {"next": f"{root}memories"})["Location"] == f"{root}memories"
    task.refresh_from_db()
    assert task.status == Status.CANCELLED
    again = client.post(f"{path}/cancel", {"next": "https://evil.example/"}, follow=True)
    assert again.redirect_chain == [(path, ANY)]
    assert "has ended already" in again.content.decode()


def test_retry_leads_to_the_new_task(client: Client, project: Project, root: str) -> None:
    task = rows.task(project, Status.FAILED, of=rows.memory(project))
    answer = client.post(f"{root}tasks/{task.pk}/retry")
    new = TaskLog.objects.get(retry_of=task)
    assert answer["Location"] == f"{root}tasks/{new.pk}"
    assert f"{root}tasks/{new.pk}" in text(client, f"{root}tasks/{task.pk}")
    refused = client.post(f"{root}tasks/{new.pk}/retry", follow=True)
    assert "Only a failed or cancelled task" in refused.content.decode()


def test_get_does_not_change_a_task(client: Client, project: Project, root: str) -> None:
    task = rows.task(project)
    assert client.get(f"{root}tasks/{task.pk}/cancel").status_code == 405
    task.refresh_from_db()
    assert task.status == Status.PENDING


@pytest.fixture
def staff(admin_client: Client) -> Client:
    return admin_client


def test_the_admin_cancels_and_retries_through_the_services(staff: Client, project: Project) -> None:
    waiting = rows.task(project, of=rows.memory(project))
    failed = rows.task(project, Status.FAILED, of=rows.memory(project))
    done = rows.task(project, Status.COMPLETED, of=rows.memory(project))
    path, chosen = "/admin/tasks_app/tasklog/", [str(task.pk) for task in (waiting, failed, done)]
    answer = staff.post(path, {"action": "cancel", "_selected_action": chosen}, follow=True)
    assert "1 tasks were cancelled, or asked to stop. 2 could not be" in answer.content.decode()
    answer = staff.post(path, {"action": "retry", "_selected_action": chosen}, follow=True)
    assert "2 tasks were asked for again. 1 could not be" in answer.content.decode()
    assert TaskLog.objects.count() == 5


@pytest.mark.parametrize("model", ["tasklog", "taskevent", "projecteventcounter", "workerheartbeat"])
def test_the_admin_adds_and_edits_no_task_rows(staff: Client, project: Project, model: str) -> None:
    task = rows.task(project, of=rows.memory(project))
    assert staff.get(f"/admin/tasks_app/{model}/").status_code == 200
    assert staff.get(f"/admin/tasks_app/{model}/add/").status_code == 403
    assert staff.post(f"/admin/tasks_app/tasklog/{task.pk}/change/", {"status": "completed"}).status_code == 403


def test_the_admin_lists_tasks_with_as_many_queries_for_many(staff: Client, project: Project) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert staff.get("/admin/tasks_app/tasklog/").status_code == 200
        return len(captured)

    for _ in range(3):
        rows.task(project, of=rows.memory(project))
    few = queries()
    for _ in range(27):
        rows.task(project, of=rows.memory(project))
    assert queries() == few


def test_staff_who_may_only_look_can_not_cancel(client: Client, project: Project) -> None:
    looker = User.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_tasklog"))
    client.force_login(looker)
    task = rows.task(project)
    path, chosen = "/admin/tasks_app/tasklog/", [str(task.pk)]
    assert client.get(path).status_code == 200
    client.post(path, {"action": "cancel", "_selected_action": chosen})
    task.refresh_from_db()
    assert task.status == Status.PENDING
    looker.user_permissions.add(Permission.objects.get(codename="change_tasklog"))
    client.post(path, {"action": "cancel", "_selected_action": chosen})
    task.refresh_from_db()
    assert task.status == Status.CANCELLED


@pytest.mark.parametrize(
    "path", ["/admin/tasks_app/tasklog/", "/project/{project}/tasks/{task}", "/api/v1/tasks/{task}"]
)
def test_an_import_is_shown_without_reading_what_it_imports(
    staff: Client, alice: User, project: Project, path: str
) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    staff.force_login(alice)
    task = rows.task(project, payload={"items": ["many megabytes"]})
    with CaptureQueriesContext(connection) as captured:
        assert staff.get(path.format(project=project.pk, task=task.pk)).status_code == 200
    statements = [query["sql"].replace('"tasks_app_tasklog".', "") for query in captured]
    assert not any('"payload"' in re.sub(r'(LENGTH|SUBSTR)\(CAST\("payload" AS text\)', "", sql) for sql in statements)
