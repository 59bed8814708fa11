"""Reads passages by the language model, and by another extractor what the model can't.

A batch is one question; the next ones are asked while the first is still under way. What the model has answered goes
into the reader's state, so an attempt after this one does not pay for it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

from memories.engine.batching import batches
from memories.engine.types import Extractor, Passage, Reader, Reading, Schema, Source
from memories.llm.calls import Answer, Asking, Model
from memories.llm.failures import BadAnswer, LlmFailure
from memories.llm.grounding import Ground
from memories.llm.notes import BEFORE, question, understood

VERSION = 1  # of the prompt, and of what is taken from an answer
PATIENCE = 3  # batches one after the other without a usable answer, before the model is not asked again
OFF = "It was not asked again after {} failures."


@dataclass(slots=True)
class Report:
    """How the reading of one memory went; batches are counted as `parts`."""

    parts: int = 0
    parts_by_model: int = 0
    dropped: int = 0
    failures: int = 0  # one after the other, up to now
    off: bool = False
    fallback: str = ""  # why the model did not read all, at first


class LlmExtractor:
    """`model` reads, `local` what it can't; `report` tells of the memory that was begun last."""

    def __init__(self, model: Model, local: Extractor) -> None:
        self.model, self.local = model, local
        self.report = Report()

    @property
    def version(self) -> str:
        return f"llm-{VERSION}:{self.model.endpoint.model}"[:64]

    def begin(
        self, source: Source, passages: Sequence[Passage], schema: Schema, state: Mapping[str, Any] | None = None
    ) -> Reader:
        self.report = Report(**state["report"]) if state else Report()
        if state:
            self.model.budget.restore(state["budget"])
        return _Reader(self, source, passages, schema, state or {})

    def told(self) -> dict[str, Any]:
        """What the task says of it in its result."""
        report, budget = self.report, self.model.budget
        llm: dict[str, Any] = {
            "model": self.model.endpoint.model,
            "parts": report.parts,
            "parts_by_model": report.parts_by_model,
            "not_in_the_text": report.dropped,
            "tokens_in": budget.tokens_in,
            "tokens_out": budget.tokens_out,
        }
        if report.fallback:
            llm["fallback"] = report.fallback
        by = "llm" if report.parts_by_model == report.parts else "llm and local" if report.parts_by_model else "local"
        return {"extractor": by, "llm": llm}

    def sentence(self) -> str:
        """The same for the task's message; empty when the model read everything."""
        report = self.report
        if not report.fallback:
            return ""
        left = report.parts - report.parts_by_model
        return f"The language model did not read {left:,} of {report.parts:,} parts: {report.fallback}"


class _Reader:
    """One memory's way through the model."""

    def __init__(
        self,
        extractor: LlmExtractor,
        source: Source,
        passages: Sequence[Passage],
        schema: Schema,
        state: Mapping[str, Any],
    ) -> None:
        self._extractor, self._model, self._report = extractor, extractor.model, extractor.report
        self._source, self._passages, self._schema = source, passages, schema
        self._ground = Ground(source, passages, schema)
        self._local = extractor.local.begin(source, passages, schema, state.get("local"))
        self._answers = {int(place): Answer(text) for place, text in state.get("answers", {}).items()}
        self._asked: dict[int, Asking] = {}

    def state(self) -> dict[str, Any]:
        came = {place: asked.result() for place, asked in self._asked.items() if _came(asked)}
        return {
            "local": self._local.state(),
            "report": asdict(self._report),
            "budget": self._model.budget.state(),
            "answers": {str(place): answer.text for place, answer in (self._answers | came).items()},
        }

    def read(self, passages: Sequence[Passage]) -> Iterable[Reading]:
        self._report.parts += 1
        try:
            readings = self._by_model(passages)
        except LlmFailure as failure:
            self._failed(failure)
            version = self._extractor.local.version
            return [replace(reading, extractor=version) for reading in self._local.read(passages)]
        self._report.parts_by_model += 1
        self._report.failures = 0
        return readings

    def _failed(self, failure: LlmFailure) -> None:
        report = self._report
        report.failures += 1
        report.fallback = report.fallback or str(failure)
        if not report.off and (failure.final or report.failures >= PATIENCE):
            report.off = True
            for asked in self._asked.values():
                asked.cancel()
            self._asked.clear()
            self._answers.clear()

    def _by_model(self, passages: Sequence[Passage]) -> list[Reading]:
        if self._report.off:
            raise LlmFailure(OFF.format(PATIENCE))
        answer = self._answer(passages)
        notes = understood(answer.text, len(passages))
        version = self._extractor.version
        found = [self._ground.reading(passage, note, version) for passage, note in zip(passages, notes, strict=True)]
        kept, dropped = sum(each.kept for each in found), sum(each.dropped for each in found)
        self._report.dropped += dropped
        if dropped > kept:
            raise BadAnswer("Most of what it noted is not in the text.")
        return [each.reading for each in found]

    def _answer(self, passages: Sequence[Passage]) -> Answer:
        """The answer to the question of this batch; meanwhile the next ones are asked."""
        first = passages[0].position
        if first in self._answers:
            return self._answers.pop(first)
        if first not in self._asked:
            self._asked[first] = self._ask(passages)
        self._ask_ahead(passages[-1].position + 1)
        return self._model.wait(self._asked.pop(first))

    def _ask_ahead(self, start: int) -> None:
        """The caller makes its batches in the same way, so the questions will be those that are asked here."""
        following = islice(batches(self._passages[start:], lambda passage: len(passage.text)), self._ahead)
        for batch in following:
            place = batch[0].position
            if place in self._asked or place in self._answers:
                continue
            if not self._model.budget.allows(self._question(batch).tokens):
                return
            self._asked[place] = self._ask(batch)

    @property
    def _ahead(self) -> int:
        return self._model.endpoint.concurrency - 1

    def _ask(self, passages: Sequence[Passage]) -> Asking:
        return self._model.ask(self._question(passages))

    def _question(self, passages: Sequence[Passage]) -> Any:
        first = passages[0].position
        return question(self._source, self._passages[max(0, first - BEFORE) : first], passages, self._schema)


def _came(asked: Asking) -> bool:
    return asked.done() and not asked.cancelled() and asked.exception() is None
