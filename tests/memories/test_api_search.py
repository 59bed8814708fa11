"""Search over HTTP: what it takes, what it answers with."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from memories.models import Memory, Project
from tests.memories import rows

pytestmark = pytest.mark.django_db
SEARCH = "/api/v1/search"


@pytest.fixture
def api(alice: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(alice)
    return client


@pytest.fixture
def talk(project: Project) -> Memory:
    return rows.memory(project, "Ada: I moved to Turin.", "Charles: When?", content_type="conversation")


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_result_has_the_fields_of_the_contract(api: APIClient, project: Project, talk: Memory, slash: str) -> None:
    body = {"project": str(project.pk), "query": "Where did Ada move?", "kinds": ["passage"], "limit": 1}
    answer = api.post(SEARCH + slash, body)
    assert answer.status_code == 200, answer.content
    assert answer.json()["took_ms"] > 0
    (result,) = answer.json()["results"]
    passage = talk.passages.get(position=0)
    expected = {
        "kind": "passage", "id": str(passage.pk), "text": "I moved to Turin.", "highlight": [[2, 7]],
        "memory_id": str(talk.pk), "message_id": "m0", "speaker": "Ada", "at": "2024-05-31T12:00:00Z",
        "start": 5, "end": 22, "valid_at": None, "invalid_at": None,
    }  # fmt: skip
    assert {name: result[name] for name in expected} == expected
    assert result.keys() == {*expected, "score", "why"}


def test_null_is_as_good_as_left_out(api: APIClient, project: Project, talk: Memory) -> None:
    nothing = {"filters": None, "as_of": None, "known_at": None, "center_entity": None}
    answer = api.post(SEARCH, {"project": str(project.pk), "query": "Turin", "kinds": ["passage"], **nothing})
    assert answer.status_code == 200, answer.content
    assert answer.json()["results"]


def test_days_are_read_to_their_end(api: APIClient, project: Project, talk: Memory) -> None:
    ada = rows.entity(project, "Ada")
    fact = rows.fact(ada, "lives_in", "Turin", talk, valid_at=rows.DAY)
    body = {"project": str(project.pk), "query": "Turin", "kinds": ["fact"]}

    def found(**given: str) -> list[str]:
        return [result["id"] for result in api.post(SEARCH, {**body, **given}).json()["results"]]

    assert found(as_of="2024-05-31") == [str(fact.pk)]
    assert found(as_of="2024-05-31T11:59:59Z") == []
    assert found(as_of="2024-05-30") == []


BAD: list[tuple[dict[str, Any], str]] = [
    ({"query": ""}, "query"),
    ({"query": "  "}, "query"),
    ({"query": 5}, "query"),
    ({"query": None}, "query"),
    ({"query": "a\x00"}, "query"),
    ({"query": "a\ud800"}, "query"),
    ({"query": "x" * 10_001}, "query"),
    ({"limit": 0}, "limit"),
    ({"limit": 201}, "limit"),
    ({"limit": "5"}, "limit"),
    ({"limit": True}, "limit"),
    ({"limit": 1.5}, "limit"),
    ({"limit": 10**30}, "limit"),
    ({"kinds": []}, "kinds"),
    ({"kinds": ["passages"]}, "kinds.0"),
    ({"kinds": "passage"}, "kinds"),
    ({"as_of": "yesterday"}, "as_of"),
    ({"as_of": "0000-01-01"}, "as_of"),
    ({"as_of": "10000-01-01"}, "as_of"),
    ({"as_of": "2024-02-30"}, "as_of"),
    ({"as_of": "2024-05-31T12:00:00"}, "as_of"),
    ({"known_at": 5}, "known_at"),
    ({"center_entity": "x"}, "center_entity"),
    ({"rerank": "graph"}, "rerank"),
    ({"rerank": "magic"}, "rerank"),
    ({"filters": []}, "filters"),
    ({"filters": {"tags": "a"}}, "filters.tags"),
    ({"filters": {"tags": [5]}}, "filters.tags.0"),
    ({"filters": {"speaker": "\ud800"}}, "filters.speaker"),
    ({"filters": {"since": "x"}}, "filters.since"),
    ({"filters": {"tag": "a"}}, "filters.tag"),
    ({"kind": "passage"}, "kind"),
    ({"project": "x"}, "project"),
]


@pytest.mark.parametrize(("given", "field"), BAD, ids=lambda value: repr(value)[:50])
def test_bad_questions_name_the_field(api: APIClient, project: Project, given: dict[str, Any], field: str) -> None:
    body = {"project": str(project.pk), "query": "Ada", **given}
    answer = api.post(SEARCH, json.dumps(body), content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert any(name == field or name.startswith(f"{field}.") for name in answer.json()["errors"]), answer.json()


def test_everything_may_be_given(api: APIClient, project: Project, talk: Memory) -> None:
    body = {
        "project": str(project.pk), "query": "Ada", "limit": 200, "kinds": ["passage", "passage", "fact"],
        "as_of": "2024-05-31", "known_at": None, "center_entity": str(uuid4()), "rerank": "mmr",
        "filters": {
            "tags": ["a"], "types": ["person"], "speaker": "Ada", "since": "2024-05-31", "until": "2024-05-31",
            "community": str(uuid4()),
        },
    }  # fmt: skip
    assert api.post(SEARCH, body).status_code == 200


def test_who_may_search(api: APIClient, project: Project, talk: Memory, bob: User, charlie: User) -> None:
    body = {"project": str(project.pk), "query": "Turin"}
    api.force_authenticate(bob)
    assert api.post(SEARCH, body).json()["results"]
    api.force_authenticate(charlie)
    assert api.post(SEARCH, body).status_code == 404
