"""The example that `up --demo` puts into an empty MemStack: a user, a project, a key, a conversation and a text."""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import connection, transaction

from memories import keys, services
from memories.engine.types import Message
from memories.models import Memory
from memories.validation import NewMemory
from tasks_app.models import Status, TaskLog
from tasks_app.watch import watch

logger = logging.getLogger(__name__)
SAMPLES = Path(__file__).parent / "samples"
USERNAME = "demo"
WATCH_SECONDS = 120.0  # after that the login is shown although the example is still being read


@dataclass(frozen=True)
class Made:
    """What the first start made; the key is kept nowhere else."""

    password: str
    key: str
    memories: list[Memory]


class Demo:
    """Makes the example and shows how it is read, from a thread beside the supervision."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def start(self, url: str) -> None:
        threading.Thread(target=self._run, args=[url], daemon=True, name="demo").start()

    def _run(self, url: str) -> None:
        try:
            self._show(url)
        except Exception:
            logger.exception("The demo could not be made")
            self._say("The demo could not be made; logs/up.log in the data folder says why. MemStack itself runs.")
        finally:
            connection.close()

    def _show(self, url: str) -> None:
        if get_user_model().objects.exists():
            self._say(known_login(url))
            return
        made = make()
        for memory in made.memories:
            self._say(f"Reading the example “{memory.title}” …")
            self._follow(memory)
        for line in first_login(url, made):
            self._say(line)

    def _follow(self, memory: Memory) -> None:
        """Shows the task's progress until it ends or the time is up."""
        if memory.task_id is None:
            return
        watcher = threading.Thread(target=self._watch, args=[memory.task_id], daemon=True, name="demo-watch")
        watcher.start()
        watcher.join(WATCH_SECONDS)
        if watcher.is_alive():
            self._say("This takes long; it goes on, and the task's page shows how far it is.")

    def _watch(self, task_id: Any) -> None:
        try:
            task = watch(task_id, lambda line: self._say(f"  {line}"))
            if task.status != Status.COMPLETED:
                self._say(f"  The example was not read to its end; see the task {task_id}.")
        except TaskLog.DoesNotExist:
            self._say("  The example was deleted meanwhile.")
        finally:
            connection.close()


def make() -> Made:
    """All of it in one transaction, so that an interrupted first start leaves nothing half made."""
    password = secrets.token_urlsafe(12)
    with transaction.atomic():
        user = make_user(password)
        project = services.create_project(user, name="Demo", description="An example to look around in.")
        _, key = keys.issue(user, "first start")
        memories = [services.create_memory(user, project, sample) for sample in samples()]
        write_secret(login_file(), f"user {USERNAME}\npassword {password}\n")
    return Made(password=password, key=key, memories=memories)


def make_user(password: str) -> User:
    """The admin pages are only for a demo user that nobody but this machine can reach."""
    if not settings.PRODUCTION and is_loopback(settings.MEMSTACK_HOST):
        return User.objects.create_superuser(USERNAME, password=password)
    return User.objects.create_user(USERNAME, password=password)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def samples() -> list[NewMemory]:
    """The conversation and the text that come with MemStack."""
    talk = json.loads((SAMPLES / "conversation.json").read_text(encoding="utf-8"))
    text = json.loads((SAMPLES / "text.json").read_text(encoding="utf-8"))
    body = (SAMPLES / "text.txt").read_text(encoding="utf-8")
    messages = tuple(
        Message(id=row["id"], speaker=row["speaker"], content=row["content"], at=datetime.fromisoformat(row["at"]))
        for row in talk["messages"]
    )
    return [
        NewMemory(messages=messages, title=talk["title"], content_type="conversation", tags=["example"]),
        NewMemory(
            content=body,
            title=text["title"],
            reference_time=datetime.fromisoformat(text["reference_time"]),
            tags=["example"],
        ),
    ]


def login_file() -> Path:
    return Path(settings.MEMSTACK_DATA_DIR / "demo_login")


def write_secret(path: Path, text: str) -> None:
    """Readable by its owner alone from its first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def first_login(url: str, made: Made) -> list[str]:
    return [
        f"Open     {url}",
        f"User     {USERNAME}",
        f"Password {made.password}   (kept in {login_file()})",
        f"API key  {made.key}   (shown this once; manage.py create_api_key --user {USERNAME} makes another)",
    ]


def known_login(url: str) -> str:
    if not get_user_model().objects.filter(username=USERNAME).exists():
        return f"Open {url}"
    if login_file().exists():
        return f"Open {url} and log in as {USERNAME}; the password is in {login_file()}"
    return f"Open {url} and log in as {USERNAME}; manage.py changepassword {USERNAME} gives it a new password"
