"""The process that reads a recording: `python -m memories.engine.speech.child` with one JSON object as argument.

It writes what it finds as JSON lines (`process.py` reads them), ends when its standard input does, which is when its parent
dies, and stays within limits of memory and time.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from memories.engine.documents.errors import UnreadableDocument

NICENESS = 5  # pages come first on a small machine


def main(order: dict[str, Any]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (order["memory"], order["memory"]))
    resource.setrlimit(resource.RLIMIT_CPU, (order["cpu_seconds"], order["cpu_seconds"] + 5))
    try:
        {"look": _look, "listen": _listen}[order["do"]](Path(order["path"]), order)
    except UnreadableDocument as error:
        _say("unreadable", str(error))
    except MemoryError:
        _say("no_memory")


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # not through Python's buffer, whose lock would be missed at the end
    os._exit(1)


def _look(path: Path, _: dict[str, Any]) -> None:
    from memories.engine.speech.sound import look

    _say("recording", **asdict(look(path)))


def _listen(path: Path, order: dict[str, Any]) -> None:
    from memories.engine.speech.listening import Listener
    from memories.engine.speech.sound import samples

    listener = Listener(Path(order["weights"]), order["threads"])
    _say("heard", 0.0)
    for segment in listener.segments(samples(path, order["most_seconds"]), lambda second: _say("heard", second)):
        _say("segment", segment.start, segment.end, segment.text)
    _say("language", listener.language)


def _say(word: str, *values: Any, **named: Any) -> None:
    sys.stdout.write(json.dumps([word, *values, *([named] if named else [])]) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
