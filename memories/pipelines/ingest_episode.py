"""Turns one memory into graph: an ordered list of stages, each a function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from memories import intake
from memories.engine import passages as splitting
from memories.engine.batching import batches
from memories.engine.errors import InvalidSource
from memories.engine.extraction import LocalExtractor, settled
from memories.engine.resolution import lookup_keys, resolve
from memories.engine.types import Extractor, Mention, Passage, Reading, Schema, Source
from memories.graph import episodes, versions
from memories.models import Memory
from tasks_app.runner import Outcome, Progress

EXTRACTOR: Extractor = LocalExtractor()


@dataclass(frozen=True)
class Extracted:
    """One memory, read whole and not yet resolved; its passages are written under `generation`, unpublished."""

    memory: Memory
    generation: int
    readings: Sequence[Reading]

    @property
    def mentions(self) -> list[Mention]:
        return [mention for reading in self.readings for mention in reading.mentions]


def run(progress: Progress) -> Outcome:
    progress.stage("start", 10, "Starting episode ingestion...")
    memory = _memory(progress)
    progress.stage("schema", 20, "Loading schema...")
    schema = episodes.load_schema(memory.project)
    source = intake.source_of(memory)
    pieces = splitting.split(source)
    progress.stage("extract", 30, "Extracting entities and relationships...", total=len(pieces))
    extracted = _extract(progress, memory, source, schema, pieces)
    progress.stage("sync", 50, "Syncing schema...")
    progress.take_graph_lane()
    episode = _resolve(extracted)
    progress.stage("communities", 75, "Updating communities...")
    return _outcome(extracted, episode)


def _memory(progress: Progress) -> Memory:
    memory = Memory.objects.select_related("project").filter(tasks=progress.task).first()
    if memory is None:
        raise InvalidSource("The memory was deleted before it was read, so there is nothing to do.")
    return memory


def _extract(
    progress: Progress, memory: Memory, source: Source, schema: Schema, pieces: Sequence[Passage]
) -> Extracted:
    """Reads the passages batch by batch; each batch is written before the next is read."""
    episodes.remove_unpublished(memory)
    generation = versions.next_generation(memory)
    readings: list[Reading] = []
    for batch in batches(EXTRACTOR.read(source, pieces, schema), lambda reading: len(reading.passage.text)):
        progress.checkpoint()
        previous = readings[-1].passage if readings else None
        episodes.write_passages(memory, generation, [reading.passage for reading in batch], previous)
        readings += batch
        progress.count(len(readings), len(pieces), low=30, high=50)
    return Extracted(memory, generation, settled(readings))


def _resolve(extracted: Extracted) -> episodes.Episode:
    """Decides which entities of the graph, as it stands now, the mentions are."""
    project = extracted.memory.project
    version = versions.current(project)
    known = episodes.known_entities(project, lookup_keys(extracted.mentions))
    return episodes.Episode(
        memory=extracted.memory,
        generation=extracted.generation,
        readings=extracted.readings,
        resolution=resolve(extracted.mentions, known),
        graph_version=version,
        extractor=EXTRACTOR.version,
    )


def _outcome(extracted: Extracted, episode: episodes.Episode) -> Outcome:
    result = {
        "passages": len(episode.readings),
        "entities": len(episode.resolution.entities),
        "facts": sum(len(reading.facts) for reading in episode.readings),
    }
    return Outcome(
        result=result,
        message="Episode ingestion completed",
        effects=partial(_publish, episode),
        again=lambda: _outcome(extracted, _resolve(extracted)),
    )


def _publish(episode: episodes.Episode) -> None:
    """The graph and its communities change with the task's completion, or not at all."""
    try:
        episodes.publish(episode)
    except Memory.DoesNotExist:
        raise InvalidSource("The memory was deleted while it was read, so nothing was kept.") from None
