"""A short recording of speech, and others made from it: in another format, longer, silent, with pictures, broken.

`austen.ogg` is five sentences of chapter 1 of Jane Austen's "Sense and Sensibility", read for LibriVox, which gives its
recordings to the public domain (librivox.org); they come from Debian's package pocketsphinx-testdata, under
`test/data/librivox`, with half a second of silence after each. `austen.txt` is what is said, a sentence a line.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer

FOLDER = Path(__file__).parent
SPEECH = FOLDER / "austen.ogg"
SENTENCES = (FOLDER / "austen.txt").read_text(encoding="utf-8").split("\n")[:-1]
SECONDS = 27.23
RATE = 16_000
Samples = npt.NDArray[np.int16]


def speech() -> Samples:
    """The recording's samples, 16,000 a second."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(str(SPEECH)) as container:
        frames = [piece for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE), np.int16)


def noise(seconds: float) -> Samples:
    """A hum and a hiss, as of a running machine."""
    at = np.arange(int(seconds * RATE)) / RATE
    hiss = np.random.default_rng(1).normal(0, 200, len(at))
    return np.asarray(800 * np.sin(2 * np.pi * 50 * at) + hiss).astype(np.int16)


def write(
    path: Path, samples: Samples | None, codec: str, *, pictures: bool = False, rate: int = RATE, **options: str
) -> Path:
    """Writes a recording in the format of the path's ending; without samples, only pictures."""
    seconds = len(samples) / RATE if samples is not None else 2.0
    with av.open(str(path), "w", options=options) as container:
        video = container.add_stream("mpeg4", rate=5) if pictures else None
        sound = container.add_stream(codec, rate=rate, layout="mono") if samples is not None else None
        if isinstance(video, av.VideoStream):
            _paint(container, video, int(seconds * 5))
        if isinstance(sound, av.AudioStream) and samples is not None:
            _play(container, sound, samples)
    return path


def _paint(container: OutputContainer, stream: av.VideoStream, count: int) -> None:
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    for _ in range(count):
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), format="rgb24")))
    container.mux(stream.encode(None))


def _play(container: OutputContainer, stream: av.AudioStream, samples: Samples) -> None:
    for start in range(0, len(samples), RATE):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + RATE], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
