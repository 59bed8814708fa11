"""What a recording is made of once it has been listened to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file holds. `duration` is in seconds; `codec` is FFmpeg's name of the sound's format, like `mp3`."""

    duration: float
    has_audio: bool
    kind: Literal["audio", "video"]
    codec: str


@dataclass(frozen=True, slots=True)
class Segment:
    """What was said between two seconds of the recording."""

    start: float
    end: float
    text: str
