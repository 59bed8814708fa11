"""`articles` and `files` over HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from rest_framework.test import APIClient

from memories import files, services
from memories.models import Memory, Project, SavedDocument
from tasks_app.models import TaskLog

pytestmark = pytest.mark.django_db
ARTICLES, FILES = "/api/v1/articles", "/api/v1/files"
PAGE = "https://example.org/articles/1"
NOTE = b"Ada Lovelace met Charles Babbage in 1833.\n"


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, settings: Any) -> None:
    settings.MEMSTACK_DATA_DIR = tmp_path / "var"


@pytest.fixture
def api(alice: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(alice)
    return client


def problem(answer: Any) -> dict[str, Any]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = json.loads(answer.content)
    return found


def nothing_was_made() -> bool:
    return not Memory.objects.exists() and not TaskLog.objects.exists() and not SavedDocument.objects.exists()


@pytest.mark.parametrize("slash", ["", "/"])
def test_an_article_is_saved_with_its_task(api: APIClient, project: Project, slash: str) -> None:
    answer = api.post(ARTICLES + slash, {"project": str(project.pk), "url": PAGE, "tags": ["b", "a"]})
    assert answer.status_code == 201, answer.content
    saved, memory = answer.json(), Memory.objects.get()
    assert saved["id"] == str(memory.pk)
    assert saved["task_id"] == str(TaskLog.objects.get().pk)
    assert (saved["source_url"], saved["title"], saved["excerpt"]) == (PAGE, "example.org/articles/1", "")
    assert (saved["processing_status"], saved["tags"]) == ("pending", ["b", "a"])


def test_what_the_project_has_is_answered_with_it(api: APIClient, project: Project) -> None:
    body = {"project": str(project.pk), "url": PAGE}
    first, second = api.post(ARTICLES, body), api.post(ARTICLES, {**body, "url": f"{PAGE}?utm_source=mail#top"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert first.json()["task_id"] == second.json()["task_id"]


def test_the_same_key_gives_the_same_answer(api: APIClient, project: Project) -> None:
    body = {"project": str(project.pk), "url": PAGE}
    first = api.post(ARTICLES, body, headers={"Idempotency-Key": "k"})
    second = api.post(ARTICLES, body, headers={"Idempotency-Key": "k"})
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()  # PostgreSQL keeps the fields of an answer, not their order
    assert api.post(ARTICLES, {**body, "url": f"{PAGE}1"}, headers={"Idempotency-Key": "k"}).status_code == 409


@pytest.mark.parametrize("url", ["", "example.org", "ftp://example.org/", "http://a b/", 5, None, "https://u:p@x.org/"])
def test_what_is_no_address_is_told_by_field(api: APIClient, project: Project, url: Any) -> None:
    answer = api.post(ARTICLES, {"project": str(project.pk), "url": url})
    assert answer.status_code == 400
    assert list(problem(answer)["errors"]) == ["url"]
    assert nothing_was_made()


def test_only_editors_save(api: APIClient, bob: User, charlie: User, project: Project) -> None:
    for user, code in ((bob, 403), (charlie, 404)):
        api.force_authenticate(user)
        note = SimpleUploadedFile("note.txt", NOTE)
        assert api.post(ARTICLES, {"project": str(project.pk), "url": PAGE}).status_code == code
        assert api.post(FILES, {"project": str(project.pk), "file": note}, format="multipart").status_code == code
    assert api.post(ARTICLES, {"project": str(uuid4()), "url": PAGE}).status_code == 404
    assert nothing_was_made()


def test_a_project_with_enough_to_do_answers_429(api: APIClient, project: Project, settings: Any) -> None:
    settings.MEMSTACK_MAX_PENDING_PER_PROJECT = 0
    answer = api.post(ARTICLES, {"project": str(project.pk), "url": PAGE})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    answer = api.post(
        FILES, {"project": str(project.pk), "file": SimpleUploadedFile("note.txt", NOTE)}, format="multipart"
    )
    assert answer.status_code == 429
    assert nothing_was_made()


def stored() -> list[Path]:
    """The files that are in the store."""
    return [path for path in (django_settings.MEMSTACK_DATA_DIR / "media").rglob("*") if path.is_file()]


@pytest.mark.parametrize("kind", [SimpleUploadedFile, TemporaryUploadedFile])
def test_a_file_is_saved_from_memory_or_from_disk(api: APIClient, project: Project, settings: Any, kind: Any) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 2_500_000 if kind is SimpleUploadedFile else 1
    data = {"project": str(project.pk), "file": SimpleUploadedFile("Ada.txt", NOTE), "tags": ["x", "y"]}
    answer = api.post(FILES, data, format="multipart")
    assert answer.status_code == 201, answer.content
    saved = answer.json()
    assert (saved["title"], saved["tags"], saved["source_url"]) == ("Ada.txt", ["x", "y"], None)
    row = SavedDocument.objects.get()
    assert files.path_of(row.file).read_bytes() == NOTE
    again = api.post(FILES, {**data, "file": SimpleUploadedFile("Other.txt", NOTE)}, format="multipart")
    assert (again.status_code, again.json()["id"]) == (200, saved["id"])
    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("empty.txt", b"", "empty"),
        ("photo.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 60, "image/png"),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "docx"),
        ("program.txt", b"\x7fELF" + b"\x00" * 60, "can't be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(
    api: APIClient, project: Project, name: str, data: bytes, words: str
) -> None:
    answer = api.post(FILES, {"project": str(project.pk), "file": SimpleUploadedFile(name, data)}, format="multipart")
    assert answer.status_code == 400
    assert words in problem(answer)["errors"]["file"][0]
    assert nothing_was_made()
    assert stored() == []


def test_a_file_that_is_too_large_is_refused(api: APIClient, project: Project, settings: Any) -> None:
    settings.MAX_FILE_BYTES = 10
    answer = api.post(
        FILES, {"project": str(project.pk), "file": SimpleUploadedFile("note.txt", NOTE)}, format="multipart"
    )
    assert answer.status_code == 413
    assert nothing_was_made()
    assert stored() == []


def test_a_file_is_asked_for(api: APIClient, project: Project) -> None:
    answer = api.post(FILES, {"project": str(project.pk)}, format="multipart")
    assert list(problem(answer)["errors"]) == ["file"]


def test_a_memory_tells_of_its_document(api: APIClient, alice: User, project: Project) -> None:
    memory = services.save_article(alice, project, PAGE)
    SavedDocument.objects.filter(pk=memory.pk).update(
        site="Example",
        summary=[{"text": "A.", "start": 0, "end": 2}],
        blocks=[{"kind": "paragraph", "start": 0, "end": 2, "level": 0}],
    )
    told = api.get(f"/api/v1/memories/{memory.pk}").json()["document"]
    assert (told["site"], told["author"], told["origin"], told["has_file"]) == ("Example", None, "address", False)
    assert told["summary"] == [{"text": "A.", "start": 0, "end": 2}]
    assert told["blocks"][0]["kind"] == "paragraph"
    plain = api.post("/api/v1/memories", {"project": str(project.pk), "content": "A note."}).json()
    assert api.get(f"/api/v1/memories/{plain['id']}").json()["document"] is None


def test_the_text_of_a_document_is_not_changed(api: APIClient, alice: User, project: Project) -> None:
    memory = services.save_article(alice, project, PAGE)
    answer = api.patch(f"/api/v1/memories/{memory.pk}", {"content": "Mine."})
    assert answer.status_code == 400
    assert "content" in problem(answer)["errors"]
    assert api.patch(f"/api/v1/memories/{memory.pk}", {"title": "Mine"}).status_code == 200
    assert api.patch(f"/api/v1/memories/{memory.pk}", {"reference_time": "2020-01-01T00:00:00Z"}).status_code == 202
    assert api.post(f"/api/v1/memories/{memory.pk}/reprocess").status_code == 202
    assert TaskLog.objects.filter(kind="ingest_article").count() == 3
