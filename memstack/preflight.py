"""What must be true of the machine before MemStack starts; each failure is one sentence that says what to do."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.db import DatabaseError, connection

from memstack.checks import TAG

LEAST_FREE_BYTES = 200 * 1024 * 1024
OPEN_FILES = 65_536  # a stream is a file; far more than this makes programs that walk over all of them slow
PORT_PATIENCE = 0.5  # seconds in which a MemStack that was just killed lets go of its port


class Refused(Exception):
    """MemStack can't start; the message is for the person at the terminal."""


def check_data_folder(folder: Path) -> None:
    """Refused when the folder can't be written to or its disk is nearly full."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Refused(
            f"The data folder {folder} can't be written to ({error.strerror}); give this user the right to, "
            "or set MEMSTACK_DATA_DIR to another folder."
        ) from error
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise Refused(
            f"The disk of {folder} has {free // 1024**2} MB free and MemStack needs {LEAST_FREE_BYTES // 1024**2}; "
            "free some space, or set MEMSTACK_DATA_DIR to a folder on another disk."
        )


def check_configuration(say: Callable[[str], None]) -> None:
    """Says what the system checks warn of; Refused with the first error."""
    for message in run_checks(tags=[TAG]):
        if message.level >= ERROR:
            raise Refused(f"{message.msg} {message.hint} ({message.id})")
        say(f"Note: {message.msg} {message.hint} ({message.id})")


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Holds the folder's lock; Refused when another `up` has it."""
    with (folder / "up.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Refused(
                f"MemStack already runs on {folder} (process {file.read().strip() or 'unknown'}); stop that one first, "
                "or set MEMSTACK_DATA_DIR to another folder."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def listen(host: str, port: int) -> socket.socket:
    """The socket that the web process will accept on; Refused when the address can't be had."""
    deadline = time.monotonic() + PORT_PATIENCE
    while True:
        try:
            return _bound(host, port)
        except OSError as error:
            if time.monotonic() > deadline or not isinstance(error, _InUse):
                raise Refused(_why_not(host, port, error)) from error
            time.sleep(0.05)


class _InUse(OSError):
    """Another program listens there."""


def _bound(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    everything = host == "::" and socket.has_dualstack_ipv6()
    try:
        return socket.create_server(address[:2], family=family, backlog=2048, dualstack_ipv6=everything)
    except OSError as error:
        raise _InUse(*error.args) if error.errno == errno.EADDRINUSE else error from None


def _why_not(host: str, port: int, error: OSError) -> str:
    if isinstance(error, _InUse):
        return f"Port {port} of {host} is in use by another program; stop it, or set MEMSTACK_PORT to a free port."
    return f"MemStack can't listen on {host}, port {port} ({error.strerror}); set MEMSTACK_HOST and MEMSTACK_PORT."


def check_database() -> None:
    """Refused when the database does not answer."""
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        where = "DATABASE_URL" if settings.DATABASE_URL else settings.DATABASES["default"]["NAME"]
        raise Refused(f"The database ({where}) can't be used: {' '.join(str(error).split())}") from error


def check_weights() -> None:
    """Refused when the embedding model's weights are missing or are not the pinned ones."""
    from memories.engine.embedding import weights
    from memories.engine.errors import WeightsUnavailable

    try:
        weights.locate(weights.MODEL)
        weights.locate(weights.TOKENIZER)
    except WeightsUnavailable as error:
        raise Refused(str(error)) from error


def allow_many_files() -> None:
    """Raises the soft limit of open files towards the hard one; children inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
