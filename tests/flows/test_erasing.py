"""After a deletion no file of a running MemStack, and no row, has a word of the memory."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from tests.postgres import Server
from tests.stack import Stack, wait_for

pytestmark = pytest.mark.flow
SECONDS = 120
ROWS = """
from django.apps import apps
words = {words!r}
for model in apps.get_models(include_auto_created=True):
    for row in model._base_manager.values_list():
        if any(word in str(row).lower() for word in words):
            print(model._meta.label)
"""


def rows_with(stack: Stack, canary: str) -> set[str]:
    """The models that have the word in a row."""
    return set(stack.manage("shell", "-v0", "-c", ROWS.format(words=[canary])).stdout.split())


def files_with(folder: Path, canary: str) -> list[str]:
    """The files that have the word, in plain UTF-8."""
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [str(path.relative_to(folder)) for path in paths if canary.encode() in _bytes(path).lower()]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # a log was turned, a checkpoint is over
        return b""


def live_and_forget(stack: Stack) -> None:
    canary = f"zq{uuid4().hex[:10]}"
    project = stack.project(f"Erasing {uuid4().hex[:6]}")
    kept = stack.post("memories", {"project": project, "content": "Anna Smith lives in Berlin with Tom Miller."})
    stack.wait_for_task(kept["task_id"])
    messages = [
        {"speaker": f"{canary} Speaker", "content": f"My dog {canary.title()} lives in {canary.title()}ville."},
        {"speaker": "Anna Smith", "content": f"Hello {canary.title()}, I {canary} you. I live in Munich now."},
    ]
    new = {
        "project": project,
        "messages": messages,
        "title": f"{canary} title",
        "tags": [canary],
        "metadata": {canary: canary},
        "external_id": canary,
    }
    saved = stack.client.post("/api/v1/memories", json=new, headers={"Idempotency-Key": uuid4().hex}).json()
    assert stack.wait_for_task(saved["task_id"])["status"] == "completed"
    assert (
        stack.wait_for_task(stack.post("communities/rebuild", {"project": project})["task_id"])["status"] == "completed"
    )
    assert rows_with(stack, canary)
    preview = stack.client.delete(f"/api/v1/memories/{saved['id']}", params={"dry_run": 1}).json()
    receipt = stack.client.delete(f"/api/v1/memories/{saved['id']}").json()
    assert receipt == preview
    assert receipt["facts_restored"] == 1  # Anna's home in Berlin
    assert rows_with(stack, canary) == set()
    wait_for(
        lambda: not files_with(stack.folder, canary) or None, SECONDS, lambda: str(files_with(stack.folder, canary))
    )


def test_sqlite_forgets(stack: Stack) -> None:
    live_and_forget(stack)


@pytest.mark.slow
def test_postgresql_forgets(postgres: Server) -> None:
    with Stack(database_url=postgres.new_database("erasing")) as running:
        live_and_forget(running)
