"""Entities, facts and communities over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from memories.models import Community, Memory, Project
from tests.memories import rows

pytestmark = pytest.mark.django_db
V1 = "/api/v1"


@pytest.fixture
def api(alice: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(alice)
    return client


@pytest.fixture
def talk(project: Project) -> Memory:
    return rows.memory(project, "Ada: I moved to Turin.", "Charles: When?", content_type="conversation")


def found(api: APIClient, path: str, **given: Any) -> set[str]:
    answer = api.get(f"{V1}/{path}", given)
    assert answer.status_code == 200, answer.content
    assert answer.json().keys() == {"count", "next", "previous", "results"}
    return {row["id"] for row in answer.json()["results"]}


def test_entities(api: APIClient, project: Project, talk: Memory) -> None:
    ada = rows.entity(project, "Ada Lovelace", "the Countess", mention_count=3, first_seen_at=rows.DAY)
    turin = rows.entity(project, "Turin", type="location")
    group = rows.community(project, "people", ada)
    one = api.get(f"{V1}/entities/{ada.pk}/").json()
    assert one["aliases"] == ["the Countess"]
    assert one["community"] == str(group.pk)
    assert (one["mention_count"], one["first_seen_at"]) == (3, "2024-05-31T12:00:00Z")
    assert found(api, "entities") == {str(ada.pk), str(turin.pk)}
    assert found(api, "entities", q="countess") == {str(ada.pk)}
    assert found(api, "entities", type="location", project=project.pk) == {str(turin.pk)}
    assert found(api, "entities", community=group.pk) == {str(ada.pk)}
    assert found(api, "entities", community=uuid4()) == set()
    assert api.get(f"{V1}/entities", {"community": "x"}).json()["errors"].keys() == {"community"}


def test_facts(api: APIClient, project: Project, talk: Memory) -> None:
    ada = rows.entity(project, "Ada")
    rome, turin = (rows.entity(project, name, type="location") for name in ("Rome", "Turin"))
    other = rows.memory(project, "Ada: I was born in Rome.")
    old = rows.fact(ada, "lives_in", rome, talk, valid_at=rows.moment(2020), invalid_at=rows.moment(2024))
    new = rows.fact(ada, "lives_in", turin, talk, valid_at=rows.moment(2024))
    born = rows.fact(ada, "born_in", rome, other)
    gone = rows.fact(ada, "age", "40", talk, expired_at=rows.moment(2023), created_at=rows.moment(2022))
    assert found(api, "facts") == {str(new.pk), str(born.pk)}
    assert found(api, "facts", include_invalid="true") == {str(fact.pk) for fact in (old, new, born, gone)}
    assert found(api, "facts", as_of="2021-06-01") == {str(old.pk), str(born.pk)}
    assert found(api, "facts", as_of="2023-12-31") == {str(old.pk), str(born.pk)}
    assert found(api, "facts", as_of="2024-01-01") == {str(new.pk), str(born.pk)}
    assert found(api, "facts", known_at="2022-06-01") == {str(gone.pk)}
    assert found(api, "facts", entity=rome.pk) == {str(born.pk)}
    assert found(api, "facts", predicate="born_in") == {str(born.pk)}
    assert found(api, "facts", memory=other.pk) == {str(born.pk)}
    assert api.get(f"{V1}/facts/{old.pk}").json()["invalid_at"] == "2024-01-01T00:00:00Z"
    value = api.get(f"{V1}/facts/{gone.pk}").json()
    assert (value["object"], value["value"]) == (None, "40")
    for name, bad in {"as_of": "x", "known_at": "2024-01-01T00:00", "entity": "x", "include_invalid": "maybe"}.items():
        assert api.get(f"{V1}/facts", {name: bad}).json()["errors"].keys() == {name}


def test_communities(api: APIClient, project: Project) -> None:
    ada, turin = rows.entity(project, "Ada"), rows.entity(project, "Turin", type="location")
    rows.community(project, "old", ada, generation=1)
    group = rows.community(project, "new", ada, turin, generation=2)
    part = rows.community(project, "part", generation=2)
    Community.objects.filter(pk=part.pk).update(parent=group)
    assert found(api, "communities") == {str(group.pk), str(part.pk)}
    assert found(api, f"communities/{group.pk}/members") == {str(ada.pk), str(turin.pk)}
    assert api.get(f"{V1}/communities/{part.pk}").json()["parent"] == str(group.pk)
    assert api.get(f"{V1}/communities/{group.pk}").json()["member_count"] == 2


def test_a_second_rebuild_is_the_first(api: APIClient, project: Project, bob: User) -> None:
    first = api.post(f"{V1}/communities/rebuild", {"project": str(project.pk)})
    assert first.status_code == 202, first.content
    assert api.post(f"{V1}/communities/rebuild/", {"project": str(project.pk)}).json() == first.json()
    assert "project" in api.post(f"{V1}/communities/rebuild", {}).json()["errors"]
    api.force_authenticate(bob)
    assert api.post(f"{V1}/communities/rebuild", {"project": str(project.pk)}).status_code == 403


def test_others_see_nothing(api: APIClient, project: Project, talk: Memory, charlie: User) -> None:
    ada = rows.entity(project, "Ada")
    fact = rows.fact(ada, "age", "40", talk)
    group = rows.community(project, "people", ada)
    api.force_authenticate(charlie)
    for path in ("entities", "facts", "communities"):
        assert found(api, path) == set()
        assert api.get(f"{V1}/{path}", {"project": str(project.pk)}).status_code == 404
    for path in (
        f"entities/{ada.pk}",
        f"facts/{fact.pk}",
        f"communities/{group.pk}",
        f"communities/{group.pk}/members",
    ):
        assert api.get(f"{V1}/{path}").status_code == 404
    assert api.post(f"{V1}/communities/rebuild", {"project": str(project.pk)}).status_code == 404


def test_queries_do_not_grow_with_the_list(
    api: APIClient, project: Project, talk: Memory, django_assert_num_queries: Any
) -> None:
    for number in range(30):
        ada, turin = rows.entity(project, f"Ada {number}", "Countess"), rows.entity(project, f"Turin {number}")
        rows.fact(ada, "lives_in", turin, talk)
    rows.community(project, "group", ada)
    for path, count in {"entities": 5, "facts": 4, "communities": 3}.items():
        for size in (1, 30):
            with django_assert_num_queries(count):
                page = api.get(f"{V1}/{path}", {"project": str(project.pk), "page_size": size}).json()
            assert len(page["results"]) == (1 if path == "communities" else size)
