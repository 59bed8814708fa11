"""A memory's file over HTTP: whole, in parts, to whom it may be shown, and as what."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponseBase
from django.test import AsyncClient, Client
from rest_framework.test import APIClient

from memories import files, keys, services, serving
from memories.models import Memory, Project, SavedDocument
from tests.memories import rows

pytestmark = pytest.mark.django_db
BYTES = bytes(range(256)) * 4000  # four pieces of 256 KiB, not quite
SIZE = len(BYTES)
ETAG = f'"{hashlib.sha256(BYTES).hexdigest()}"'


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, settings: object) -> None:
    settings.MEMSTACK_DATA_DIR = tmp_path  # type: ignore[attr-defined]


@pytest.fixture
def memory(project: Project, tmp_path: Path) -> Memory:
    return with_file(project, tmp_path, media_type="audio/mpeg", file_name='Löwe "1"\r\nX: y/../a.mp3')


def with_file(project: Project, tmp_path: Path, **fields: Any) -> Memory:
    (tmp_path / "upload").write_bytes(BYTES)
    sha256 = hashlib.sha256(BYTES).hexdigest()
    name = files.store(project.pk, tmp_path / "upload", sha256)
    row = rows.memory(project, "Ada met Bob.")
    SavedDocument.objects.create(
        memory=row, origin="upload", file=name, sha256=sha256, size=SIZE, reference_time=rows.DAY, **fields
    )
    return row


@pytest.fixture
def api(alice: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(alice)
    return client


def url(memory: Memory) -> str:
    return f"/api/v1/memories/{memory.pk}/media"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def __getitem__(self, name: str) -> str:
        return self.headers[name]


def whole(response: HttpResponseBase) -> Answer:
    body = b"".join(response) if response.streaming else response.content  # type: ignore[attr-defined]
    return Answer(response.status_code, dict(response.headers), body)


def ask(api: APIClient, memory: Memory, **headers: str) -> Answer:
    return whole(api.get(url(memory), headers={name.replace("_", "-"): value for name, value in headers.items()}))


def test_the_whole_file(api: APIClient, memory: Memory) -> None:
    response = ask(api, memory)
    assert (response.status, response["Content-Length"]) == (200, str(SIZE))
    assert response.body == BYTES
    assert (response["Accept-Ranges"], response["ETag"]) == ("bytes", ETAG)
    assert whole(api.get(f"{url(memory)}/")).body == BYTES


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=100-100", 100, 101),
        ("bytes=5-", 5, SIZE),
        ("bytes=-7", SIZE - 7, SIZE),
        (f"bytes=-{SIZE * 2}", 0, SIZE),
        (f"bytes={SIZE - 1}-{SIZE * 9}", SIZE - 1, SIZE),
        ("BYTES= 1-2 ", 1, 3),
        ("bytes=200000-900000", 200_000, 900_001),
    ],
)
def test_a_part(api: APIClient, memory: Memory, asked: str, start: int, end: int) -> None:
    response = ask(api, memory, Range=asked)
    assert response.status == 206
    assert response["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert response["Content-Length"] == str(end - start)
    assert response.body == BYTES[start:end]


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", "bytes=-0"])
def test_a_part_behind_the_end(api: APIClient, memory: Memory, asked: str) -> None:
    response = ask(api, memory, Range=asked)
    assert (response.status, response["Content-Range"]) == (416, f"bytes */{SIZE}")
    assert response.body == b""


@pytest.mark.parametrize(
    "asked",
    ["", "bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "items=0-5", "bytes=0-1,5-6", "bytes=\u0663-\u0665",
     f"bytes=1-{'9' * 5000}"],
)  # fmt: skip
def test_what_is_no_range_or_several_is_the_whole(api: APIClient, memory: Memory, asked: str) -> None:
    response = ask(api, memory, Range=asked)
    assert response.status == 200
    assert response.body == BYTES


@pytest.mark.parametrize(
    ("version", "status"),
    [(ETAG, 206), ('"another"', 200), (f"W/{ETAG}", 200), ("Wed, 21 Oct 2015 07:28:00 GMT", 200)],
)
def test_a_part_of_this_version_only(api: APIClient, memory: Memory, version: str, status: int) -> None:
    response = ask(api, memory, Range="bytes=0-9", If_Range=version)
    assert response.status == status
    assert len(response.body) == (10 if status == 206 else SIZE)


def test_what_the_client_has_is_not_sent_again(api: APIClient, memory: Memory) -> None:
    response = ask(api, memory, If_None_Match=ETAG, Range="bytes=0-9")
    assert (response.status, response.body, response["ETag"]) == (304, b"", ETAG)
    assert ask(api, memory, If_Match='"another"').status == 412


def test_head_tells_of_the_whole(api: APIClient, memory: Memory) -> None:
    response = whole(api.head(url(memory), headers={"Range": "bytes=0-9"}))
    assert (response.status, response["Content-Length"], response.body) == (200, str(SIZE), b"")
    assert (response["Content-Type"], response["Accept-Ranges"]) == ("audio/mpeg", "bytes")


def test_other_methods(api: APIClient, memory: Memory, client: Client, alice: User) -> None:
    assert api.post(url(memory)).status_code == 405
    client.force_login(alice)
    assert client.post(f"/project/{memory.project_id}/memories/{memory.pk}/media").status_code == 405


@pytest.mark.parametrize(
    ("media_type", "sent", "shown"),
    [
        ("audio/mpeg", "audio/mpeg", "inline"),
        ("video/mp4", "video/mp4", "inline"),
        ("application/pdf", "application/pdf", "inline"),
        ("text/plain", "text/plain; charset=utf-8", "attachment"),
        ("text/html", "application/octet-stream", "attachment"),
        ("image/svg+xml", "application/octet-stream", "attachment"),
        ("application/xhtml+xml", "application/octet-stream", "attachment"),
        ("", "application/octet-stream", "attachment"),
        ("audio/mpeg\r\nX: y", "application/octet-stream", "attachment"),
        ("audio/x;text/html", "application/octet-stream", "attachment"),
    ],
)
def test_no_file_becomes_a_page(api: APIClient, memory: Memory, media_type: str, sent: str, shown: str) -> None:
    SavedDocument.objects.update(media_type=media_type, file_name="x.html")
    response = ask(api, memory)
    assert response["Content-Type"] == sent
    assert response["Content-Disposition"] == f'{shown}; filename="x.html"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response["Cache-Control"] == "private, no-cache"


def test_a_strange_name_stays_a_name(api: APIClient, memory: Memory) -> None:
    said = ask(api, memory)["Content-Disposition"]
    assert said == "inline; filename*=utf-8''L%C3%B6we%20%221%22X%3A%20y..a.mp3"


def test_who_may_not_read_the_memory(memory: Memory, bob: User, charlie: User, client: Client) -> None:
    api, page = APIClient(), f"/project/{memory.project_id}/memories/{memory.pk}/media"
    assert api.get(url(memory)).status_code == 401
    assert client.get(page).status_code == 302
    for user, status in ((bob, 200), (charlie, 404)):
        key = keys.issue(user, "key")[1]
        assert ask(api, memory, Authorization=f"Bearer {key}").status == status
        client.force_login(user)
        assert whole(client.get(page, headers={"Range": "bytes=0-0"})).status == (206 if status == 200 else 404)


def test_a_memory_of_another_project_of_ones_own(memory: Memory, alice: User, client: Client) -> None:
    client.force_login(alice)
    other = services.create_project(alice, name="Gemini")
    assert client.get(f"/project/{other.pk}/memories/{memory.pk}/media").status_code == 404


def test_without_a_file_there_is_none(api: APIClient, project: Project, memory: Memory) -> None:
    assert api.get(url(rows.memory(project, "Only text."))).status_code == 404
    files.remove(memory.document.file)
    assert ask(api, memory).status == 404
    SavedDocument.objects.update(file="../../../etc/passwd")
    assert ask(api, memory).status == 404


class Watched(io.BytesIO):
    """Remembers how much was read of it, and whether it was closed."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


