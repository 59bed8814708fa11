"""The pages: who sees them, what they show, what they escape, how many queries they take."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from memories import services
from memories.models import Entity, Memory, Project
from tasks_app.models import Status
from tests.pages import rows

pytestmark = pytest.mark.django_db

READ_PAGES = (
    "", "memories", "memories/{memory}", "search", "entities", "entities/{entity}", "communities",
    "communities/{community}", "tasks", "tasks/{task}", "settings",
)  # fmt: skip
WRITE_PAGES = ("memories/new", "memories/{memory}/edit", "memories/{memory}/delete")
OWNER_PAGES = ("settings/delete",)
POSTS = (
    "memories/new", "memories/{memory}/edit", "memories/{memory}/delete", "memories/{memory}/reprocess",
    "communities/rebuild", "tasks/{task}/cancel", "tasks/{task}/retry", "settings", "settings/members",
    "settings/members/{alice}", "settings/delete",
)  # fmt: skip


@dataclass(frozen=True)
class Site:
    """A project with a row of each kind, and the paths of its pages."""

    project: Project
    memory: Memory
    entity: Entity
    paths: dict[str, str]

    def path(self, page: str) -> str:
        return f"/project/{self.project.pk}/" + page.format(**self.paths)


@pytest.fixture
def site(project: Project, alice: User) -> Site:
    memory, entity, _ = rows.read_memory(project)
    community = rows.community(project, entity)
    task = rows.task(project, Status.FAILED, of=memory)
    ids = {"memory": memory.pk, "entity": entity.pk, "community": community.pk, "task": task.pk, "alice": alice.pk}
    return Site(project, memory, entity, {name: str(pk) for name, pk in ids.items()})


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


@pytest.mark.parametrize("page", READ_PAGES)
def test_members_see_the_page_others_find_nothing(site: Site, alice: User, bob: User, charlie: User, page: str) -> None:
    for user, status in ((alice, 200), (bob, 200), (charlie, 404)):
        assert logged_in(user).get(site.path(page)).status_code == status
    answer = Client().get(site.path(page))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login?next=")


@pytest.mark.parametrize("page", WRITE_PAGES)
def test_only_writers_see_the_forms(site: Site, alice: User, bob: User, charlie: User, page: str) -> None:
    for user, status in ((alice, 200), (bob, 403), (charlie, 404)):
        assert logged_in(user).get(site.path(page)).status_code == status


@pytest.mark.parametrize("page", OWNER_PAGES)
def test_only_owners_see_what_deletes_the_project(site: Site, alice: User, bob: User, page: str) -> None:
    site.project.memberships.filter(user=bob).update(role="editor")
    for user, status in ((alice, 200), (bob, 403)):
        assert logged_in(user).get(site.path(page)).status_code == status


@pytest.mark.parametrize("page", POSTS)
def test_viewers_and_others_change_nothing(site: Site, bob: User, charlie: User, page: str) -> None:
    for user, status in ((bob, 403), (charlie, 404)):
        assert logged_in(user).post(site.path(page)).status_code == status
    assert Memory.objects.count() == 1


@pytest.mark.parametrize("page", POSTS)
def test_a_post_needs_its_csrf_token(site: Site, alice: User, page: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    answer = client.post(site.path(page))
    assert answer.status_code == 403
    assert "The form was too old" in answer.content.decode()


def test_viewers_see_no_buttons_that_write(site: Site, alice: User, bob: User) -> None:
    words = ("New memory", "Read it again", "Rebuild communities", "Retry", "Delete")
    for page in ("", "memories", "memories/{memory}", "communities", "tasks/{task}"):
        seen = text(logged_in(bob), site.path(page))
        assert not [word for word in words if f">{word}" in seen], page
    assert ">Delete" in text(logged_in(alice), site.path("memories/{memory}"))


@pytest.mark.parametrize("page", READ_PAGES)
def test_with_and_without_a_slash(site: Site, alice: User, page: str) -> None:
    client = logged_in(alice)
    path = site.path(page).rstrip("/")
    assert client.get(path).status_code == client.get(path + "/").status_code == 200


def test_the_pages_of_another_project_show_none_of_these_rows(site: Site, charlie: User) -> None:
    other = services.create_project(charlie, name="Another")
    client = logged_in(charlie)
    for page in ("memories/{memory}", "entities/{entity}", "communities/{community}", "tasks/{task}"):
        assert client.get(f"/project/{other.pk}/" + page.format(**site.paths)).status_code == 404


def test_nothing_that_was_saved_is_markup(site: Site, alice: User) -> None:
    Memory.objects.update(title=rows.EVIL, source_url="https://example.org/")
    site.memory.memory_tags.create(name=rows.EVIL)
    Entity.objects.update(name=rows.EVIL, summary=rows.EVIL)
    Project.objects.update(name=rows.EVIL, description=rows.EVIL)
    site.project.communities.update(name=rows.EVIL, summary=[{"text": rows.EVIL}])
    rows.task(site.project, Status.FAILED, of=site.memory, error=rows.EVIL, message=rows.EVIL)
    client = logged_in(alice)
    for page in (*READ_PAGES, *WRITE_PAGES, *OWNER_PAGES):
        assert "<script>alert" not in text(client, site.path(page)), page
    assert "<script>alert" not in text(client, "/")


def test_pages_have_no_inline_script_or_style(site: Site, alice: User) -> None:
    client = logged_in(alice)
    for page in (*READ_PAGES, *WRITE_PAGES, *OWNER_PAGES):
        seen = text(client, site.path(page))
        assert " style=" not in seen, page
        assert " onclick=" not in seen, page
        assert "<script>" not in seen, page
        assert "<style" not in seen, page


def test_the_page_tells_where_its_stream_begins(site: Site, alice: User) -> None:
    seen = text(logged_in(alice), site.path("memories"))
    assert f'data-project="{site.project.pk}"' in seen
    assert 'data-position="3"' in seen  # pending, processing, failed


def test_streams_can_be_turned_off(site: Site, alice: User, settings: Settings) -> None:
    client = logged_in(alice)
    assert 'data-streams="on"' in text(client, site.path("memories"))
    settings.MEMSTACK_STREAMS = False
    assert 'data-streams="off"' in text(client, site.path("memories"))


def test_filters_and_pages_of_memories(project: Project, alice: User) -> None:
    for number in range(60):
        rows.memory(project, f"Text {number}", title=f"Note {number}")
    project.memories.earliest("id").memory_tags.create(name="tagged")
    client, path = logged_in(alice), f"/project/{project.pk}/memories"
    first = text(client, path)
    assert first.count("data-key=") == 50
    assert "50 of 60" in first
    assert text(client, f"{path}?page=2").count("data-key=") == 10
    assert text(client, f"{path}?page=nonsense").count("data-key=") == 50
    assert text(client, f"{path}?q=Note+59").count("data-key=") == 1
    assert text(client, f"{path}?tag=tagged").count("data-key=") == 1
    assert "No memory fits" in text(client, f"{path}?status=failed")
    assert text(client, f"{path}?q=%00Note+59").count("data-key=") == 1


def test_empty_states_offer_the_first_step(project: Project, alice: User) -> None:
    client, root = logged_in(alice), f"/project/{project.pk}/"
    for page in ("", "memories", "entities", "communities", "tasks"):
        assert f"{root}memories/new" in text(client, root + page), page
    fresh = User.objects.create_user("fresh")
    assert "Welcome to MemStack" in text(logged_in(fresh), "/")


def test_a_banner_when_nothing_works_off_tasks(project: Project, alice: User) -> None:
    from tasks_app import presence
    from tasks_app.models import WorkerHeartbeat

    client, path = logged_in(alice), f"/project/{project.pk}/memories"
    assert banners(text(client, path)) == ["worker", "dispatcher"]
    presence.beat("worker-1", WorkerHeartbeat.Kind.WORKER, {})
    assert banners(text(client, path)) == ["dispatcher"]
    presence.beat("dispatcher-1", WorkerHeartbeat.Kind.DISPATCHER, {})
    assert banners(text(client, path)) == []


def banners(page: str) -> list[str]:
    """The processes that the page says are missing; the other banners are there, hidden, for when one goes."""
    found = re.findall(r'data-process="(\w+)"\s*(hidden)?', page)
    assert [kind for kind, _ in found] == ["worker", "dispatcher"]
    return [kind for kind, hidden in found if not hidden]


def test_the_communities_page_shows_the_rebuild_that_runs(site: Site, alice: User) -> None:
    client, path = logged_in(alice), site.path("communities")
    assert "<task-progress" not in text(client, path)
    answer = client.post(site.path("communities/rebuild"))
    assert answer["Location"] == f"{path}?task={site.project.tasks.get(kind='rebuild_communities').pk}"
    seen = text(client, path)
    assert "<task-progress" in seen
    client.post(site.path("communities/rebuild"))
    assert site.project.tasks.filter(kind="rebuild_communities").count() == 1


def test_errors_have_pages_of_their_own(alice: User, project: Project) -> None:
    answer = logged_in(alice).get("/project/nothing")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
    # the 500 page is drawn without a request, the lock-out page without a user
    assert "Something broke" in render_to_string("500.html")
    assert "Too many attempts" in render_to_string("registration/locked.html")


def grow_memories(project: Project, count: int) -> None:
    for number in range(count):
        memory = rows.memory(project, title=f"Note {number}")
        memory.memory_tags.create(name="tag")
        rows.task(project, Status.COMPLETED, of=memory)


def grow_graph(project: Project, count: int) -> None:
    for _ in range(count):
        _, entity, _ = rows.read_memory(project)
        rows.community(project, entity)


def grow_one_memory(project: Project, count: int) -> None:
    memory = project.memories.first() or rows.memory(project, "Ada lives in Lisbon. " * 50)
    for _ in range(count):
        ada, lisbon = rows.entity(project), rows.entity(project, "Lisbon")
        rows.mention(memory, ada)
        rows.fact(memory, ada, lisbon, "Ada lives in Lisbon.")


@pytest.mark.parametrize(
    ("page", "grow"),
    [
        ("", grow_memories),
        ("", grow_graph),
        ("memories", grow_memories),
        ("tasks", grow_memories),
        ("entities", grow_graph),
        ("communities", grow_graph),
        ("memories/{memory}", grow_one_memory),
        ("entities/{entity}", grow_one_memory),
    ],
)
def test_queries_do_not_grow_with_the_rows(
    project: Project, alice: User, page: str, grow: Callable[[Project, int], None]
) -> None:
    client = logged_in(alice)

    def queries() -> int:
        memory, entity = project.memories.first(), project.entities.first()
        ids = {"memory": memory and memory.pk, "entity": entity and entity.pk}
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"/project/{project.pk}/" + page.format(**ids)).status_code == 200
        return len(captured)

    grow(project, 3)
    few = queries()
    grow(project, 27)
    assert queries() == few
    assert few <= 30


def test_the_list_of_projects_takes_as_many_queries_for_many(alice: User) -> None:
    client = logged_in(alice)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get("/")
        return len(captured)

    for number in range(3):
        services.create_project(alice, name=f"P{number}")
    few = queries()
    for number in range(27):
        services.create_project(alice, name=f"Q{number}")
    assert queries() == few
