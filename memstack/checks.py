"""System checks: a wrong configuration is told at the start, with what to do; docs/configuration.md lists them."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

TAG = "memstack"
LEAST_SQLITE = (3, 35, 0)  # UPDATE … RETURNING
HERE = ("", "localhost", "127.0.0.1", "::1")
SECRET_FILES = ("secret_key", "demo_login")
ENGINE_SETTINGS = {"MEMSTACK_EMBEDDING_DIR", "MEMSTACK_SPEECH_WEIGHTS"}  # read below Django, by memories.engine


def register_all() -> None:
    for check in (production, databases, numbers, broker, language_model, data_folder, fetching, unknown_settings):
        register(check, TAG)


def production(**_: Any) -> Iterable[CheckMessage]:
    if not settings.PRODUCTION:
        return
    if settings.DEBUG:
        yield Error(
            "MEMSTACK_DEBUG is on in production: error pages would show the program's inside to everybody.",
            hint="Unset MEMSTACK_DEBUG.",
            id="memstack.E001",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield Error(
            "MEMSTACK_ALLOWED_HOSTS has a wildcard in production.",
            hint="Set it to the names under which people reach this server, with commas between them.",
            id="memstack.E002",
        )
    if len(settings.SECRET_KEY) < 50:
        yield Error(
            "SECRET_KEY has fewer than 50 characters in production.",
            hint="Set it to 50 random characters or more, and keep it secret.",
            id="memstack.E003",
        )


def databases(**_: Any) -> Iterable[CheckMessage]:
    engine = settings.DATABASES["default"]["ENGINE"].rpartition(".")[2]
    if engine == "sqlite3" and sqlite3.sqlite_version_info < LEAST_SQLITE:
        yield Error(
            f"This Python has SQLite {sqlite3.sqlite_version}, and MemStack needs 3.35 or newer.",
            hint="Use another Python, or set DATABASE_URL to a PostgreSQL database.",
            id="memstack.E005",
        )


def numbers(**_: Any) -> Iterable[CheckMessage]:
    if not 0 <= settings.MEMSTACK_PORT <= 65_535:
        yield Error(
            f"MEMSTACK_PORT is {settings.MEMSTACK_PORT}, which is no port.",
            hint="Set it to a number from 1 to 65535; 0 takes any free port.",
            id="memstack.E006",
        )
    if not 1 <= settings.MEMSTACK_WORKERS <= 64:
        yield Error(
            f"MEMSTACK_WORKERS is {settings.MEMSTACK_WORKERS}; nothing would be processed, or the memory would not do.",
            hint="Set it to the number of processor cores to use, 1 to 64.",
            id="memstack.E007",
        )


def broker(**_: Any) -> Iterable[CheckMessage]:
    if not settings.REDIS_URL:
        return
    url = urlsplit(settings.REDIS_URL)
    if url.scheme not in {"redis", "rediss"}:
        yield Error(
            f"REDIS_URL begins with {url.scheme or 'no scheme'}:, which MemStack does not know.",
            hint="Use redis://:password@host:6379/0 or rediss://…; unset it for the embedded broker.",
            id="memstack.E008",
        )
    elif settings.PRODUCTION and not url.password and url.hostname not in HERE:
        yield Warning(
            "REDIS_URL reaches another machine without a password: whoever reaches it can read and send work.",
            hint="Set a password on the broker and put it into REDIS_URL.",
            id="memstack.W001",
        )


def language_model(**_: Any) -> Iterable[CheckMessage]:
    base_url, model = settings.MEMSTACK_LLM_BASE_URL, settings.MEMSTACK_LLM_MODEL
    if not base_url and not model:
        return
    if urlsplit(base_url).scheme not in {"http", "https"} or not model:
        yield Error(
            "A language model needs both MEMSTACK_LLM_BASE_URL, a web address, and MEMSTACK_LLM_MODEL.",
            hint="Set both, as in https://api.openai.com/v1 and gpt-4o-mini, or unset both.",
            id="memstack.E021",
        )
    elif not settings.MEMSTACK_LLM_TIMEOUT or not 1 <= settings.MEMSTACK_LLM_CONCURRENCY <= 64:
        yield Error(
            "MEMSTACK_LLM_TIMEOUT must be a second or more, and MEMSTACK_LLM_CONCURRENCY from 1 to 64.",
            hint="Unset them for 60 seconds and 4 questions at once.",
            id="memstack.E022",
        )
    elif settings.MEMSTACK_LLM_API_KEY and base_url.startswith("http:") and urlsplit(base_url).hostname not in HERE:
        yield Warning(
            "MEMSTACK_LLM_BASE_URL reaches another machine without encryption: the key and the texts can be read.",
            hint="Use an address that begins with https.",
            id="memstack.W021",
        )


def data_folder(**_: Any) -> Iterable[CheckMessage]:
    folder = settings.MEMSTACK_DATA_DIR
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Error(
            f"The data folder {folder} can't be written to.",
            hint="Give this user the right to, or set MEMSTACK_DATA_DIR to another folder.",
            id="memstack.E009",
        )
    if _mode(folder) & (stat.S_IRWXG | stat.S_IRWXO):
        yield Warning(
            f"The data folder {folder} is open to other users of this machine.",
            hint=f"chmod 700 {folder}",
            id="memstack.W002",
        )
    for path in (folder / name for name in SECRET_FILES):
        if _mode(path) & (stat.S_IRWXG | stat.S_IRWXO):
            yield Error(f"Other users can read {path}.", hint=f"chmod 600 {path}", id="memstack.E010")


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def fetching(**_: Any) -> Iterable[CheckMessage]:
    from memories import fetching_rules

    try:
        fetching_rules.rules()
    except fetching_rules.BadRule as error:
        yield Error(str(error), hint=error.hint, id="memstack.E011")


def unknown_settings(**_: Any) -> Iterable[CheckMessage]:
    unknown = sorted(name for name in os.environ if name.startswith("MEMSTACK_") and name not in known_settings())
    for name in unknown:
        yield Warning(
            f"{name} is set in the environment, and MemStack has no such setting.",
            hint="docs/configuration.md lists them all.",
            id="memstack.W003",
        )


def known_settings() -> set[str]:
    """The names that settings.py reads, taken from its text, so that there is no second list to keep; the engine's."""
    text = (Path(__file__).parent / "settings.py").read_text(encoding="utf-8")
    return ENGINE_SETTINGS | set(re.findall(r'"(MEMSTACK_[A-Z_]+)"', text))
