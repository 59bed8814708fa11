"""Recordings as samples: what a file holds, and its sound as 16,000 mono samples a second, a piece at a time.

Runs in the child process only: what FFmpeg makes of a stranger's file must not take a worker along. It opens the one
file that it is given, since formats that refer to others (playlists, manifests) are not among those it may read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.resampler import AudioResampler
from av.container import InputContainer

from memories.engine.documents.errors import UnreadableDocument
from memories.engine.speech.model import Recording

RATE = 16_000
FORMATS = "mov,matroska,webm,ogg,flac,mp3,wav,w64,aac,aiff,caf,avi,asf,mpegts,mpeg,amr,au,flv"
GAP_SECONDS = 0.5
Samples = npt.NDArray[np.int16]
DAMAGED = (
    "This is not a recording that can be played, or it is damaged or cut off. Nothing was kept of it; "
    "get the file once more and add it again."
)
NO_SOUND = "This video has no sound, so there is nothing to write down."
EMPTY = "This recording has no length: it holds no sound at all."


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """The file as a container; UnreadableDocument when it is none, or breaks off while it is read."""
    try:
        with av.open(
            str(path.resolve()),
            metadata_errors="ignore",
            container_options={"format_whitelist": FORMATS, "protocol_whitelist": "file"},
        ) as container:
            yield container
    except EOFError as error:
        raise UnreadableDocument(EMPTY) from error
    except av.error.FFmpegError as error:
        raise UnreadableDocument(DAMAGED) from error


def look(path: Path) -> Recording:
    """Tells what the file holds, without decoding it."""
    with opened(path) as container:
        pictures = [stream for stream in container.streams.video if not _is_cover(stream)]
        if not container.streams.audio:
            raise UnreadableDocument(NO_SOUND if pictures else DAMAGED)
        duration = _duration(container)
        if duration <= 0:
            raise UnreadableDocument(EMPTY)
        codec = container.streams.audio[0].codec.canonical_name
        return Recording(duration, has_audio=True, kind="video" if pictures else "audio", codec=codec)


def _is_cover(stream: Any) -> bool:
    """A picture that belongs to a recording of sound."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _duration(container: InputContainer) -> float:
    """Seconds, as the file says; where it says nothing (what browsers record), as its last packet says."""
    if container.duration and container.duration > 0:
        return container.duration / av.time_base
    stream = container.streams.audio[0]
    begin = (container.start_time or 0) / av.time_base
    end = 0.0
    for packet in container.demux(stream):
        if packet.pts is not None and stream.time_base is not None:
            end = max(end, float((packet.pts + (packet.duration or 0)) * stream.time_base) - begin)
    return end


def samples(path: Path, most_seconds: float) -> Iterator[Samples]:
    """The first track's sound in pieces, at most so many seconds; silence where the file says that there is a gap.

    Frames that can't be decoded are passed over, as players do.
    """
    most, given = int(most_seconds * RATE), 0
    with opened(path) as container:
        begin = (container.start_time or 0) / av.time_base
        for at, piece in _resampled(container):
            gap = 0 if at is None else int((at - begin) * RATE) - given
            if gap > GAP_SECONDS * RATE:
                yield from _silence(min(gap, most - given))
                given = min(given + gap, most)
            yield piece[: most - given]
            given += len(piece)
            if given >= most:
                return


def _silence(count: int) -> Iterator[Samples]:
    for start in range(0, count, RATE * 10):
        yield np.zeros(min(RATE * 10, count - start), np.int16)


def _resampled(container: InputContainer) -> Iterator[tuple[float | None, Samples]]:
    """Pieces with the second at which their frame stands, where that is known."""
    resampler = _resampler()
    for frame in _frames(container):
        at = frame.time
        try:
            pieces = resampler.resample(frame)
        except ValueError:  # the recording goes on in another rate or with other channels
            yield from ((None, _flat(piece)) for piece in resampler.resample(None))
            resampler = _resampler()
            pieces = resampler.resample(frame)
        for piece in pieces:
            yield at, _flat(piece)
    yield from ((None, _flat(piece)) for piece in resampler.resample(None))


def _resampler() -> AudioResampler:
    return AudioResampler(format="s16", layout="mono", rate=RATE)


def _flat(frame: av.AudioFrame) -> Samples:
    return frame.to_ndarray().reshape(-1).astype(np.int16, copy=False)


def _frames(container: InputContainer) -> Iterator[av.AudioFrame]:
    """The frames that can be decoded, up to where the file breaks off; UnreadableDocument when there are none."""
    found = False
    for packet in _packets(container):
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            continue
        for frame in frames:
            found = True
            yield frame
    if not found:
        raise UnreadableDocument(DAMAGED)


def _packets(container: InputContainer) -> Iterator[av.Packet[av.AudioStream]]:
    packets = container.demux(container.streams.audio[0])
    while True:
        try:
            yield next(packets)
        except (StopIteration, av.error.FFmpegError):
            return
