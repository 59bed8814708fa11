"""Lets a process end with the one that started it, so that a killed supervisor leaves nothing running."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def tied_to_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn`: the child gets the signal when the calling process dies. Linux alone knows this; else a no-op.

    The kernel ties the child to the thread that started it, so children are to be started by the main thread.
    """
    parent = os.getpid()

    def tie() -> None:
        if _libc is None:
            return
        _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return tie


class MakeParent:
    """The `make` that started this process, if one did.

    It passes a SIGTERM on, but a SIGINT sent to it alone only makes it wait for its children for ever. What it does
    then can be seen: it stops catching the signal.
    """

    def __init__(self) -> None:
        self._status = Path(f"/proc/{os.getppid()}/status")
        self._is_make = self._name() in {"make", "gmake"} and self._catches_sigint()
        if self._is_make and _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)

    def was_interrupted(self) -> bool:
        return self._is_make and not self._catches_sigint()

    def _name(self) -> str:
        return self._field("Name:")

    def _catches_sigint(self) -> bool:
        return bool(int(self._field("SigCgt:") or "0", 16) & 1 << (signal.SIGINT - 1))

    def _field(self, name: str) -> str:
        try:
            lines = self._status.read_text().splitlines()
        except OSError:
            return ""
        return next((line.removeprefix(name).strip() for line in lines if line.startswith(name)), "")
