"""Saving an address or a file: once in a project, with a task, and a sentence for what can't be saved."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from memories import files, saving, services
from memories.fetching.addresses import key_of
from memories.models import Memory, Project, SavedDocument, SourceKey
from tasks_app import transitions
from tasks_app.kinds import Kind
from tasks_app.models import TaskLog
from tasks_app.services import TooManyPending

pytestmark = pytest.mark.django_db
PAGE = "https://example.org/articles/1"


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, settings: object) -> None:
    settings.MEMSTACK_DATA_DIR = tmp_path / "var"  # type: ignore[attr-defined]


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note.txt"
    path.write_text("Ada Lovelace met Charles Babbage in 1833.\n" * 20)
    return path


def test_an_address_becomes_a_memory_without_text_and_a_task(alice: User, project: Project) -> None:
    memory = services.save_article(alice, project, f" {PAGE} ", ["history"])
    assert (memory.content, memory.source_url, memory.title) == ("", PAGE, "example.org/articles/1")
    assert [tag.name for tag in memory.memory_tags.all()] == ["history"]
    assert memory.task is not None
    assert memory.task.kind == Kind.INGEST_ARTICLE
    assert memory.created_by == alice


def test_the_same_address_is_saved_once_in_a_project(alice: User, project: Project) -> None:
    first = saving.save_article(alice.pk, project, PAGE, ["a"])
    again = saving.save_article(None, project, "HTTPS://EXAMPLE.org/articles/1#part", ["b", "a"])
    assert (first.is_new, again.is_new) == (True, False)
    assert again.memory == first.memory
    assert sorted(tag.name for tag in again.memory.memory_tags.all()) == ["a", "b"]
    assert TaskLog.objects.count() == 1
    other = services.create_project(alice, name="Other")
    assert saving.save_article(alice.pk, other, PAGE).is_new


def test_what_was_never_read_is_tried_again_when_it_is_saved_again(alice: User, project: Project) -> None:
    memory = services.save_article(alice, project, PAGE)
    task = transitions.claim(memory.task.pk, "worker")  # type: ignore[union-attr]
    assert task is not None
    transitions.fail(task, "There is no such page.", retryable=False)
    again = services.save_article(alice, project, PAGE)
    assert again == memory
    assert again.task_id != task.pk


def test_a_file_is_kept_with_its_digest(alice: User, project: Project, note: Path) -> None:
    text = note.read_bytes()
    memory = services.save_file(alice, project, note, "C:\\papers\\Ada's note.txt")
    document = SavedDocument.objects.get(memory=memory)
    assert (memory.title, document.file_name) == ("Ada's note.txt",) * 2
    assert (document.media_type, document.size) == ("text/plain", len(text))
    assert files.path_of(document.file).read_bytes() == text
    assert memory.task is not None
    assert memory.task.kind == Kind.INGEST_FILE


def test_the_same_file_is_saved_once_in_a_project(alice: User, project: Project, note: Path, tmp_path: Path) -> None:
    twin = tmp_path / "twin.txt"
    twin.write_bytes(note.read_bytes())
    first = services.save_file(alice, project, note, "note.txt")
    assert services.save_file(alice, project, twin, "other name.txt") == first
    assert Memory.objects.count() == 1


def test_a_file_that_cannot_be_read_is_refused_with_a_sentence(alice: User, project: Project, tmp_path: Path) -> None:
    for name, data, words in (
        ("empty.txt", b"", "empty"),
        ("photo.png", b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + b"\x00" * 40, "image/png"),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(ValidationError, match=words):
            services.save_file(alice, project, path, name)
        assert path.exists()
    assert not Memory.objects.exists()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "blank"),
        ("example.org/page", "no_address"),
        ("ftp://example.org/x", "bad_address"),
        ("javascript:alert(1)", "no_address"),
        ("https://", "bad_address"),
        ("https://exa mple.org/", "bad_address"),
        ("https://example.org:port/", "bad_address"),
        ("https://[::1/", "bad_address"),
        ("https://ada:secret@example.org/", "bad_address"),
        ("https://example.org/" + "a" * 2000, "too_long"),
        ("https://example.org/\x00", "nul_characters"),
    ],
)
def test_what_is_no_address_is_refused(alice: User, project: Project, url: str, code: str) -> None:
    with pytest.raises(ValidationError) as caught:
        services.save_article(alice, project, url)
    assert caught.value.code == code
    assert not Memory.objects.exists()


def test_a_project_with_enough_to_do_takes_no_more(alice: User, project: Project, settings: object, note: Path) -> None:
    settings.MEMSTACK_MAX_PENDING_PER_PROJECT = 1  # type: ignore[attr-defined]
    services.save_article(alice, project, PAGE)
    with pytest.raises(TooManyPending):
        services.save_article(alice, project, f"{PAGE}0")
    with pytest.raises(TooManyPending):
        services.save_file(alice, project, note, "note.txt")
    assert note.exists()
    assert services.save_article(alice, project, PAGE)  # it is there already
    assert Memory.objects.count() == 1


def test_the_database_refuses_a_second_one(alice: User, project: Project) -> None:
    memory = services.save_article(alice, project, PAGE)
    with pytest.raises(IntegrityError), transaction.atomic():
        SourceKey.objects.create(project=project, document=memory.document, key=key_of(PAGE))


@pytest.mark.django_db(transaction=True)
def test_two_at_once_save_one(alice: User, project: Project) -> None:
    """The second one has looked and found nothing before the first one has committed."""
    found: list[Memory] = []
    ready = threading.Barrier(4)

    def save() -> None:
        try:
            ready.wait()
            found.append(services.save_article(alice, project, PAGE))
        finally:
            connection.close()

    threads = [threading.Thread(target=save) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len({memory.pk for memory in found}) == 1
    assert TaskLog.objects.count() == 1


def test_the_text_of_an_article_is_not_changed_by_hand(alice: User, project: Project) -> None:
    memory = services.save_article(alice, project, PAGE)
    with pytest.raises(ValidationError):
        services.update_memory(memory, {"content": "My own words."})
    assert services.update_memory(memory, {"title": "Mine"}) is None
    task = services.update_memory(memory, {"reference_time": memory.reference_time})
    assert task is not None
    assert (task.kind, task.payload) == (Kind.INGEST_ARTICLE, {"fetch": False})
    assert services.reprocess_memory(memory).payload == {}
