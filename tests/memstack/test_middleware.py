"""What every request passes."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.test import Client, RequestFactory

from memories import access
from memstack.django_application import DjangoApplication
from memstack.middleware import Requests


def away(*_: object, **__: object) -> Any:
    raise OperationalError("connection to server at db.internal failed")


@pytest.mark.django_db
def test_it_is_a_503_that_says_so_and_names_no_host(
    client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(alice)
    monkeypatch.setattr(access, "projects_of", away)
    answer = client.get("/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert "The database does not answer" in answer.text
    assert "db.internal" not in answer.text


@pytest.mark.django_db
def test_another_error_stays_a_500(client: Client, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client.force_login(alice)
    client.raise_request_exception = False
    monkeypatch.setattr(access, "projects_of", lambda *_, **__: 1 / 0)
    assert client.get("/").status_code == 500


def test_the_page_needs_no_database() -> None:
    """Every query is refused in this test."""
    request = RequestFactory().get("/", headers={"Cookie": "sessionid=x"})
    answer = Requests(lambda _: HttpResponse()).process_exception(request, InterfaceError("connection already closed"))
    assert answer is not None
    assert answer.status_code == 503


def test_no_middleware_hops_between_the_event_loop_and_a_thread() -> None:
    chain = DjangoApplication()._middleware_chain  # type: ignore[attr-defined]  # untyped by the stubs
    assert not iscoroutinefunction(chain)
