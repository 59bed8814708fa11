"""A memory that can't be read, because the server lacks the embedding model, and can be once it is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from memories.engine.embedding import weights
from tests.pages.conftest import Visitor, visit
from tests.stack import Stack

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the model's files should be."""
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="module")
def lacking(folder: Path) -> Iterator[Stack]:
    with Stack(environment={weights.ENVIRONMENT: str(folder)}) as running:
        yield running


@pytest.fixture
def alice(chromium: Browser, lacking: Stack) -> Iterator[Visitor]:
    visitor = visit(chromium, lacking)
    yield visitor
    visitor.context.close()
    assert not visitor.complaints


def test_the_error_is_told_and_retry_goes_on(alice: Visitor, lacking: Stack, folder: Path) -> None:
    page = alice.open(f"/project/{lacking.project('Failing')}/memories/new")
    page.get_by_label("Text", exact=True).last.fill("Ada Lovelace lives in London.")
    page.get_by_role("button", name="Save memory").click()
    card = page.locator("task-progress")
    expect(card).to_have_attribute("data-status", "failed")
    expect(card).to_contain_text("was not found")
    expect(card).to_contain_text("What was saved is kept.")
    first = card.get_attribute("task")
    for name in (weights.MODEL, weights.TOKENIZER):
        packaged = weights._packaged(name)
        assert packaged is not None
        (folder / name).symlink_to(packaged)
    card.get_by_role("button", name="Retry").click()
    expect(card).to_have_attribute("data-status", "completed")
    assert card.get_attribute("task") != first
    page.wait_for_url("**/memories")
