"""`python -m memories.engine.speech.child PARENT`: reads one recording and says what it finds, on standard output.

The order is the first line of standard input, a JSON object; the answers are lines of JSON arrays, a word first.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from memories.engine.documents.confinement import confine, die_with
from memories.engine.documents.errors import UnreadableDocument
from memories.engine.documents.limits import Limits

NICENESS = 5  # pages come first on a small machine


class _Voice:
    """The parent's ear. What a library prints goes elsewhere."""

    def __init__(self) -> None:
        self._pipe: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def say(self, word: str, *values: Any) -> None:
        self._pipe.write(json.dumps([word, *values]) + "\n")
        self._pipe.flush()


def main() -> None:
    voice, lifeline = _Voice(), sys.stdin.buffer
    order = json.loads(lifeline.readline())
    die_with(int(sys.argv[1]), lifeline)
    os.nice(NICENESS)
    try:
        {"look": _look, "listen": _listen}[order["do"]](Path(order["path"]), order, voice)
    except UnreadableDocument as refusal:
        voice.say("unreadable", str(refusal))
    except MemoryError:
        voice.say("no_memory")
    except Exception:  # whatever a library makes of a broken file
        voice.say("broken", traceback.format_exc())
    os._exit(0)  # nothing to tidy up, and the thread that waits for the parent's end would be in the way


def _look(path: Path, order: dict[str, Any], voice: _Voice) -> None:
    from memories.engine.speech.sound import look

    confine(_limits(order))
    voice.say("recording", asdict(look(path)))


def _listen(path: Path, order: dict[str, Any], voice: _Voice) -> None:
    from memories.engine.speech.listening import Listener
    from memories.engine.speech.sound import samples

    listener = Listener(Path(order["weights"]), order["threads"])
    voice.say("heard", 0.0)
    confine(_limits(order))
    for segment in listener.segments(samples(path, order["most_seconds"]), lambda second: voice.say("heard", second)):
        voice.say("segment", segment.start, segment.end, segment.text)
    voice.say("language", listener.language)


def _limits(order: dict[str, Any]) -> Limits:
    return Limits(memory_bytes=order["memory_bytes"], cpu_seconds=order["cpu_seconds"])


if __name__ == "__main__":
    main()
