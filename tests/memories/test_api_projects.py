"""Projects, members, keys, and who may do what."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from memories import keys, services
from memories.models import ApiKey, Membership, Project
from tests.memories import rows

pytestmark = pytest.mark.django_db
PROJECTS = "/api/v1/projects"
Role = Membership.Role


@pytest.fixture
def api(alice: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(alice)
    return client


def test_a_project_is_made_read_renamed_and_deleted(api: APIClient) -> None:
    made = api.post(PROJECTS, {"name": "Gemini", "description": "Two by two"})
    assert made.status_code == 201, made.content
    assert made.json()["role"] == "owner"
    address = f"{PROJECTS}/{made.json()['id']}"
    assert api.get(f"{address}/").json() == made.json()
    assert api.patch(address, {"name": "Apollo"}).json()["name"] == "Apollo"
    assert api.get(address).json()["description"] == "Two by two"
    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": 5}, {"name": "x" * 201}, {"name": "a\x00"}, {"name": None}]
)
def test_a_project_needs_a_name(api: APIClient, body: dict[str, Any]) -> None:
    answer = api.post(PROJECTS, body)
    assert answer.status_code == 400
    assert answer.json()["errors"].keys() == {"name"}
    assert not Project.objects.exists()


def test_who_may_see_and_change_a_project(api: APIClient, project: Project, bob: User, charlie: User) -> None:
    address = f"{PROJECTS}/{project.pk}"
    api.force_authenticate(bob)
    assert api.get(address).json()["role"] == "viewer"
    assert api.get(f"{address}/members").json()["count"] == 2
    for refused in (api.patch(address, {"name": "x"}), api.delete(address), api.post(f"{address}/members", {})):
        assert refused.status_code in {400, 403}
    assert api.post(f"{address}/members", {"username": "charlie", "role": "owner"}).status_code == 403
    api.force_authenticate(charlie)
    for method in ("get", "patch", "delete"):
        assert getattr(api, method)(address).status_code == 404
    assert api.get(f"{address}/stats").status_code == 404
    assert api.get(f"{address}/members").status_code == 404
    assert api.get(PROJECTS).json()["count"] == 0


def test_staff_see_their_own_projects_only(api: APIClient, project: Project, charlie: User) -> None:
    charlie.is_staff = charlie.is_superuser = True
    charlie.save()
    api.force_authenticate(charlie)
    assert api.get(f"{PROJECTS}/{project.pk}").status_code == 404


def test_members_come_change_and_go(api: APIClient, project: Project, charlie: User) -> None:
    members = f"{PROJECTS}/{project.pk}/members"
    added = api.post(members, {"username": "charlie", "role": "editor"})
    assert added.status_code == 201, added.content
    assert (added.json()["user_id"], added.json()["role"]) == (charlie.pk, "editor")
    assert "username" in api.post(members, {"username": "charlie", "role": "viewer"}).json()["errors"]
    assert "username" in api.post(members, {"username": "nobody", "role": "viewer"}).json()["errors"]
    assert "role" in api.post(members, {"username": "charlie", "role": "king"}).json()["errors"]
    assert api.patch(f"{members}/{charlie.pk}", {"role": "viewer"}).json()["role"] == "viewer"
    assert api.delete(f"{members}/{charlie.pk}").status_code == 204
    assert api.delete(f"{members}/{charlie.pk}").status_code == 404
    assert api.delete(f"{members}/{10**30}").status_code == 404


def test_a_project_keeps_an_owner(api: APIClient, project: Project, alice: User, bob: User) -> None:
    own = f"{PROJECTS}/{project.pk}/members/{alice.pk}"
    assert api.delete(own).status_code == 409
    assert api.patch(own, {"role": "viewer"}).status_code == 409
    api.patch(f"{PROJECTS}/{project.pk}/members/{bob.pk}", {"role": "owner"})
    assert api.delete(own).status_code == 204


def test_anybody_may_leave(api: APIClient, project: Project, alice: User, bob: User) -> None:
    api.force_authenticate(bob)
    assert api.delete(f"{PROJECTS}/{project.pk}/members/{alice.pk}").status_code == 403
    assert api.delete(f"{PROJECTS}/{project.pk}/members/{bob.pk}").status_code == 204


def test_stats(api: APIClient, project: Project) -> None:
    memory = rows.memory(project, "Ada: I moved to Turin.")
    ada = rows.entity(project, "Ada")
    rows.mention(ada, memory)
    rows.fact(ada, "lives_in", "Turin", memory)
    rows.fact(ada, "lives_in", "Rome", memory, expired_at=rows.DAY)
    rows.community(project, "people", ada)
    stats = api.get(f"{PROJECTS}/{project.pk}/stats").json()
    wanted = ("memories", "passages", "entities", "mentions", "facts", "current_facts", "communities")
    assert [stats[name] for name in wanted] == [1, 1, 1, 1, 2, 1, 1]
    assert stats["memories_by_status"]["pending"] == 1


def test_keys_are_shown_once(api: APIClient, alice: User, charlie: User) -> None:
    made = api.post("/api/v1/keys", {"name": "laptop"})
    assert made.status_code == 201
    assert keys.user_of(made.json()["key"]) == alice
    address = f"/api/v1/keys/{made.json()['id']}"
    assert "key" not in api.get(address).json()
    assert "key" not in api.get("/api/v1/keys").json()["results"][0]
    assert made.json()["key"] not in str(ApiKey.objects.values_list())
    api.force_authenticate(charlie)
    assert api.get(address).status_code == api.delete(address).status_code == 404
    assert api.get("/api/v1/keys").json()["count"] == 0
    api.force_authenticate(alice)
    assert api.delete(address).status_code == 204
    assert keys.user_of(made.json()["key"]) is None


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": 5}, {"name": "x" * 101}, {"name": "\x00"}])
def test_a_key_needs_a_name(api: APIClient, body: dict[str, Any]) -> None:
    answer = api.post("/api/v1/keys", body)
    assert answer.status_code == 400
    assert answer.json()["errors"].keys() == {"name"}


def test_a_key_opens_the_door(client: Client, alice: User, project: Project) -> None:
    _, key = keys.issue(alice, "laptop")
    answer = client.get(PROJECTS, headers={"Authorization": f"Bearer {key}"})
    assert answer.json()["count"] == 1
    body = {"name": "Gemini"}
    made = client.post(PROJECTS, body, "application/json", headers={"Authorization": f"bearer {key}"})
    assert made.status_code == 201


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer x", "Bearer ms_sk_" + "0" * 64, "Basic YTpi", "Bearer \xff"])
def test_without_a_key_there_is_a_401(client: Client, project: Project, value: str) -> None:
    answer = client.get(PROJECTS, headers={"Authorization": value} if value else {})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_key_of_somebody_who_left_is_not_valid(client: Client, alice: User, project: Project) -> None:
    _, key = keys.issue(alice, "laptop")
    alice.is_active = False
    alice.save()
    assert client.get(PROJECTS, headers={"Authorization": f"Bearer {key}"}).status_code == 401


def test_a_session_needs_the_csrf_token(alice: User, project: Project) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.get(PROJECTS).json()["count"] == 1
    refused = client.post(PROJECTS, {"name": "Gemini"}, "application/json")
    assert refused.status_code == 403
    assert refused.headers["Content-Type"] == "application/problem+json"
    client.cookies["csrftoken"] = "a" * 32
    made = client.post(PROJECTS, {"name": "Gemini"}, "application/json", headers={"X-CSRFToken": "a" * 32})
    assert made.status_code == 201, made.content


def test_queries_do_not_grow_with_the_list(api: APIClient, alice: User, django_assert_num_queries: Any) -> None:
    for number in range(30):
        services.create_project(alice, name=str(number))
    for size in (3, 30):
        with django_assert_num_queries(2):
            assert len(api.get(PROJECTS, {"page_size": size}).json()["results"]) == size
