"""`manage.py up --demo`: what a person sees at the first start, and that it happens once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.postgres import Server
from tests.stack import Stack, wait_for

pytestmark = pytest.mark.flow
READ_SECONDS = 120


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A MemStack that was started with --demo and has read its examples."""
    with Stack(folder=tmp_path_factory.mktemp("demo"), options=("--demo",)) as running:
        wait_for(lambda: "API key" in running.printed() or None, READ_SECONDS, running.printed)
        yield running


def words_after(label: str, printed: str) -> list[str]:
    return next(line.split()[1:] for line in printed.splitlines() if line.startswith(label))


def test_the_terminal_shows_the_examples_being_read_and_the_login(demo: Stack) -> None:
    printed = demo.printed()
    assert printed.count("100 %  completed") == 2
    assert words_after("Open", printed) == [demo.url]
    password = words_after("Password", printed)[0]
    assert f"password {password}\n" in (demo.folder / "demo_login").read_text()
    assert (demo.folder / "demo_login").stat().st_mode & 0o077 == 0


def test_the_key_opens_the_demo_project(demo: Stack) -> None:
    key = words_after("API key", demo.printed())[1]
    answer = httpx.get(f"{demo.url}/api/v1/projects", headers={"Authorization": f"Bearer {key}"}, timeout=60).json()
    assert [project["name"] for project in answer["results"]] == ["Demo"]
    assert key not in (demo.folder / "logs" / "up.log").read_text()


def test_a_second_start_makes_nothing_and_says_where_the_password_is(demo: Stack) -> None:
    before = counts(demo)
    demo.stop()
    demo.start()
    line = wait_for(lambda: next((x for x in demo.printed().splitlines() if x.startswith("Open ")), None), READ_SECONDS)
    assert str(demo.folder / "demo_login") in line
    assert "Password" not in demo.printed()
    assert counts(demo) == before


@pytest.mark.slow
def test_an_interrupted_first_start_leaves_a_demo_that_is_read_later(tmp_path: Path) -> None:
    with Stack(folder=tmp_path / "data", options=("--demo",)) as interrupted:
        wait_for(lambda: "Reading" in interrupted.printed() or None, READ_SECONDS, interrupted.printed)
        assert interrupted.stop() == 0
        interrupted.start()
        wait_for(lambda: counts(interrupted).endswith(" 2") or None, READ_SECONDS, lambda: counts(interrupted))


@pytest.mark.slow
def test_it_runs_on_postgresql(postgres: Server) -> None:
    with Stack(database_url=postgres.new_database("demo"), options=("--demo",)) as running:
        wait_for(lambda: "API key" in running.printed() or None, READ_SECONDS, running.printed)
        assert running.printed().count("100 %  completed") == 2
        assert httpx.get(f"{running.url}/readyz", timeout=60).json()["database"]["detail"] == "postgresql"


def counts(stack: Stack) -> str:
    """Users, memories, and tasks that completed."""
    return stack.manage("shell", "-v0", "-c", COUNT).stdout.strip()


COUNT = """
from django.contrib.auth.models import User
from memories.models import Memory
from tasks_app.models import TaskLog
print(User.objects.count(), Memory.objects.count(), TaskLog.objects.filter(status="completed").count())
"""
