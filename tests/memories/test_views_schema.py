"""The schema's pages."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from memories.models import EntityType, Project, RelationType
from memories.schema import services
from tests.memories import rows
from tests.memories.test_views_forms import saying

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def root(project: Project) -> str:
    return f"/project/{project.pk}/schema"


def proposal(project: Project, name: str = "mentor") -> RelationType:
    ada, tom = rows.entity(project, "Ada"), rows.entity(project, "Tom")
    rows.fact(ada, name, tom, rows.memory(project, "Ada mentors Tom."))
    return RelationType.objects.create(project=project, name=name, origin="learned", state="proposed")


def test_the_page_lists_types_by_where_they_come_from(client: Client, project: Project, root: str) -> None:
    services.create_entity_type(project, {"name": "vessel", "words": ["Sea Cloud"], "pattern": "MS [A-Z]+"})
    proposal(project)
    page = saying(client.get(root))
    assert "Proposed relations (1)" in page
    assert "Relations of this project (0)" in page
    assert "1\n" in page
    assert "works for" in page
    assert "vessel" in page
    assert 'aria-current="page"' in page


def test_the_page_takes_a_fixed_number_of_queries(
    client: Client, project: Project, root: str, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    proposal(project)
    client.get(root)
    with django_assert_max_num_queries(16):  # type: ignore[operator]
        client.get(root)


def test_make_and_change_an_entity_type(client: Client, project: Project, root: str) -> None:
    form = {"name": "vessel", "label": "Ship", "words": "Sea Cloud\r\n\r\nAlexandra", "enabled": "on"}
    assert client.post(f"{root}/entity-types/new", form)["Location"] == root
    row = EntityType.objects.get(project=project, name="vessel")
    assert row.word_list.names == "Sea Cloud\nAlexandra"
    page = saying(client.get(root))
    assert "It applies to what is read from now on" in page
    path = f"{root}/entity-types/{row.pk}"
    assert "Sea Cloud\nAlexandra</textarea>" in saying(client.get(path))
    client.post(path, {"label": "", "pattern": r"MS \d+", "words": "Sea Cloud"})
    row.refresh_from_db()
    assert (row.pattern, row.enabled, row.label, row.name) == (r"MS \d+", False, "", "vessel")
    assert "Not read from memories" in saying(client.get(root))


def test_what_is_not_valid_stays_in_the_form(client: Client, project: Project, root: str) -> None:
    answer = client.post(f"{root}/entity-types/new", {"name": "vessel", "pattern": "(", "words": "the\nSea Cloud"})
    page = saying(answer)
    assert answer.status_code == 400
    assert "This is not a pattern in RE2 syntax" in page
    assert "words that every text has" in page
    assert "Sea Cloud</textarea>" in page
    taken = client.post(f"{root}/entity-types/new", {"name": "person"})
    assert "already" in saying(taken)
    assert not project.entity_types.filter(name="vessel").exists()


def test_a_pattern_is_tried_before_it_is_saved(client: Client, project: Project, root: str) -> None:
    form = {"name": "code", "pattern": r"[A-Z]+-\d+", "words": "Sea Cloud", "sample": "<b> A-1, B-22 & Sea Cloud"}
    page = saying(client.post(f"{root}/entity-types/new", {**form, "try": "1"}))
    assert "3 places found" in page
    assert "&lt;b&gt; <mark>A-1</mark>, <mark>B-22</mark> &amp; <mark>Sea Cloud</mark>" in page
    assert not project.entity_types.filter(name="code").exists()
    broken = client.post(f"{root}/entity-types/new", {**form, "pattern": "(", "try": "1"})
    assert broken.status_code == 400
    assert "<mark>Sea Cloud</mark>" in saying(broken)


def test_a_long_list_is_not_shown_and_stays(client: Client, project: Project, root: str) -> None:
    names = [f"Name {number}" for number in range(5_001)]
    row = services.create_entity_type(project, {"name": "vessel", "words": names})
    path = f"{root}/entity-types/{row.pk}"
    page = saying(client.get(path))
    assert "5,001 names, too many to show" in page
    client.post(path, {"label": "Ship", "enabled": "on"})
    row.refresh_from_db()
    assert (row.label, row.word_list.count) == ("Ship", 5_001)
    tried = client.post(path, {"enabled": "on", "sample": "see Name 77 go", "try": "1"})
    assert "<mark>Name 77</mark>" in saying(tried)


def test_make_and_change_a_relation(client: Client, project: Project, root: str) -> None:
    form = {"name": "mentors", "phrases": "mentor\ncoach of", "functional": "on", "enabled": "on",
            "subject_types": ["person"], "object_types": ["person", "group"]}  # fmt: skip
    assert client.post(f"{root}/relations/new", form)["Location"] == root
    row = RelationType.objects.get(project=project, name="mentors")
    assert (row.phrases, row.functional, row.object_types) == ("mentor\ncoach of", True, "person group")
    page = saying(client.get(f"{root}/relations/{row.pk}"))
    assert "mentor\ncoach of</textarea>" in page
    wrong = client.post(f"{root}/relations/{row.pk}", {"phrases": "the", "subject_types": ["robot"]})
    assert wrong.status_code == 400
    built_in = RelationType.objects.get(project=project, name="works_for")
    client.post(f"{root}/relations/{built_in.pk}", {"enabled": "on"})
    built_in.refresh_from_db()
    assert not built_in.functional


def test_decide_on_a_proposal(client: Client, project: Project, root: str) -> None:
    row = proposal(project)
    path = f"{root}/relations/{row.pk}/decide"
    client.post(path, {"decision": "reject"})
    row.refresh_from_db()
    assert row.state == "rejected"
    assert "Rejected relations (1)" in saying(client.get(root))
    client.post(path, {"decision": "accept"})
    row.refresh_from_db()
    assert row.state == "accepted"
    assert client.post(path, {"decision": "x"}).status_code == 400


def test_delete_what_is_not_used(client: Client, project: Project, root: str) -> None:
    row = services.create_entity_type(project, {"name": "vessel"})
    relation = services.create_relation_type(project, {"name": "sails"})
    rows.entity(project, "Sea Cloud", type="vessel")
    refused = client.post(f"{root}/entity-types/{row.pk}/delete", follow=True)
    assert "1 entities are of the type vessel" in saying(refused)
    project.entities.all().delete()
    client.post(f"{root}/entity-types/{row.pk}/delete")
    client.post(f"{root}/relations/{relation.pk}/delete")
    assert not project.entity_types.filter(name="vessel").exists()
    assert not project.relation_types.filter(name="sails").exists()


def test_viewers_look_and_strangers_do_not(project: Project, root: str, bob: User, charlie: User) -> None:
    row = services.create_entity_type(project, {"name": "vessel"})
    relation = services.create_relation_type(project, {"name": "sails"})
    posts = [
        "entity-types/new", "relations/new", f"entity-types/{row.pk}", f"relations/{relation.pk}",
        f"entity-types/{row.pk}/delete", f"relations/{relation.pk}/delete", f"relations/{relation.pk}/decide",
    ]  # fmt: skip
    viewer, stranger = Client(), Client()
    viewer.force_login(bob)
    stranger.force_login(charlie)
    page = saying(viewer.get(root))
    assert "vessel" in page
    assert "New entity type" not in page
    assert stranger.get(root).status_code == 404
    for path in posts:
        assert viewer.post(f"{root}/{path}", {"name": "n"}).status_code == 403, path
        assert stranger.post(f"{root}/{path}", {"name": "n"}).status_code == 404, path
