"""What tests share: people and their project, a running MemStack, a PostgreSQL."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from memories import services
from memories.models import Membership, Project
from tests.chromium import CHROMIUM
from tests.postgres import Server
from tests.stack import Stack

# Playwright's synchronous interface keeps an event loop in the thread that the tests use the ORM from.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes minutes; left out of `make test`, run by `make faults`")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process runs all tests of the shared stack, and those of a file that starts stacks of its own."""
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("stack"))
        elif item.get_closest_marker("flow") or item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
        if item.get_closest_marker("browser") and CHROMIUM is None:
            item.add_marker(pytest.mark.skip(reason="chromium is not installed"))


@pytest.fixture
def alice(db: None) -> User:
    """Owns the project."""
    return User.objects.create_user("alice", password="correct horse battery")


@pytest.fixture
def bob(db: None, project: Project) -> User:
    """May read the project."""
    user = User.objects.create_user("bob", password="correct horse battery")
    Membership.objects.create(project=project, user=user, role=Membership.Role.VIEWER)
    return user


@pytest.fixture
def charlie(db: None) -> User:
    """Has no part in the project."""
    return User.objects.create_user("charlie", password="correct horse battery")


@pytest.fixture
def project(alice: User) -> Project:
    return services.create_project(alice, name="Apollo")


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A whole running MemStack on SQLite. Tests share it, so each makes a project of its own and breaks nothing."""
    with Stack() as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL with pgvector."""
    folder = Path(tempfile.mkdtemp(prefix="memstack-pg-"))
    server = Server(folder / "data")
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url(postgres: Server) -> str:
    """The URL of one database that the tests of this process share."""
    return postgres.new_database("shared")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes by their length: archives have the time in them, and all processes must collect the same names."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None
