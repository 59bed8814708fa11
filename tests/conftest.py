"""What tests share: people and their project, a running MemStack, a PostgreSQL."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import settings

from memories import services
from memories.models import Membership, Project
from tests.chromium import CHROMIUM
from tests.postgres import Server
from tests.scheduling import ByFile
from tests.stack import Stack

# Playwright's synchronous interface keeps an event loop in the thread that the tests use the ORM from.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes minutes; left out of `make test`, run by `make faults`")


# The same examples in each run, so that nothing fails by chance; `--hypothesis-profile=default` tries others.
settings.register_profile("same", derandomize=True, database=None)
settings.load_profile("same")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("browser") and CHROMIUM is None:
            item.add_marker(pytest.mark.skip(reason="chromium is not installed"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


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
