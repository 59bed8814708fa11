"""What publishing one long memory takes, without the models: clock, memory, and how long the one writer is held.

`python -m bench.ingest_publish [--megabytes 2] [--readings FILE] [--again] [--postgres] [--profile]`: FILE keeps what
the extractor read of the made up text, so that only the first run needs the models (a minute for a megabyte). The
passages have no vectors here. The database is in a folder that is removed. `--again` publishes the memory once more.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memories.engine.types import Reading
    from memories.models import Memory

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "memstack.settings")
WHEN = datetime(2024, 5, 7, tzinfo=UTC)
FRAME = 4  # bytes of the length before each batch


def main() -> None:
    options = arguments()
    keep_readings(options.readings, options.megabytes)
    with tempfile.TemporaryDirectory(prefix="memstack-publish-") as folder:
        from bench.imports import database

        with database(options.postgres) as url:
            os.environ["MEMSTACK_DATA_DIR"] = folder
            os.environ.pop("DATABASE_URL", None)
            if url:
                os.environ["DATABASE_URL"] = url
            import django

            django.setup()
            from django.core.management import call_command

            call_command("migrate", verbosity=0)
            memory = saved_memory()
            for _ in range(1 + options.again):
                measure(memory, options)
            from django.db import connections

            connections.close_all()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=2)
    parser.add_argument("--readings", type=Path, default=Path(tempfile.gettempdir()) / "memstack-readings.bin")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--profile", action="store_true")
    return parser.parse_args()


# --- what was read, kept in a file


def keep_readings(file: Path, megabytes: float) -> None:
    """Reads the made up text, where the file has not that much of it."""
    if file.exists() and covers(file, megabytes):
        return
    import msgspec

    from bench.ingest_texts import made_up
    from memories.engine.batching import batches
    from memories.engine.extraction import LocalExtractor
    from memories.engine.passages import split
    from memories.engine.types import Schema, Source

    source = Source(made_up(int(megabytes * 2**20)), "text", WHEN)
    pieces = split(source)
    reader = LocalExtractor().begin(source, pieces, Schema(frozenset()))
    with file.open("wb") as out:
        for batch in batches(pieces, lambda passage: len(passage.text)):
            data = msgspec.msgpack.encode(list(reader.read(batch)))
            out.write(len(data).to_bytes(FRAME, "little") + data)


def covers(file: Path, megabytes: float) -> bool:
    return max((batch[-1].passage.end for batch in kept(file)), default=0) >= 0.99 * megabytes * 2**20


def kept(file: Path, megabytes: float | None = None) -> Iterator[list[Reading]]:
    """The batches up to so many characters."""
    import msgspec

    from memories.engine.types import Reading

    with file.open("rb") as source:
        while length := source.read(FRAME):
            batch = msgspec.msgpack.decode(source.read(int.from_bytes(length, "little")), type=list[Reading])
            if megabytes is not None and batch[-1].passage.end > megabytes * 2**20:
                return
            yield batch


# --- the measurement


def saved_memory() -> Memory:
    from django.contrib.auth.models import User

    from memories import services
    from memories.models import Memory

    project = services.create_project(User.objects.create(username="bench"), name="Bench")
    return Memory.objects.create(project=project, reference_time=WHEN, title="Made up")


def measure(memory: Memory, options: argparse.Namespace) -> None:
    """Prints a line: what the way from the readings to the published memory took."""
    from memories.engine.packing import Packed
    from memories.pipelines import extraction, ingest_episode

    generation = write_passages(memory, options)
    idle = megabytes_now()
    with watched() as sizes:
        begun = time.perf_counter()
        batches = kept(options.readings, options.megabytes)
        extracted = extraction.Extracted(memory, generation, Packed(one for batch in batches for one in batch), "local")
        prepared = ingest_episode._resolve(extracted)
        result = ingest_episode.counted(extracted, prepared)
        before = time.perf_counter() - begun
        held, profile = publish(prepared, options)
    if profile is not None:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(60)
    print(
        f"{result['passages']:,} passages, {result['entities']:,} entities, {result['facts']:,} facts: "
        f"before {before:.1f} s, transaction {held:.1f} s, memory +{max(sizes) - idle:.0f} MB, "
        f"afterwards +{megabytes_now() - idle:.0f} MB",
        flush=True,
    )


def write_passages(memory: Memory, options: argparse.Namespace) -> int:
    from memories.graph import versions
    from memories.graph.episodes import _passage_row
    from memories.models import Passage

    generation = versions.next_generation(memory)
    for batch in kept(options.readings, options.megabytes):
        Passage.objects.bulk_create([_passage_row(memory, generation, reading.passage) for reading in batch])
    return generation


def publish(prepared: Any, options: argparse.Namespace) -> tuple[float, cProfile.Profile | None]:
    from django.db import transaction

    from memories.graph import episodes

    profile = cProfile.Profile() if options.profile else None
    with profile or nullcontext():
        begun = time.perf_counter()
        with transaction.atomic():
            episodes.publish(prepared)
        return time.perf_counter() - begun, profile


def megabytes_now() -> float:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


@contextmanager
def watched() -> Iterator[list[float]]:
    """How large the process is, again and again until the block ends."""
    sizes = [megabytes_now()]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            sizes.append(megabytes_now())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield sizes
    finally:
        ended.set()
        thread.join()


if __name__ == "__main__":
    main()
