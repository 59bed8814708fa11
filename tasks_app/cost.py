"""What an attempt cost its process. Linux gives the peak since the start; elsewhere it stays unknown."""

from __future__ import annotations

import contextlib
import resource
import time
from pathlib import Path

CLEAR_PEAK = Path("/proc/self/clear_refs")
STATUS = Path("/proc/self/status")


class CostMeter:
    """Counts CPU seconds and the peak of resident memory from its making on; one task runs in a process at a time.

    The CPU is that of child processes too, once they have ended; the memory is the process's own.
    """

    def __init__(self) -> None:
        self.llm_tokens: int | None = None  # of a language model, where one was asked
        self._cpu = self._cpu_seconds()
        self._began = time.monotonic()
        with contextlib.suppress(OSError):
            CLEAR_PEAK.write_text("5")  # resets VmHWM, see proc(5)

    def count_tokens(self, tokens: int) -> None:
        """Adds what a language model was asked and answered."""
        self.llm_tokens = (self.llm_tokens or 0) + tokens

    def seconds(self) -> float:
        """By the clock."""
        return time.monotonic() - self._began

    def spent(self) -> dict[str, float | None]:
        return {
            "cpu_seconds": round(self._cpu_seconds() - self._cpu, 3),
            "peak_memory_mb": self._peak_megabytes(),
            "llm_tokens": self.llm_tokens,
        }

    @staticmethod
    def _cpu_seconds() -> float:
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(usage.ru_utime + usage.ru_stime for usage in usages)

    @staticmethod
    def _peak_megabytes() -> float | None:
        try:
            lines = STATUS.read_text().splitlines()
        except OSError:
            return None
        found = next((line for line in lines if line.startswith("VmHWM:")), None)
        return round(int(found.split()[1]) / 1024, 1) if found else None
