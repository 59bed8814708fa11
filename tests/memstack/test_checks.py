"""A wrong configuration is told, with an id and a hint."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from memstack import checks
from tests.stack import clean_environment

LLM = {"MEMSTACK_LLM_BASE_URL": "http://models.example/v1", "MEMSTACK_LLM_MODEL": "small"}
ROOT = Path(__file__).resolve().parent.parent.parent


def told() -> set[str]:
    messages = run_checks(tags=[checks.TAG])
    assert all(message.hint for message in messages)
    return {str(message.id).removeprefix("memstack.") for message in messages}


def test_the_defaults_are_right() -> None:
    assert told() == set()


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"PRODUCTION": True, "SECRET_KEY": "x" * 50, "DEBUG": True}, "E001"),
        ({"PRODUCTION": True, "SECRET_KEY": "x" * 50, "ALLOWED_HOSTS": ["*"]}, "E002"),
        ({"PRODUCTION": True, "SECRET_KEY": "short"}, "E003"),
        ({"MEMSTACK_PORT": 70_000}, "E006"),
        ({"MEMSTACK_WORKERS": 0}, "E007"),
        ({"REDIS_URL": "amqp://broker"}, "E008"),
        ({"MEMSTACK_DATA_DIR": Path("/nowhere")}, "E009"),
        ({"MEMSTACK_LLM_BASE_URL": "https://models.example/v1"}, "E021"),
        ({"MEMSTACK_LLM_MODEL": "small"}, "E021"),
        ({"MEMSTACK_LLM_BASE_URL": "models.example", "MEMSTACK_LLM_MODEL": "small"}, "E021"),
        ({**LLM, "MEMSTACK_LLM_CONCURRENCY": 0}, "E022"),
        ({**LLM, "MEMSTACK_LLM_TIMEOUT": 0}, "E022"),
        ({**LLM, "MEMSTACK_LLM_API_KEY": "sk-x"}, "W021"),
        ({"MEMSTACK_FETCH_PORTS": ["80", "https"]}, "E011"),
        ({"MEMSTACK_FETCH_PORTS": ["70000"]}, "E011"),
        ({"MEMSTACK_PRIVATE_HOSTS": ["http://wiki.home/"]}, "E011"),
        ({"MEMSTACK_PRIVATE_HOSTS": ["10.0.0.0/8"]}, "E011"),
        ({"PRODUCTION": True, "SECRET_KEY": "x" * 50, "REDIS_URL": "redis://broker:6379/0"}, "W001"),
    ],
)
def test_a_wrong_setting(settings: Settings, wrong: dict[str, object], expected: str) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]
    for name, value in wrong.items():
        setattr(settings, name, value)
    assert told() == {expected}


@pytest.mark.parametrize("url", ["sqlite:///memories.db", "sqlite://:memory:", "mysql://me:secret@host/name", "name"])
def test_an_unknown_database_is_refused_with_a_sentence(url: str) -> None:
    environment = clean_environment() | {"DATABASE_URL": url}
    command = [sys.executable, "manage.py", "check"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("DATABASE_URL must name a PostgreSQL database")
    assert "secret" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_old_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 34, 1))
    assert told() == {"E005"}


def test_a_secret_that_others_can_read(settings: Settings, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "secret_key").touch(mode=0o644)
    settings.MEMSTACK_DATA_DIR = tmp_path
    assert told() == {"E010", "W002"}


def test_a_misspelt_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMSTACK_PROT", "8001")
    assert told() == {"W003"}


def test_every_setting_of_the_code_is_known() -> None:
    files = [file for folder in ("memstack", "memories", "tasks_app") for file in (ROOT / folder).rglob("*.py")]
    reads = re.compile(r'(?:environ(?:\.get)?[(\[]|ENVIRONMENT = |integer\(|choice\()\s*"(MEMSTACK_[A-Z_]+)"')
    assert {name for file in files for name in reads.findall(file.read_text())} <= checks.known_settings()


def test_every_setting_is_documented() -> None:
    documented = (ROOT / "docs" / "configuration.md").read_text()
    names = checks.known_settings() | {"SECRET_KEY", "DATABASE_URL", "REDIS_URL"}
    assert {name for name in names if f"`{name}`" not in documented} == set()


def test_every_check_is_documented() -> None:
    ids = set(re.findall(r'id="(memstack\.[EW]\d+)"', (ROOT / "memstack" / "checks.py").read_text()))
    documented = (ROOT / "docs" / "configuration.md").read_text()
    assert {name for name in ids if name not in documented} == set()
