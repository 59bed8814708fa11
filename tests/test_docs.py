"""The documentation names every setting, command, endpoint and event there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands
from drf_spectacular.generators import SchemaGenerator

from tasks_app.models import Status, TaskEvent

ROOT = Path(__file__).parent.parent
DOCS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETTINGS = sorted(
    set(
        re.findall(
            r'"((?:MEMSTACK|DATABASE|REDIS|SECRET)_[A-Z_]+)"',
            (ROOT / "memstack/settings.py").read_text(encoding="utf-8"),
        )
    )
)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in DOCS["configuration.md"]


@pytest.mark.parametrize(
    "name", sorted(name for name, app in get_commands().items() if app in {"memstack", "memories", "tasks_app"})
)
def test_every_command_is_documented(name: str) -> None:
    assert f"manage.py {name}" in "".join([README, *DOCS.values()])


def test_every_endpoint_is_documented() -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    documented = re.sub(r"\{\w+\}", "{}", DOCS["api.md"])
    paths = {re.sub(r"\{\w+\}", "{}", path.removeprefix("/api/v1/").rstrip("/")) for path in schema["paths"]}
    missing = {path for path in paths if f"`{path}`" not in documented}
    assert not missing


@pytest.mark.parametrize("word", [*TaskEvent.Type.values, *Status.values, "reset", "error"])
def test_every_event_and_state_is_documented(word: str) -> None:
    assert f"`{word}`" in DOCS["streams.md"]


def test_every_test_that_is_named_exists() -> None:
    written = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", DOCS["development.md"]))
    assert named
    assert not {name for name in named if f"def {name}(" not in written}


def test_links_between_the_pages_lead_somewhere() -> None:
    for place, text in [(ROOT, README), *((ROOT / "docs", text) for text in DOCS.values())]:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
            assert (place / target).exists(), target
