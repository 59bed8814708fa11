"""A server to fetch from, a canary that nobody may reach, and a fetch with short limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memories.fetching import Fetched, FetchError, Rules, Validators, fetch
from tests.fetching.servers import Server, serving

Fetch = Callable[..., Fetched]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def canary() -> Iterator[Server]:
    """Listens on loopback and is never allowed; a test that lets anything reach it fails."""
    with serving() as running:
        yield running
        assert running.connections == 0, running.requests


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "fetched"
    folder.mkdir()
    return folder


@pytest.fixture
def get(server: Server, folder: Path) -> Fetch:
    """Fetches a path of the server, or an address; the server is the one private host that is allowed."""

    def run(place: str = "/", known: Validators | None = None, stop: Any = None, **limits: Any) -> Fetched:
        allowed = frozenset({f"127.0.0.1:{server.port}", *limits.pop("allowed", ())})
        report = limits.pop("progress", lambda done, total: None)
        rules = Rules(allowed_private_hosts=allowed, **{"idle_seconds": 20.0, "total_seconds": 40.0, **limits})
        url = server.url(place) if place.startswith("/") else place
        return fetch(url, folder, rules, known=known, progress=report, stop=stop or (lambda: None))

    return run


@pytest.fixture
def fails(get: Fetch, folder: Path) -> Callable[..., FetchError]:
    """The same for what must fail: the error, which leaves nothing in the folder."""

    def run(place: str = "/", **limits: Any) -> FetchError:
        before = set(folder.iterdir())
        with pytest.raises(FetchError) as caught:
            get(place, **limits)
        assert set(folder.iterdir()) == before
        assert str(caught.value).endswith("may help." if caught.value.retryable else "does not help.")
        return caught.value

    return run
