"""What the API says when something is wrong, and its schema."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, OperationalError
from django.test import Client
from rest_framework.test import APIClient, APIRequestFactory

from memories.api import problems
from memories.models import Project

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(alice: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(alice)
    return client


def problem(answer: Any) -> dict[str, Any]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    told: dict[str, Any] = json.loads(answer.content)
    assert {"type", "title", "status", "detail"} <= told.keys()
    assert told["status"] == answer.status_code
    return told


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/api/v1/", "/api/v1/memories/x", "/api/v1/memories/1/2/3", "/api/x"]
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_unknown_paths(client: Client, path: str, method: str) -> None:
    answer = getattr(client, method)(f"/api/{path}")
    assert answer.status_code == 404
    problem(answer)


def test_methods_that_are_not_there(api: APIClient) -> None:
    answer = api.put("/api/v1/projects", {})
    assert answer.status_code == 405
    assert answer.headers["Allow"]
    problem(answer)


def test_the_answer_is_json_whatever_was_asked_for(api: APIClient, project: Project) -> None:
    answer = api.get("/api/v1/projects", headers={"Accept": "text/html"})
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("error", "status"),
    [(IntegrityError("x"), 409), (OperationalError("database is locked"), 503), (KeyError("x"), 500)],
)
def test_what_nobody_expected_tells_no_secrets(error: Exception, status: int) -> None:
    answer = problems.exception_handler(error, {"view": None, "request": APIRequestFactory().get("/")})
    assert answer.status_code == status
    assert "Traceback" not in str(answer.data)
    assert "locked" not in str(answer.data)
    assert (answer.headers.get("Retry-After") is not None) == (status == 503)


def test_the_schema_is_complete() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO())


def test_the_schema_and_its_page_are_served(client: Client) -> None:
    assert client.get("/api/schema/").status_code == 200
    page = client.get("/api/docs/")
    assert page.status_code == 200
    assert b"swagger-ui" in page.content
    assert "style-src 'self' 'unsafe-inline'" in page.headers["Content-Security-Policy"]
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
