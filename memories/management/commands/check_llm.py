"""`manage.py check_llm`: asks the language model one question and says what works."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from memories.engine.types import Passage, Schema, Source
from memories.llm.endpoint import Endpoint, configured
from memories.llm.failures import LlmFailure
from memories.models.schema import BUILT_IN_ENTITY_TYPES

TEXT = "Anna Smith works for Acme in Berlin."
OFF = "No language model is configured. Set MEMSTACK_LLM_BASE_URL and MEMSTACK_LLM_MODEL to use one."


class Command(BaseCommand):
    help = "Asks the language model one question and says what works; fails when nothing does."

    def handle(self, *args: Any, **options: Any) -> None:
        found = configured()
        if found is None:
            raise CommandError(OFF)
        try:
            self._try(found)
        except LlmFailure as failure:
            raise CommandError(f"The language model can't be used. {failure}") from None

    def _try(self, endpoint: Endpoint) -> None:
        from memories.llm import dialects
        from memories.llm.calls import Model
        from memories.llm.grounding import Ground
        from memories.llm.notes import question, understood

        source = Source(TEXT, "text", datetime.now(UTC))
        passages = [Passage(0, 0, len(TEXT), TEXT)]
        schema = Schema(frozenset(BUILT_IN_ENTITY_TYPES))
        with Model(endpoint, lambda: None) as model:
            answer = model.wait(model.ask(question(source, [], passages, schema)))
            seconds = model.budget.seconds
        [notes] = understood(answer.text, 1)
        reading = Ground(source, passages, schema).reading(passages[0], notes, "").reading
        way = dialects.of(endpoint.base_url, endpoint.model).mode
        tokens = f"{answer.tokens_in:,} tokens in, {answer.tokens_out:,} out"
        self.stdout.write(f"{endpoint.model} answered in {seconds:.1f} s, asked by {way}: {tokens}.")
        self.stdout.write(f"Of one sentence it noted {len(reading.mentions)} names and {len(reading.facts)} facts.")
