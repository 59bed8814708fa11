"""Turns one memory into graph: an ordered list of stages, each a function."""

from __future__ import annotations

from functools import partial

from memories.engine.errors import InvalidSource
from memories.engine.extraction import LocalExtractor
from memories.engine.resolution import lookup_keys, resolve
from memories.engine.types import Extractor
from memories.graph import episodes, versions
from memories.models import Memory
from memories.pipelines.extraction import Extracted, extract
from tasks_app.runner import Outcome, Progress

EXTRACTOR: Extractor = LocalExtractor()


def run(progress: Progress) -> Outcome:
    progress.stage("start", 10, "Starting episode ingestion...")
    memory = _memory(progress)
    progress.stage("schema", 20, "Loading schema...")
    schema = episodes.load_schema(memory.project)
    extracted = extract(progress, memory, schema, EXTRACTOR)
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
        extractor=extracted.extractor,
    )


def _outcome(extracted: Extracted, episode: episodes.Episode) -> Outcome:
    result = {
        "passages": len(episode.readings),
        "entities": len(episode.resolution.entities),
        "facts": sum(len(reading.facts) for reading in episode.readings),
        **extracted.told,
    }
    return Outcome(
        result=result,
        message=". ".join(filter(None, ["Episode ingestion completed", extracted.remark])),
        effects=partial(_publish, episode),
        again=lambda: _outcome(extracted, _resolve(extracted)),
    )


def _publish(episode: episodes.Episode) -> None:
    """The graph and its communities change with the task's completion, or not at all."""
    try:
        episodes.publish(episode)
    except Memory.DoesNotExist:
        raise InvalidSource("The memory was deleted while it was read, so nothing was kept.") from None
