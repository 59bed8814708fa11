"""What the reading process gives up before it touches a file that anybody may have made."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
from typing import Any, BinaryIO

from memories.engine.documents.limits import Limits

PR_SET_PDEATHSIG = 1
OPEN_FILES = 64
_REFUSED = ("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "urllib.Request")


def die_with(parent: int, lifeline: BinaryIO) -> None:
    """Ends this process when its parent does: by the kernel where it can, else by the end of the parent's pipe."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)
    threading.Thread(target=_watch, args=(lifeline,), daemon=True).start()


def _watch(lifeline: BinaryIO) -> None:
    lifeline.read()
    os._exit(1)


def confine(limits: Limits) -> None:
    """Limits memory, CPU and files; forbids writing, sockets and other programs. There is no way back."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds)
    _limit(resource.RLIMIT_AS, limits.memory_bytes)
    sys.addaudithook(_refuse)


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
    # One second more of CPU for the hard limit: the soft one says by its signal why the process ended.
    resource.setrlimit(what, (allowed, allowed + 1 if what == resource.RLIMIT_CPU and allowed < most + 1 else allowed))


def _refuse(event: str, _args: tuple[Any, ...]) -> None:
    if event.startswith(_REFUSED):
        raise PermissionError(f"{event} is not for the process that reads documents")
