"""What writing down a recording costs, and how right it is. Prints a table in Markdown.

`python -m bench.speech [--minutes 5] [--threads 1 2]`: a recording made of five read sentences again and again, as
mp3; the model's weights are joined in an empty folder. Memory is that of the process which listens, with its share of
what it has in common with others (PSS), at its most, every tenth of a second.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from memories.engine import speech
from memories.engine.documents.model import Document
from tests import recordings
from tests.engine.test_speech import errors, words
from tests.recordings import write
from tests.stack import children


@dataclass
class Run:
    """One transcription as its caller sees it."""

    threads: int
    began: float = field(default_factory=time.monotonic)
    first_word: float = 0.0
    peak: int = 0  # KiB
    told: int = 0

    def progress(self, done: float, _: float) -> None:
        self.told += 1
        if done and not self.first_word:
            self.first_word = time.monotonic() - self.began

    def stop(self) -> None:
        for pid in children(os.getpid()):
            self.peak = max(self.peak, share(pid))


def share(pid: int) -> int:
    """The process's PSS in KiB; 0 when it has just ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="memstack-speech-") as folder:
        rounds = max(1, round(options.minutes * 60 / recordings.SECONDS))
        path = write(Path(folder) / "long.mp3", np.tile(recordings.speech(), rounds), "libmp3lame")
        print(f"| first use of the weights | {first_use(Path(folder)):.1f} s |", flush=True)
        for threads in options.threads:
            measure(path, Path(folder), threads, rounds)


def first_use(folder: Path) -> float:
    """Seconds until they are joined and checked."""
    from memories.engine.speech import weights

    began = time.monotonic()
    weights.ready(folder, preparing=lambda _: None, stop=lambda: None)
    return time.monotonic() - began


def measure(path: Path, folder: Path, threads: int, rounds: int) -> None:
    seconds = rounds * recordings.SECONDS
    before, size = cpu_of_children(), share(os.getpid())
    run = Run(threads)
    found = speech.transcribe(
        path, folder=folder, threads=threads, progress=run.progress, stop=run.stop, preparing=lambda _: None
    )
    wall = time.monotonic() - run.began
    rows = {
        "recording": f"{seconds / 60:.1f} min, {threads} thread{'s' * (threads > 1)}",
        "word error rate": f"{error_rate(found, rounds):.3f}",
        "CPU seconds per second": f"{(cpu_of_children() - before) / seconds:.3f}",
        "seconds by the clock per second": f"{wall / seconds:.3f}",
        "first words after": f"{run.first_word:.1f} s",
        "told how far it is": f"{run.told} times",
        "peak of the process that listens": f"{run.peak / 1024:.0f} MB",
        "its caller before, after": f"{size / 1024:.0f} MB, {share(os.getpid()) / 1024:.0f} MB",
        "sections": str(len(found.sections)),
    }
    sys.stdout.writelines(f"| {name} | {value} |\n" for name, value in rows.items())


def error_rate(found: Document, rounds: int) -> float:
    said = words(" ".join(recordings.SENTENCES)) * rounds
    return errors(said, words(found.text)) / len(said)


def cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
