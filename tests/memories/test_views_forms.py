"""The pages' forms: what they save, what they refuse, and that nothing typed is lost."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client
from pytest_django import Settings

from memories.forms import parse_conversation, parse_tags
from memories.models import ApiKey, Membership, Memory, Project
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


def saying(answer: object) -> str:
    content: bytes = getattr(answer, "content")  # noqa: B009 - the test client's answers have no common type
    return content.decode()


def test_login_and_logout(alice: User) -> None:
    client = Client()
    wrong = client.post("/login", {"username": "alice", "password": "wrong"})
    assert "Please enter a correct username and password" in saying(wrong)
    assert client.post("/login", {"username": "alice", "password": "correct horse battery"})["Location"] == "/"
    assert client.get("/").status_code == 200
    assert client.get("/logout").status_code == 405
    assert client.post("/logout")["Location"] == "/login"


def test_a_new_project_belongs_to_who_made_it(client: Client, alice: User) -> None:
    answer = client.post("/", {"name": "Voyager", "description": "Far out"})
    project = Project.objects.get(name="Voyager")
    assert answer["Location"] == f"/project/{project.pk}/"
    assert project.memberships.get().user == alice
    refused = client.post("/", {"name": "", "description": "kept"})
    assert refused.status_code == 400
    assert "kept</textarea>" in saying(refused)


def test_save_a_text(client: Client, root: str) -> None:
    form = {
        "content_type": "text", "text": "Line one.\r\nLine two. 😀", "title": "T", "tags": "a, b, a",
        "reference_time": "2024-05-01T10:30",
    }  # fmt: skip
    answer = client.post(root + "memories/new", form)
    memory = Memory.objects.get()
    assert answer["Location"] == f"{root}memories/new?saved={memory.pk}"
    assert memory.content == "Line one.\nLine two. 😀"
    assert [tag.name for tag in memory.memory_tags.all()] == ["a", "b"]
    assert memory.reference_time.isoformat() == "2024-05-01T10:30:00+00:00"
    assert memory.created_by is not None


def test_after_saving_the_same_page_shows_the_progress(client: Client, root: str) -> None:
    client.post(root + "memories/new", {"content_type": "text", "text": "Ada."})
    memory = Memory.objects.get()
    page = saying(client.get(f"{root}memories/new?saved={memory.pk}"))
    assert f'task="{memory.task_id}"' in page
    assert f'data-redirect="{root}memories"' in page
    assert "Memory saved" in page
    assert 'name="text"' not in page


@pytest.mark.parametrize("saved", ["nonsense", "01900000-0000-7000-8000-000000000000", ""])
def test_a_saved_memory_that_is_not_there_shows_the_form(client: Client, root: str, saved: str) -> None:
    assert 'name="text"' in saying(client.get(f"{root}memories/new?saved={saved}"))


def test_save_a_conversation(client: Client, root: str) -> None:
    lines = "Ada: I moved to Lisbon.\r\nIt is warm.\r\nCharles: At 10:30: meet?"
    client.post(root + "memories/new", {"content_type": "conversation", "conversation": lines})
    memory = Memory.objects.get()
    assert memory.content_type == "conversation"
    said = [(message["speaker"], message["content"]) for message in memory.messages or []]
    assert said == [("Ada", "I moved to Lisbon.\nIt is warm."), ("Charles", "At 10:30: meet?")]


@pytest.mark.parametrize(
    ("form", "field", "error"),
    [
        ({"content_type": "text", "text": " "}, "text", "There is no text"),
        ({"content_type": "text", "text": "a\x00b"}, "text", "Null characters are not allowed"),
        ({"content_type": "conversation", "conversation": ""}, "conversation", "There is no text"),
        ({"content_type": "conversation", "conversation": "who says this"}, "conversation", "Line 1 does not say"),
        ({"content_type": "conversation", "conversation": "Ada:"}, "conversation", "has no text"),
        ({"content_type": "text", "text": "x", "title": "t" * 501}, "title", "at most 500 characters"),
        ({"content_type": "text", "text": "x", "tags": "t" * 101}, "tags", "A tag may have 100 characters"),
        ({"content_type": "text", "text": "x", "reference_time": "soon"}, "reference_time", "Enter a valid date"),
        ({"content_type": "poem", "text": "x"}, "content_type", "Select a valid choice"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    client: Client, root: str, form: dict[str, str], field: str, error: str
) -> None:
    answer = client.post(root + "memories/new", {"title": "Kept title", **form})
    page = saying(answer)
    assert answer.status_code == 400
    assert error in page
    assert f'id="id_{field}_error"' in page
    assert "title" in form or 'value="Kept title"' in page
    assert not Memory.objects.exists()


def test_a_text_that_is_too_long_is_refused(client: Client, root: str, settings: Settings) -> None:
    settings.MAX_CONTENT_BYTES = 10
    answer = client.post(root + "memories/new", {"content_type": "text", "text": "x" * 11})
    assert "Split it into parts" in saying(answer)


def test_parsing() -> None:
    assert parse_tags(" a ,, b,a ") == ["a", "b"]
    assert [m.speaker for m in parse_conversation("Dr. Ada L.: hi\nBob:yes\nBob: no")] == ["Dr. Ada L.", "Bob"]
    assert parse_conversation("Ada: see https://example.org")[0].content == "see https://example.org"
    with pytest.raises(ValidationError):
        parse_conversation("\nno speaker")


def test_edit_title_and_tags(client: Client, project: Project, root: str) -> None:
    memory = rows.memory(project)
    path = f"{root}memories/{memory.pk}/edit"
    assert 'value="A note"' in saying(client.get(path))
    client.post(path, {"title": "New", "tags": "x"})
    memory.refresh_from_db()
    assert (memory.title, memory.task) == ("New", None)
    assert memory.memory_tags.get().name == "x"


def test_reading_again_makes_a_task(client: Client, project: Project, root: str) -> None:
    memory = rows.memory(project)
    client.post(f"{root}memories/{memory.pk}/reprocess")
    memory.refresh_from_db()
    assert memory.task is not None
    assert "<task-progress" in saying(client.get(f"{root}memories/{memory.pk}"))


def test_deleting_says_first_what_goes(client: Client, project: Project, root: str) -> None:
    memory, _, _ = rows.read_memory(project)
    path = f"{root}memories/{memory.pk}/delete"
    page = saying(client.get(path))
    assert "Facts removed" in page
    assert Memory.objects.exists()
    answer = client.post(path, follow=True)
    assert "1 fact removed" in saying(answer)
    assert not Memory.objects.exists()


def test_name_and_description(client: Client, project: Project, root: str) -> None:
    client.post(root + "settings", {"name": "Artemis", "description": "Back again"})
    project.refresh_from_db()
    assert (project.name, project.description) == ("Artemis", "Back again")
    refused = client.post(root + "settings", {"name": "", "description": "kept"})
    assert refused.status_code == 400
    assert 'id="id_name_error"' in saying(refused)
    project.refresh_from_db()
    assert project.name == "Artemis"


def test_members_come_and_go(client: Client, alice: User, charlie: User, project: Project, root: str) -> None:
    client.post(root + "settings/members", {"username": "charlie", "role": "viewer"})
    membership = project.memberships.get(user=charlie)
    assert membership.role == "viewer"
    again = client.post(root + "settings/members", {"username": "charlie", "role": "viewer"})
    assert "member already" in saying(again)
    unknown = client.post(root + "settings/members", {"username": "nobody", "role": "viewer"})
    assert "no user of this name" in saying(unknown)
    client.post(f"{root}settings/members/{charlie.pk}", {"role": "editor"})
    membership.refresh_from_db()
    assert membership.role == "editor"
    assert client.post(f"{root}settings/members/{charlie.pk}", {"role": "king"}).status_code == 400
    assert client.post(f"{root}settings/members/{10**20}", {"role": "editor"}).status_code == 404
    client.post(f"{root}settings/members/{charlie.pk}", {"remove": "1"})
    assert not project.memberships.filter(user=charlie).exists()
    last = client.post(f"{root}settings/members/{alice.pk}", {"remove": "1"}, follow=True)
    assert "A project needs an owner" in saying(last)
    assert project.memberships.filter(user=alice).exists()


def test_a_viewer_may_leave_and_nothing_else(project: Project, bob: User, alice: User, root: str) -> None:
    client = Client()
    client.force_login(bob)
    assert client.post(f"{root}settings/members/{bob.pk}", {"role": "owner"}).status_code == 403
    assert client.post(f"{root}settings/members/{alice.pk}", {"remove": "1"}).status_code == 403
    assert client.post(f"{root}settings/members/{bob.pk}", {"remove": "1"})["Location"] == "/"
    assert not Membership.objects.filter(user=bob).exists()


def test_a_key_is_shown_once_and_can_be_revoked(client: Client, root: str, alice: User, bob: User) -> None:
    made = client.post(root + "settings/keys", {"name": "my agent"})
    key = ApiKey.objects.get()
    assert "ms_sk_" in saying(made)
    assert "no-store" in made["Cache-Control"]
    later = saying(client.get(root + "settings"))
    assert f"{key.prefix}…" in later
    assert saying(made).count("ms_sk_") == later.count("ms_sk_") + 1
    other = Client()
    other.force_login(bob)
    assert other.post(f"{root}settings/keys/{key.pk}/revoke").status_code == 404
    client.post(f"{root}settings/keys/{key.pk}/revoke")
    assert not ApiKey.objects.exists()
    assert client.post(root + "settings/keys", {"name": ""}).status_code == 400


def test_a_project_goes_only_by_its_name(client: Client, project: Project, root: str) -> None:
    rows.read_memory(project)
    wrong = client.post(root + "settings/delete", {"name": "Apolo"})
    assert "Nothing was deleted" in saying(wrong)
    assert Project.objects.exists()
    client.post(root + "settings/delete", {"name": "Apollo"})
    assert not Project.objects.exists()
