"""From a recording to a text with times: whisper's base model in a child process, whose memory goes with it.

What the child needs (FFmpeg, CTranslate2, onnxruntime) is imported there alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from memories.engine.documents.errors import UnreadableDocument
from memories.engine.documents.model import Document
from memories.engine.speech import process, weights
from memories.engine.speech.model import Recording, Segment
from memories.engine.speech.sections import document

__all__ = ["Limits", "Recording", "probe", "transcribe"]
SILENT = "No speech was heard in this recording, so there is nothing to keep of it."
BREAK_OFF_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one recording may take. Its processor time is in proportion to its length."""

    seconds: float = 12 * 3600.0
    memory_bytes: int = 2_000_000_000  # address space; the libraries and the model take half of it
    cpu_seconds: int = 120
    cpu_seconds_per_second: float = 2.0


def probe(path: Path, *, stop: Callable[[], None] = lambda: None, limits: Limits | None = None) -> Recording:
    """What the file holds, told by its headers. Raises UnreadableDocument when it is no recording, or without sound."""
    limits = limits or Limits()
    order = {
        "do": "look",
        "path": str(path.resolve()),
        "memory_bytes": limits.memory_bytes,
        "cpu_seconds": limits.cpu_seconds,
    }
    for _, found in process.messages(order, stop):
        return Recording(**found)
    raise process.ReadingFailed("Looking at the recording gave no answer. Try it again.")


def transcribe(
    path: Path,
    *,
    folder: Path,
    progress: Callable[[float, float], None],
    stop: Callable[[], None],
    preparing: Callable[[str], None],
    threads: int = 1,
    limits: Limits | None = None,
) -> Document:
    """What is said in the recording, in sections with their seconds and with its language.

    `folder` is where the model's weights are joined at first use. `progress` gets the seconds that were listened to
    and the recording's length, `preparing` a sentence for what comes before; `stop` is called at least every 0.2 s and
    ends the work by raising. Raises UnreadableDocument (no recording, too long, no speech), WeightsUnavailable,
    ReadingFailed.
    """
    limits = limits or Limits()
    recording = probe(path, stop=stop, limits=limits)
    if recording.duration > limits.seconds:
        raise UnreadableDocument(
            f"This recording takes {recording.duration / 3600:.1f} hours; up to {limits.seconds / 3600:.0f} are read. "
            "Split it and add the parts."
        )
    model = weights.ready(folder, preparing=preparing, stop=stop)
    preparing("Loading the speech model…")
    order = {
        "do": "listen",
        "path": str(path.resolve()),
        "weights": str(model.resolve()),
        "threads": threads,
        "most_seconds": limits.seconds,
        "memory_bytes": limits.memory_bytes,
        "cpu_seconds": int(limits.cpu_seconds + limits.cpu_seconds_per_second * recording.duration),
    }
    return _written_down(order, recording.duration, progress, stop)


def _written_down(
    order: dict[str, object], duration: float, progress: Callable[[float, float], None], stop: Callable[[], None]
) -> Document:
    segments: list[Segment] = []
    language, heard = "", 0.0
    for word, *values in process.messages(order, stop):
        if word == "segment":
            segments.append(Segment(*values))
        elif word == "language":
            language = values[0]
        else:
            heard = max(heard, values[0])
            progress(min(heard, duration), duration)
    found = document(segments, language, _notes(heard, duration))
    if not found.text:
        raise UnreadableDocument(SILENT)
    return found


def _notes(heard: float, duration: float) -> tuple[str, ...]:
    if duration - heard <= BREAK_OFF_SECONDS:
        return ()
    return (f"The recording breaks off: {heard:.0f} of {duration:.0f} seconds could be played.",)