async def first_piece(part: serving.FilePart) -> bytes:
    pieces: AsyncIterator[bytes] = aiter(part)
    return await anext(pieces)


async def test_a_reader_that_stops_has_cost_a_piece() -> None:
    file = Watched(BYTES)
    part = serving.FilePart(file, 10, SIZE - 10)
    assert await first_piece(part) == BYTES[10 : 10 + serving.PIECE]
    await asyncio.sleep(0.05)
    assert file.taken == serving.PIECE
    await sync_to_async(part.close)()
    assert file.closed


@pytest.mark.django_db(transaction=True)
async def test_a_slow_reader_keeps_no_connection_of_the_database() -> None:
    await sync_to_async(connection.ensure_connection)()
    part = serving.FilePart(io.BytesIO(BYTES), 0, SIZE)
    await first_piece(part)
    assert await sync_to_async(lambda: connection.connection)() is None


@pytest.mark.django_db(transaction=True)
async def test_under_asgi(memory: Memory, alice: User, async_client: AsyncClient) -> None:
    await async_client.aforce_login(alice)
    path = f"/project/{memory.project_id}/memories/{memory.pk}/media"
    response = await async_client.get(path, headers={"Range": "bytes=1-600000"})
    assert response.status_code == 206
    pieces = [piece async for piece in response]  # type: ignore[attr-defined]
    assert b"".join(pieces) == BYTES[1:600_001]
