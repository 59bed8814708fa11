"""Samples in, segments of text out: windows that begin and end in pauses, so that an hour takes no more memory than
some minutes.

A window's speech is found by a voice detector (Silero) and transcribed by whisper without the silence between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel
from faster_whisper.transcribe import restore_speech_timestamps
from faster_whisper.vad import VadOptions, get_speech_timestamps

from memories.engine.speech.model import Segment
from memories.engine.speech.sound import RATE, Samples

WINDOW_SECONDS = 120
PAUSE_MS = 500  # a shorter one does not end a stretch of speech
QUIET_SECONDS = 10  # without a pause a window ends at the quietest place of its last seconds
SURE = 0.5
SEED = 1
Audio = npt.NDArray[np.float32]
Stretch = dict[str, int]  # speech from sample `start` to `end`


class Listener:
    """Transcribes one recording. `language` is the code of what was heard, empty until then."""

    def __init__(self, weights: Path, threads: int) -> None:
        ctranslate2.set_random_seed(SEED)
        self._model = WhisperModel(
            str(weights), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
        )
        self.language = ""
        self._sureness = 0.0

    def segments(self, pieces: Iterable[Samples], heard: Callable[[float], None]) -> Iterator[Segment]:
        """The segments in order; `heard` is told the second up to which all was listened to."""
        for begin, window, stretches in windows(pieces):
            offset = begin / RATE
            for segment in self._transcribed(window, stretches):
                yield Segment(offset + segment.start, offset + segment.end, segment.text)
                heard(offset + segment.end)
            heard(offset + len(window) / RATE)

    def _transcribed(self, window: Audio, stretches: list[Stretch]) -> Iterator[Any]:
        if not stretches:
            return
        speech = np.concatenate([window[stretch["start"] : stretch["end"]] for stretch in stretches])
        found, info = self._model.transcribe(speech, language=self.language if self._sureness >= SURE else None)
        if info.language_probability > self._sureness:
            self.language, self._sureness = info.language, info.language_probability
        yield from restore_speech_timestamps(found, stretches, RATE)


def windows(pieces: Iterable[Samples]) -> Iterator[tuple[int, Audio, list[Stretch]]]:
    """For each window its first sample's number, its samples, and the stretches of speech in it."""
    begin, held, count = 0, list[Samples](), 0
    for piece in pieces:
        held.append(piece)
        count += len(piece)
        if count < WINDOW_SECONDS * RATE:
            continue
        samples = np.concatenate(held)
        window, stretches = _examined(samples)
        end = _cut(window, stretches)
        yield begin, window[:end], _until(stretches, end)
        begin, held, count = begin + end, [samples[end:].copy()], len(samples) - end
    if count:
        window, stretches = _examined(np.concatenate(held))
        yield begin, window, stretches


def _examined(samples: Samples) -> tuple[Audio, list[Stretch]]:
    window = samples.astype(np.float32) / np.float32(32768)
    return window, get_speech_timestamps(window, VadOptions(min_silence_duration_ms=PAUSE_MS))


def _cut(window: Audio, stretches: list[Stretch]) -> int:
    """Where the window ends: in a pause of its second half; what is said after it belongs to the next one."""
    if not stretches or len(window) - stretches[-1]["end"] > PAUSE_MS * RATE // 1000:
        return len(window)
    starts = [stretch["start"] for stretch in stretches if stretch["start"] >= len(window) // 2]
    return starts[-1] if starts else _quietest(window)


def _quietest(window: Audio) -> int:
    """The middle of the quietest tenth of a second of the last seconds."""
    frame = RATE // 10
    tail = window[-QUIET_SECONDS * RATE :].reshape(-1, frame)
    return len(window) - len(tail) * frame + int(np.abs(tail).sum(axis=1).argmin()) * frame + frame // 2


def _until(stretches: list[Stretch], end: int) -> list[Stretch]:
    return [
        {"start": stretch["start"], "end": min(stretch["end"], end)} for stretch in stretches if stretch["start"] < end
    ]
