"""The dashboard in a browser, on a running MemStack: live, with many at once, for a project and for all."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.pages.conftest import Visitor, visit
from tests.stack import ROOT, Stack

pytestmark = pytest.mark.browser
LONG = 90_000  # a worker has to read the memory, on a machine that may be busy

SCENE = """
import sys, json, django
django.setup()
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from memories.models import Memory, Project
from tasks_app.models import TaskLog, QueueSample
from tests.pages import rows
project, now = Project.objects.get(pk=sys.argv[1]), timezone.now()

def ended(status, title):  # written as it ended: a worker is there that would take what waits
    memory = rows.memory(project, title=title)
    task = TaskLog.objects.create(
        project=project, memory=memory, kind="ingest_episode", status=status, attempt=1, started_at=now,
        finished_at=now, progress=100 if status == "completed" else 30, message="Ended",
        error="There is no text in it." if status == "failed" else "")
    Memory.objects.filter(pk=memory.pk).update(task=task)
    return str(task.pk)

for number in range(60):
    ended("failed", f"Letter {number}")
made = {status: ended(status, f"A {status} one") for status in ("failed", "cancelled", "completed")}
minute = now.replace(second=0, microsecond=0)
QueueSample.objects.bulk_create(
    [QueueSample(project=of, at=minute - timedelta(minutes=number), pending=number, processing=2)
     for number in range(2, 50) for of in (None, project)], ignore_conflicts=True)
User.objects.filter(username="alice").update(is_staff=True, is_superuser=True)
print(json.dumps(made))
"""


@pytest.fixture(scope="module")
def scene(stack: Stack) -> Iterator[dict[str, str]]:
    """A project with a task in each terminal state and sixty that failed. Alice is of the staff as long as it lasts."""
    project = stack.project("Dashboard")
    printed = subprocess.run(
        [sys.executable, "-c", SCENE, project],
        cwd=ROOT, env=stack.environment | {"DJANGO_SETTINGS_MODULE": "memstack.settings"},
        stdout=subprocess.PIPE, text=True, check=True,
    ).stdout  # fmt: skip
    yield {"project": project, "root": f"/project/{project}/tasks", **json.loads(printed.splitlines()[-1])}
    command = "from django.contrib.auth.models import User; User.objects.update(is_staff=False, is_superuser=False)"
    stack.manage("shell", "-c", command)


@pytest.fixture(scope="module", params=[(1280, "light"), (390, "dark")], ids=["desktop", "phone"])
def alice(request: pytest.FixtureRequest, chromium: Browser, stack: Stack) -> Iterator[Visitor]:
    width, scheme = request.param
    visitor = visit(chromium, stack, viewport={"width": width, "height": 800}, color_scheme=scheme)
    yield visitor
    visitor.context.close()
    assert not visitor.complaints


def opened(visitor: Visitor, path: str) -> Page:
    return visitor.open(path)


@pytest.mark.parametrize(
    "path",
    [
        "{root}", "{root}?status=failed&hours=24", "{root}?q=nothing+says+this", "{root}/{failed}", "/tasks",
        "/tasks/{failed}",
    ],
)  # fmt: skip
def test_it_fits_and_has_no_serious_obstacles(alice: Visitor, scene: dict[str, str], path: str) -> None:
    page = opened(alice, path.format(**scene))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page).response["violations"]
    serious = [
        (rule["id"], [node["html"] for node in rule["nodes"]])
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]
    assert not serious
    assert page.locator("h1").count() == 1
    page.close()


def test_cards_and_rows_follow_the_work(visitor: Visitor, stack: Stack, scene: dict[str, str]) -> None:
    page = opened(visitor, scene["root"])
    completed = page.locator('.task-counts [data-status="completed"] b')
    expect(completed).to_have_text("1")
    page.get_by_text("As a table").click()
    memory = stack.post("memories", {"project": scene["project"], "content": "Ada met Charles.", "title": "A live one"})
    row = page.locator("tr", has_text="A live one")
    expect(row.locator(".state")).to_have_text("Completed", timeout=LONG)
    expect(completed).to_have_text("2", timeout=LONG)
    expect(page.locator("#depth-table table")).to_be_visible()  # what was opened stays open
    assert memory["task_id"]


def test_the_page_of_all_is_live_too(visitor: Visitor, stack: Stack, scene: dict[str, str]) -> None:
    page = opened(visitor, "/tasks")
    stack.post("memories", {"project": scene["project"], "content": "Grace met Ada.", "title": "Seen by staff"})
    expect(page.locator("tr", has_text="Seen by staff").locator(".state")).to_have_text("Completed", timeout=LONG)


@pytest.mark.slow
def test_ticked_tasks_are_retried_and_all_that_fit(visitor: Visitor, stack: Stack, scene: dict[str, str]) -> None:
    page = opened(visitor, f"{scene['root']}?status=failed&q=Letter")
    retry = page.get_by_role("button", name="Retry tasks")
    expect(retry).to_be_disabled()
    page.locator("tbody input").first.check()
    retry.click()
    expect(page.locator(".bulk-said")).to_have_text("1 task asked for again.")
    expect(retry).to_be_disabled()
    page.get_by_label("All 60 that fit").check()
    page.once("dialog", lambda dialog: dialog.accept())
    retry.click()
    expect(page.locator(".bulk-said")).to_contain_text("59 tasks asked for again. 1 task left as they are")
    for task in stack.get("tasks", project=scene["project"], q="Letter", page_size=200)["results"]:
        if task["retry_of"]:
            assert stack.wait_for_task(task["id"])["status"] == "completed"


def test_this_page_ticks_every_row(visitor: Visitor, scene: dict[str, str]) -> None:
    page = opened(visitor, scene["root"])
    page.get_by_label("This page").check()
    assert page.locator('input[name="task"]:checked').count() == page.locator('input[name="task"]').count() > 1


def test_without_scripts_the_forms_do_it(chromium: Browser, stack: Stack, scene: dict[str, str]) -> None:
    plain = visit(chromium, stack, java_script_enabled=False)
    page = opened(plain, f"{scene['root']}?status=cancelled")
    page.locator("tbody input").first.check()
    page.get_by_role("button", name="Retry tasks").click()
    expect(page.locator(".notice")).to_contain_text("1 task asked for again.")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    assert scene["cancelled"] in download.value.path().read_text()
    plain.context.close()
