"""`python -m memories.engine.documents.child PARENT`: reads one document and says what is in it, on standard output."""

from __future__ import annotations

import os
import sys
import time
import traceback
from typing import BinaryIO

from memories.engine.documents.confinement import confine, die_with
from memories.engine.documents.errors import UnreadableDocument
from memories.engine.documents.fitting import fitted
from memories.engine.documents.formats import reader_of
from memories.engine.documents.messages import Broken, Finished, Message, Progress, Refused, encode, read_job

PACE = 0.1  # seconds between two words of progress


class _Voice:
    """The parent's ear. What a library prints goes elsewhere."""

    def __init__(self) -> None:
        self._pipe: BinaryIO = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        self._said_at = 0.0

    def say(self, message: Message) -> None:
        self._pipe.write(encode(message) + b"\n")
        self._pipe.flush()

    def progress(self, done: int, total: int) -> None:
        now = time.monotonic()
        if done in {0, total} or now - self._said_at >= PACE:
            self._said_at = now
            self.say(Progress(done, total))


def main() -> None:
    voice = _Voice()
    lifeline = sys.stdin.buffer
    job = read_job(lifeline.readline())
    die_with(int(sys.argv[1]), lifeline)
    try:
        reader = reader_of(job.media_type, job.name)
        confine(job.limits)
        answer: Message = Finished(fitted(reader(job, voice.progress), job.limits))
    except UnreadableDocument as refusal:
        answer = Refused(str(refusal))
    except Exception as error:  # whatever a library makes of a broken file
        answer = _broken(error)
    _finish(voice, answer)


def _finish(voice: _Voice, answer: Message) -> None:
    try:
        voice.say(answer)
    except MemoryError as error:
        voice.say(_broken(error))
    os._exit(0)  # nothing to tidy up, and a large tree takes its time to be taken down


def _broken(error: Exception) -> Broken:
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    # libxml2 says it in words of its own
    return Broken(f"{type(error).__name__} at {place}", isinstance(error, MemoryError) or "emory" in str(error))


if __name__ == "__main__":
    main()
