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


def write(path: Path, samples: Samples | None, codec: str, *, pictures: bool = False, **options: str) -> Path:
    """Writes a recording in the format of the path's ending; without samples, only pictures."""
    seconds = len(samples) / RATE if samples is not None else 2.0
    with av.open(str(path), "w", options=options) as container:
        video = container.add_stream("mpeg4", rate=5) if pictures else None
        sound = container.add_stream(codec, rate=RATE, layout="mono") if samples is not None else None
        if video is not None:
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"  # type: ignore[union-attr]
            for _ in range(int(seconds * 5)):
                picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), format="rgb24")
                container.mux(video.encode(picture))  # type: ignore[union-attr]
            container.mux(video.encode(None))  # type: ignore[union-attr]
        if sound is not None and samples is not None:
            for start in range(0, len(samples), RATE):
                frame = av.AudioFrame.from_ndarray(samples[None, start : start + RATE], format="s16", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
                container.mux(sound.encode(frame))  # type: ignore[union-attr]
            container.mux(sound.encode(None))  # type: ignore[union-attr]
    return path
