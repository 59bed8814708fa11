"""A real browser on a running MemStack. Whatever it complains about in its console fails the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.chromium import CHROMIUM
from tests.pages import recorder
from tests.pages.browser import ARGUMENTS, Visitor, visit
from tests.stack import Stack

__all__ = ["Visitor", "visit"]
expect.set_options(timeout=60_000)  # a machine that has other work is patient with nobody, so the tests are


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Of a module only: Playwright keeps an event loop running in the process, and asynchronous tests need theirs."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium: Browser, stack: Stack) -> Iterator[Visitor]:
    """Alice on the shared MemStack."""
    alice = visit(chromium, stack)
    yield alice
    alice.context.close()
    assert not alice.complaints


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """A MemStack of the module, whose processes may be stopped and killed."""
    with Stack() as running:
        yield running


@pytest.fixture
def guest(chromium: Browser, own: Stack) -> Iterator[Visitor]:
    """Alice on the module's MemStack; her pages record what their cards show."""
    alice = visit(chromium, own)
    alice.context.add_init_script(recorder.SCRIPT)
    yield alice
    alice.context.close()
    assert not alice.complaints
