"""`manage.py check_llm`"""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from memories.llm import dialects
from tests import llm_server as server
from tests.llm_server import KEY, Behaviour, LlmServer


@pytest.fixture(autouse=True)
def _no_dialect_is_known() -> Iterator[None]:
    dialects.forget()
    yield
    dialects.forget()


def checked(settings: Settings, behaviour: Behaviour) -> str:
    out = StringIO()
    with LlmServer(behaviour) as running:
        settings.MEMSTACK_LLM_BASE_URL, settings.MEMSTACK_LLM_MODEL = running.url, server.MODEL
        settings.MEMSTACK_LLM_API_KEY, settings.MEMSTACK_LLM_TIMEOUT = KEY, 1
        call_command("check_llm", stdout=out)
    return out.getvalue()


def test_it_says_what_works(settings: Settings) -> None:
    said = checked(settings, server.only({"tool"}))
    assert "asked by tool: 100 tokens in, 10 out" in said
    assert "3 names and 1 facts" in said


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [(server.status(401), "MEMSTACK_LLM_API_KEY"), (server.garbage, "not of the form"), (server.hang, "1 seconds")],
)
def test_it_says_what_does_not(settings: Settings, behaviour: Behaviour, words: str) -> None:
    with pytest.raises(CommandError, match=words) as caught:
        checked(settings, behaviour)
    assert KEY not in str(caught.value)


def test_it_says_when_there_is_none(settings: Settings) -> None:
    settings.MEMSTACK_LLM_BASE_URL = ""
    with pytest.raises(CommandError, match="MEMSTACK_LLM_BASE_URL"):
        call_command("check_llm")
