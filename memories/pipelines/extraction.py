"""Reads a memory batch by batch. What was read is kept with what was written, so that no attempt reads it twice.

Where a language model is configured it reads, and the extractor that is given reads what the model can't.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from django.db import transaction

from memories.engine import passages as splitting
from memories.engine.batching import batches
from memories.engine.extraction import conforming, settling
from memories.engine.packing import Packed
from memories.engine.resolution import words_before
from memories.engine.types import Extractor, Mention, Reading, Schema, Source
from memories.graph import episodes, versions
from memories.llm import endpoint
from memories.models import Memory, Passage
from tasks_app import checkpoints
from tasks_app.models import TaskLog
from tasks_app.runner import Progress

PLACE, READINGS = "extract.place", "extract.readings"


@dataclass(frozen=True)
class Extracted:
    """One memory, read whole and not yet resolved; its passages are written under `generation`, unpublished."""

    memory: Memory
    generation: int
    readings: Collection[Reading]
    extractor: str
    told: dict[str, Any] = field(default_factory=dict)  # for the task's result
    remark: str = ""  # for its message

    def mentioned(self) -> tuple[list[Mention], list[str]]:
        """What resolution reads: the mentions, those of one name as one object and without their places, and what
        stands before each name."""
        same: dict[tuple[str, str, str], Mention] = {}
        mentions, before = [], []
        for reading in self.readings:
            for one in reading.mentions:
                bare = Mention("", 0, 0, one.kind, one.name, one.type)
                mentions.append(same.setdefault((one.kind, one.name, one.type), bare))
                is_name = one.kind == "name"
                before.append(words_before(reading.passage.text, one.start - reading.passage.start) if is_name else "")
        return mentions, before


@dataclass(frozen=True, slots=True)
class Place:
    """How far the reading got. `subject` is a digest of all that it depends on, `state` the reader's own."""

    subject: str
    generation: int
    passages: int = 0
    batches: int = 0
    state: dict[str, Any] | None = None


@dataclass(slots=True)
class _Course:
    """One attempt's way through a memory."""

    memory: Memory
    title: str
    task: TaskLog
    place: Place
    readings: Packed


def extract(progress: Progress, memory: Memory, source: Source, schema: Schema, extractor: Extractor) -> Extracted:
    """Reads the source from where the last attempt got to; each batch is written before the next is read."""
    model = endpoint.configured()
    if model is None:
        return _extract(progress, memory, source, schema, extractor)
    return _extract_by_model(progress, memory, source, schema, extractor, found=model)


def _extract_by_model(
    progress: Progress, memory: Memory, source: Source, schema: Schema, local: Extractor, *, found: endpoint.Endpoint
) -> Extracted:
    from memories.llm.calls import Model
    from memories.llm.extractor import LlmExtractor

    with Model(found, progress.checkpoint) as model:
        extractor = LlmExtractor(model, local)
        try:
            extracted = _extract(progress, memory, source, schema, extractor)
        finally:
            progress.meter.count_tokens(model.budget.tokens)
    return replace(extracted, told=extractor.told(), remark=extractor.sentence())


def _extract(progress: Progress, memory: Memory, source: Source, schema: Schema, extractor: Extractor) -> Extracted:
    pieces = splitting.split(source)
    subject = _digest(source, schema, extractor)
    place, readings = _resumed(progress.task, memory, subject) or (_begun(progress, memory, subject), Packed())
    course = _Course(memory, source.title, progress.task, place, readings)
    done = len(readings)
    progress.weigh(len(pieces))
    progress.stage("extract", 30, "Extracting entities and relationships...", total=len(pieces), done=done)
    reader = extractor.begin(source, pieces, schema, course.place.state)
    for batch in batches(pieces[done:], lambda passage: len(passage.text)):
        progress.checkpoint()
        _save(progress, course, list(reader.read(batch)), reader.state())
        progress.count(len(course.readings), len(pieces), low=30, high=50)
    readings = Packed(conforming(settling(course.readings), schema))
    return Extracted(memory, course.place.generation, readings, extractor.version)


def _digest(source: Source, schema: Schema, extractor: Extractor) -> str:
    said = msgspec.json.encode((source, schema, extractor.version), order="deterministic")
    return hashlib.sha256(said).hexdigest()


def _resumed(task: TaskLog, memory: Memory, subject: str) -> tuple[Place, Packed] | None:
    """Where an earlier attempt got to, when it read the same with the same extractor and all it wrote is there."""
    place = next(iter(checkpoints.load(task, PLACE, Place)), None)
    if place is None or place.subject != subject:
        return None
    readings = Packed()
    for number in range(1, place.batches + 1):
        for batch in checkpoints.load(task, READINGS, tuple[Reading, ...], number):
            readings.add(batch)
    written = Passage.objects.filter(memory=memory, generation=place.generation).count()
    if not place.passages == len(readings) == written:
        return None
    return place, readings


def _begun(progress: Progress, memory: Memory, subject: str) -> Place:
    """A reading from the beginning; what earlier attempts left is removed."""
    with transaction.atomic():
        progress.hold()
        checkpoints.drop(progress.task, PLACE, READINGS)
        generation = versions.next_generation(memory)
    episodes.remove_unpublished(memory, generation)
    return Place(subject, generation)


def _save(progress: Progress, course: _Course, batch: list[Reading], state: dict[str, Any]) -> None:
    """Writes the batch and where it ends in one transaction, and only while the attempt owns the task."""
    last, previous = course.place, course.readings.last.passage if course.readings.last else None
    place = Place(last.subject, last.generation, last.passages + len(batch), last.batches + 1, state)
    passages = [reading.passage for reading in batch]
    new = episodes.embedded_passages(course.memory, course.title, place.generation, passages, previous)
    with transaction.atomic():
        progress.hold()
        episodes.write_passages(new)
        checkpoints.keep(course.task, READINGS, batch, place.batches)
        checkpoints.keep(course.task, PLACE, place)
    course.place = place
    course.readings.add(batch)
