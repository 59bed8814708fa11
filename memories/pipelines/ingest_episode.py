"""Turns one memory into graph: an ordered list of stages, each a function."""

from __future__ import annotations

from functools import partial
from typing import Any

from memories import intake
from memories.engine.errors import InvalidSource
from memories.engine.extraction import LocalExtractor
from memories.engine.resolution import resolve
from memories.engine.types import Extractor, Source
from memories.graph import episodes, versions
from memories.graph import schema as project_schema
from memories.models import Memory
from memories.pipelines.extraction import Extracted, extract
from tasks_app.runner import Outcome, Progress

EXTRACTOR: Extractor = LocalExtractor()
DELETED = "The memory was deleted while it was read, so nothing was kept."


def run(progress: Progress) -> Outcome:
    progress.stage("start", 10, "Starting episode ingestion...")
    memory = memory_of(progress)
    return outcome(*worked_out(progress, memory, intake.source_of(memory)))


def memory_of(progress: Progress) -> Memory:
    """The task's memory with its project; InvalidSource when it was deleted."""
    memory = Memory.objects.select_related("project").filter(tasks=progress.task).first()
    if memory is None:
        raise InvalidSource("The memory was deleted before it was read, so there is nothing to do.")
    return memory


def worked_out(progress: Progress, memory: Memory, source: Source) -> tuple[Extracted, episodes.Prepared]:
    """The stages from the schema to the episode as it is to be published; the task has the graph lane then."""
    progress.stage("schema", 20, "Loading schema...")
    schema = project_schema.load(memory.project)
    extracted = extract(progress, memory, source, schema, EXTRACTOR)
    progress.stage("sync", 50, "Syncing schema...")
    progress.take_graph_lane()
    prepared = _resolve(extracted)
    progress.stage("communities", 75, "Updating communities...")
    return extracted, prepared


def _resolve(extracted: Extracted) -> episodes.Prepared:
    """Decides which entities of the graph, as it stands now, the mentions are, and makes the rows for it."""
    version = versions.current(extracted.memory.project)
    episode = episodes.Episode(
        memory=extracted.memory,
        generation=extracted.generation,
        readings=extracted.readings,
        resolution=resolve(*extracted.mentioned()),
        graph_version=version,
        extractor=extracted.extractor,
    )
    try:
        return episodes.prepare(episode)
    except Memory.DoesNotExist:
        raise InvalidSource(DELETED) from None


def outcome(extracted: Extracted, prepared: episodes.Prepared) -> Outcome:
    return Outcome(
        result=counted(extracted, prepared),
        message=". ".join(filter(None, ["Episode ingestion completed", extracted.remark])),
        effects=partial(_publish, prepared),
        again=lambda: outcome(extracted, _resolve(extracted)),
    )


def counted(extracted: Extracted, prepared: episodes.Prepared) -> dict[str, Any]:
    """What came of it, in numbers."""
    return {
        "passages": len(extracted.readings),
        "entities": len(prepared.entities),
        "facts": sum(len(reading.facts) for reading in extracted.readings),
        **extracted.told,
    }


def _publish(prepared: episodes.Prepared) -> None:
    """The graph and its communities change with the task's completion, or not at all."""
    try:
        episodes.publish(prepared)
    except Memory.DoesNotExist:
        raise InvalidSource(DELETED) from None
