"""`python -m memories.engine.feeds.child PARENT`: reads one feed and says what is in it, on standard output."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from memories.engine.documents.confinement import confine, die_with
from memories.engine.documents.errors import UnreadableDocument
from memories.engine.documents.limits import MEGABYTE, Limits
from memories.engine.feeds.model import Answer, Job
from memories.engine.feeds.parsing import parse

DAMAGED = "This feed is damaged, so nothing in it could be read."
LIMITS = Limits(memory_bytes=768 * MEGABYTE, cpu_seconds=20)


def main() -> None:
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints goes elsewhere
    lifeline = sys.stdin.buffer
    job = msgspec.json.decode(lifeline.readline(), type=Job)
    die_with(int(sys.argv[1]), lifeline)
    data = Path(job.path).read_bytes()
    confine(LIMITS)
    try:
        answer = Answer(parse(data, job.url, job.content_type))
    except UnreadableDocument as error:
        answer = Answer(refusal=str(error))
    except MemoryError:
        os._exit(1)
    except Exception:  # whatever the library makes of a broken feed
        answer = Answer(refusal=DAMAGED)
    pipe.write(msgspec.json.encode(answer))
    pipe.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
