"""The store of files: moved in whole, gone with their memory, swept when they are nobody's."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from pathlib import Path
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from pytest_django import DjangoCaptureOnCommitCallbacks

from memories import files, services
from memories.models import Memory, Project, SavedDocument
from tasks_app import pruning
from tests.memories import rows

pytestmark = pytest.mark.django_db
BYTES = b"some bytes" * 1000
SHA256 = hashlib.sha256(BYTES).hexdigest()
PROJECT = UUID("0197a3c4-0000-7000-8000-000000000000")


@pytest.fixture(autouse=True)
def store(tmp_path: Path, settings: object) -> Path:
    settings.MEMSTACK_DATA_DIR = tmp_path / "var"  # type: ignore[attr-defined]
    (tmp_path / "var").mkdir()
    return tmp_path / "var/media"


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    path = tmp_path / "upload"
    path.write_bytes(BYTES)
    return path


@pytest.fixture
def other_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rename between the folders is not possible, as if they were on two disks."""
    rename = os.replace

    def replace(source: Path | str, target: Path | str) -> None:
        if Path(source).parent != Path(target).parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target)

    monkeypatch.setattr(os, "replace", replace)


def saved(project: Project, name: str) -> Memory:
    memory = rows.memory(project, "Ada met Bob.")
    SavedDocument.objects.create(
        memory=memory, origin="upload", file=name, file_name="a.pdf", sha256=SHA256, reference_time=rows.DAY
    )
    return memory


def aged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day and a bit later."""
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + files.FORGOTTEN_SECONDS + 10)


def test_a_file_is_moved_under_a_name_of_ours(upload: Path, store: Path) -> None:
    name = files.store(PROJECT, upload, SHA256)
    assert name.startswith(f"{PROJECT}/{SHA256}.")
    assert not upload.exists()
    with files.open_file(name) as file:
        assert file.read() == BYTES
    assert (store / str(PROJECT)).stat().st_mode & 0o077 == 0


def test_the_same_bytes_twice_are_two_files(upload: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copy(upload, again)
    first, second = files.store(PROJECT, upload, SHA256), files.store(PROJECT, again, SHA256)
    files.remove(first)
    assert files.path_of(second).read_bytes() == BYTES


@pytest.mark.usefixtures("other_disk")
def test_from_another_disk_it_is_copied(upload: Path, store: Path) -> None:
    name = files.store(PROJECT, upload, SHA256)
    assert files.path_of(name).read_bytes() == BYTES
    assert not upload.exists()
    assert [path.name for path in (store / str(PROJECT)).iterdir()] == [name.split("/")[1]]


@pytest.mark.usefixtures("other_disk")
def test_a_copy_that_fails_leaves_nothing_and_keeps_the_original(
    upload: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: object, target: str) -> None:
        Path(target).write_bytes(BYTES[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(files.NoRoom, match="no room for this file"):
        files.store(PROJECT, upload, SHA256)
    assert upload.read_bytes() == BYTES
    assert list((store / str(PROJECT)).iterdir()) == []


@pytest.mark.usefixtures("other_disk")
def test_the_database_keeps_its_reserve(upload: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage("/").free
    monkeypatch.setattr(files, "RESERVE", free)
    with pytest.raises(files.NoRoom):
        files.store(PROJECT, upload, SHA256)
    assert upload.exists()


@pytest.mark.parametrize(
    "name", ["", "x", "../../etc/passwd", f"{PROJECT}/../../secret_key", f"{PROJECT}/{SHA256}", f"/{PROJECT}/x"]
)
def test_other_names_lead_nowhere(name: str) -> None:
    with pytest.raises(FileNotFoundError):
        files.path_of(name)


def test_a_memorys_file_goes_with_the_commit_that_deletes_it(
    alice: User, project: Project, upload: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    name = files.store(project.pk, upload, SHA256)
    memory = saved(project, name)
    with django_capture_on_commit_callbacks(execute=True):
        services.delete_memory(memory)
        assert files.path_of(name).exists()
    assert not files.path_of(name).exists()


@pytest.mark.django_db(transaction=True)
def test_a_deletion_that_is_rolled_back_keeps_the_file(alice: User, project: Project, upload: Path) -> None:
    name = files.store(project.pk, upload, SHA256)
    memory = saved(project, name)
    with transaction.atomic():
        services.delete_memory(memory)
        transaction.set_rollback(True)
    assert files.path_of(name).exists()


def test_a_projects_files_go_with_it(
    project: Project, upload: Path, store: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    saved(project, files.store(project.pk, upload, SHA256))
    folder = store / str(project.pk)
    with django_capture_on_commit_callbacks(execute=True):
        project.delete()
    assert list(folder.iterdir()) == []


@pytest.fixture
def one_of_each(project: Project, upload: Path, tmp_path: Path, store: Path) -> dict[str, Path]:
    """A memory's file, one that is nobody's, and what a copy that was killed has left."""
    orphan = tmp_path / "orphan"
    orphan.write_bytes(BYTES)
    name = files.store(project.pk, upload, SHA256)
    saved(project, name)
    half = store / str(project.pk) / ".incoming-x"
    half.write_bytes(b"half")
    return {
        "kept": files.path_of(name),
        "orphan": files.path_of(files.store(project.pk, orphan, SHA256)),
        "half": half,
    }


def test_a_young_file_is_left_alone(one_of_each: dict[str, Path]) -> None:
    assert pruning.count(30)["files"] == 0
    assert sum(gone["files"] for gone in pruning.prune(30)) == 0
    assert all(path.exists() for path in one_of_each.values())


def test_what_no_memory_has_is_swept(one_of_each: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    aged(monkeypatch)
    assert pruning.count(30)["files"] == 2
    assert sum(gone["files"] for gone in pruning.prune(30)) == 2
    assert {name for name, path in one_of_each.items() if path.exists()} == {"kept"}
