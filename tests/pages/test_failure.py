"""A memory that can't be read as what it is: its messages and its text were made to differ, then mended."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.pages.conftest import Visitor
from tests.stack import Stack

pytestmark = pytest.mark.browser

WRITE = "from memories.models import Memory; Memory.objects.filter(pk='{}').update(content='{}')"


def test_the_error_is_told_and_retry_goes_on(visitor: Visitor, stack: Stack) -> None:
    project = stack.project("Failing")
    body = {"project": project, "messages": [{"speaker": "Ada", "content": "I live in London."}]}
    memory = stack.post("memories", body)
    stack.wait_for_task(memory["task_id"])
    stack.manage("shell", "-c", WRITE.format(memory["id"], "Something else."))
    stack.post(f"memories/{memory['id']}/reprocess")

    page = visitor.open(f"/project/{project}/memories/new?saved={memory['id']}")
    card = page.locator("task-progress")
    expect(card).to_have_attribute("data-status", "failed")
    expect(card).to_contain_text("text is not made of its messages")
    expect(card).to_contain_text("What was saved is kept.")
    page.wait_for_timeout(1800)
    assert "saved=" in page.url
    failed = card.get_attribute("task")

    stack.manage("shell", "-c", WRITE.format(memory["id"], "Ada: I live in London."))
    card.get_by_role("button", name="Retry").click()
    page.wait_for_url(f"**/project/{project}/memories")  # by itself, a moment after it was completed
    again = stack.get(f"memories/{memory['id']}")
    assert again["processing_status"] == "completed"
    assert again["task_id"] != failed

    page = visitor.open(f"/project/{project}/tasks/{failed}")
    card = page.locator("task-progress").first
    expect(card).to_have_attribute("data-status", "failed")
    expect(page.locator("#retries")).to_be_visible()
    page.wait_for_timeout(500)  # the scripts have run
    expect(card.get_by_role("button", name="Retry")).to_be_hidden()
