"""`entity-types` and `relation-types` over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from memories import services
from memories.models import Project, RelationType
from tests.memories import rows

pytestmark = pytest.mark.django_db
V1 = "/api/v1"


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def api(alice: User) -> APIClient:
    return client_of(alice)


def made(api: APIClient, kind: str, project: Project, **values: Any) -> Any:
    answer = api.post(f"{V1}/{kind}", {"project": str(project.pk), **values}, format="json")
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_an_entity_type_from_first_to_last(api: APIClient, project: Project) -> None:
    one = made(
        api, "entity-types", project, name="vessel", label="Ship", words=["Sea Cloud", "sea cloud"], pattern=r"MS \w+"
    )
    assert one["words"] == ["Sea Cloud", "sea cloud"]
    assert (one["origin"], one["state"], one["enabled"], one["used"], one["word_count"]) == (
        "manual", "accepted", True, 0, 2,
    )  # fmt: skip
    path = f"{V1}/entity-types/{one['id']}"
    changed = api.patch(path, {"enabled": False, "words": []}, format="json").json()
    assert (changed["enabled"], changed["words"], changed["pattern"]) == (False, [], r"MS \w+")
    assert api.get(path + "/").json() == changed
    rows.entity(project, "MS Anna", type="vessel")
    refused = api.delete(path)
    assert (refused.status_code, refused["Content-Type"]) == (409, "application/problem+json")
    assert "1 entities" in refused.json()["detail"]
    project.entities.all().delete()
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


def test_a_relation_type_from_first_to_last(api: APIClient, project: Project) -> None:
    one = made(
        api, "relation-types", project, name="mentors", phrases=["mentor"], functional=True, subject_types=["person"]
    )
    assert (one["functional"], one["symmetric"], one["subject_types"], one["object_types"]) == (
        True, False, ["person"], [],
    )  # fmt: skip
    path = f"{V1}/relation-types/{one['id']}"
    changed = api.patch(path, {"symmetric": True, "phrases": ["mentor", "coach of"]}, format="json").json()
    assert (changed["symmetric"], changed["phrases"], changed["functional"]) == (True, ["mentor", "coach of"], True)
    assert api.delete(path).status_code == 204


def test_lists_are_filtered_and_counted(api: APIClient, project: Project) -> None:
    ada, tom = rows.entity(project, "Ada"), rows.entity(project, "Tom")
    rows.fact(ada, "mentor", tom, rows.memory(project, "Ada mentors Tom."))
    RelationType.objects.create(project=project, name="mentor", origin="learned", state="proposed")
    (one,) = api.get(f"{V1}/relation-types", {"state": "proposed"}).json()["results"]
    assert (one["name"], one["used"], one["origin"]) == ("mentor", 1, "learned")
    assert one["example"]
    built_in = api.get(f"{V1}/relation-types", {"origin": "built_in", "page_size": "200"}).json()
    assert built_in["count"] == len(built_in["results"]) > 50
    assert all(row["description"] for row in built_in["results"])
    people = [row for row in api.get(f"{V1}/entity-types").json()["results"] if row["name"] == "person"]
    assert people[0]["used"] == 2
    assert "words" not in people[0]
    assert api.get(f"{V1}/entity-types", {"origin": "x"}).json()["errors"].keys() == {"origin"}


def test_lists_take_a_fixed_number_of_queries(
    api: APIClient, project: Project, django_assert_max_num_queries: Any
) -> None:
    for kind in ("entity-types", "relation-types"):
        with django_assert_max_num_queries(4):
            api.get(f"{V1}/{kind}", {"page_size": "200"})


def test_accept_and_reject(api: APIClient, project: Project) -> None:
    row = RelationType.objects.create(project=project, name="mentor", origin="learned", state="proposed")
    path = f"{V1}/relation-types/{row.pk}"
    assert api.post(f"{path}/reject").json()["state"] == "rejected"
    assert api.post(f"{path}/accept/").json()["state"] == "accepted"
    built_in = RelationType.objects.get(project=project, name="won")
    refused = api.post(f"{V1}/relation-types/{built_in.pk}/reject")
    assert refused.status_code == 409


@pytest.mark.parametrize(
    ("kind", "values", "field"),
    [
        ("entity-types", {"name": "person"}, "name"),
        ("entity-types", {"name": "Person"}, "name"),
        ("entity-types", {"name": 1}, "name"),
        ("entity-types", {}, "name"),
        ("entity-types", {"name": "t1", "pattern": "("}, "pattern"),
        ("entity-types", {"name": "t1", "pattern": "x*"}, "pattern"),
        ("entity-types", {"name": "t1", "words": ["the"]}, "words"),
        ("entity-types", {"name": "t1", "words": [""]}, "words"),
        ("entity-types", {"name": "t1", "words": "Anna"}, "words"),
        ("entity-types", {"name": "t1", "words": [1]}, "words"),
        ("entity-types", {"name": "t1", "enabled": "yes"}, "enabled"),
        ("entity-types", {"name": "t1", "noun_phrases": True}, "words"),
        ("relation-types", {"name": "mentioned_with"}, "name"),
        ("relation-types", {"name": "r1", "phrases": ["the"]}, "phrases"),
        ("relation-types", {"name": "r1", "subject_types": ["robot"]}, "subject_types"),
        ("relation-types", {"name": "r1", "subject_types": [["person"]]}, "subject_types"),
        ("relation-types", {"name": "r1", "functional": 1}, "functional"),
    ],
)
def test_what_is_not_valid_is_said_by_field(
    api: APIClient, project: Project, kind: str, values: dict[str, Any], field: str
) -> None:
    answer = api.post(f"{V1}/{kind}", {"project": str(project.pk), **values}, format="json")
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"].keys() == {field} or {key.split(".")[0] for key in answer.json()["errors"]} == {
        field
    }


def test_a_name_stays(api: APIClient, project: Project) -> None:
    one = made(api, "entity-types", project, name="vessel")
    answer = api.patch(f"{V1}/entity-types/{one['id']}", {"name": "ship"}, format="json")
    assert answer.json()["errors"].keys() == {"name"}


def test_a_post_sent_twice_makes_one(api: APIClient, project: Project) -> None:
    body = {"project": str(project.pk), "name": "vessel", "words": ["Sea Cloud"]}
    first, again = (
        api.post(f"{V1}/entity-types", body, format="json", headers={"Idempotency-Key": "k1"}) for _ in range(2)
    )
    assert first.json() == again.json()
    assert again["Idempotent-Replayed"] == "true"
    assert project.entity_types.filter(name="vessel").count() == 1


def test_viewers_read_and_strangers_see_nothing(api: APIClient, project: Project, bob: User, charlie: User) -> None:
    one = made(api, "entity-types", project, name="vessel")
    two = made(api, "relation-types", project, name="sails")
    viewer, stranger = client_of(bob), client_of(charlie)
    for kind, row in (("entity-types", one), ("relation-types", two)):
        path = f"{V1}/{kind}/{row['id']}"
        assert viewer.get(path).status_code == 200
        assert viewer.patch(path, {"label": "x"}, format="json").status_code == 403
        assert viewer.delete(path).status_code == 403
        assert viewer.post(f"{V1}/{kind}", {"project": str(project.pk), "name": "n"}, format="json").status_code == 403
        for answer in (stranger.get(path), stranger.patch(path, {}, format="json"), stranger.delete(path)):
            assert answer.status_code == 404
        assert stranger.get(f"{V1}/{kind}").json()["count"] == 0
        assert stranger.get(f"{V1}/{kind}", {"project": str(project.pk)}).status_code == 404
    assert viewer.post(f"{V1}/relation-types/{two['id']}/accept").status_code == 403
    assert stranger.post(f"{V1}/relation-types/{two['id']}/accept").status_code == 404


def test_types_of_another_project_are_not_taken_into_account(api: APIClient, project: Project, alice: User) -> None:
    other = services.create_project(alice, name="Other")
    made(api, "entity-types", other, name="robot", words=["Marvin"])
    made(api, "entity-types", project, name="android", words=["Marvin"])
    answer = api.post(
        f"{V1}/relation-types",
        {"project": str(project.pk), "name": "builds", "object_types": ["robot"]},
        format="json",
    )
    assert answer.status_code == 400
