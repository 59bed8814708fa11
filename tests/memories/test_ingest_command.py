"""`manage.py ingest` of addresses and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from memories.models import Memory, Project, SavedDocument
from tests.memories.test_ingest_documents import word_file

pytestmark = pytest.mark.django_db
PAGE = "https://example.org/articles/1"


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, settings: Any, alice: User) -> None:
    settings.MEMSTACK_DATA_DIR = tmp_path / "var"


def ingest(project: Project, path: str, *options: str) -> None:
    call_command("ingest", path, "--project", str(project.pk), "--no-wait", *options)


def test_an_address(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    ingest(project, PAGE, "--tag", "a")
    memory = Memory.objects.get()
    assert (memory.source_url, memory.task.kind) == (PAGE, "ingest_article")  # type: ignore[union-attr]
    assert capsys.readouterr().out.strip() == str(memory.task_id)
    ingest(project, PAGE)
    assert "already" in capsys.readouterr().err
    assert Memory.objects.count() == 1


def test_a_file_which_stays_where_it_is(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "engine.docx"
    path.write_bytes(word_file())
    ingest(project, str(path))
    row = SavedDocument.objects.get()
    assert (row.file_name, row.memory.task.kind) == ("engine.docx", "ingest_file")  # type: ignore[union-attr]
    assert path.exists()


def test_what_cannot_be_saved_is_said(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "empty.pdf"
    path.touch()
    for given, words in ((str(path), "empty"), (str(tmp_path / "none.pdf"), "can't be read"), ("http://", "address")):
        with pytest.raises(CommandError, match=words):
            ingest(project, given)
    assert not Memory.objects.exists()
