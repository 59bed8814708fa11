"""Any order of ingestion, edit, deletion and reprocessing ends in the graph of what remains, ingested in one go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from memories import services
from memories.engine.extraction import LocalExtractor
from memories.engine.types import Extractor, Passage, Reader, Reading, Schema, Source
from memories.models import EntityAlias, Fact, FactBelief, FactSupport, Memory, Mention, Project, SearchDocument
from memories.pipelines import ingest_episode
from memories.validation import NewMemory
from tests.memories.test_graph import run

pytestmark = pytest.mark.django_db(transaction=True)
TEXTS = (
    "Maria Costa lives in Lisbon.",
    "Maria Costa moved to Porto in 2021.",
    "Maria Costa lives in Porto. She works for Siemens.",
    "Maria Costa used to live in Lisbon.",
    "Maria Costa left Siemens in March 2022.",
    "Maria Costa works for Acme in Berlin.",
    "Maria Costa moved out of Porto.",
    "Peter Jones is married to Maria Costa.",
    "Maria Costa divorced Peter Jones.",
    "Nora Beck married Peter Jones in 2020.",
    "Maria Costa likes Redis. Maria Costa uses Redis.",
    "Maria Costa stopped using Redis.",
    "Peter Jones may move to Lisbon. Did Maria Costa leave Acme?",
    "Maria Costa was born in Graz. Graz lies in Austria.",
    "Maria Costa was born in Vienna.",
    "Peter Jones died in 2023.",
)
DAYS = [datetime(year, month, 1, tzinfo=UTC) for year in (2019, 2021, 2022, 2023) for month in (2, 8)]
WORDS = st.tuples(st.sampled_from(TEXTS), st.sampled_from(DAYS))
STEPS = st.tuples(st.sampled_from(["save", "save", "edit", "date", "again", "delete"]), st.integers(0, 5), WORDS)
read: dict[tuple[str, datetime], list[Reading]] = {}


class Remembering:
    """The local extractor, which reads a text of a time once."""

    version = LocalExtractor.version

    def begin(
        self, source: Source, passages: Sequence[Passage], schema: Schema, state: Mapping[str, Any] | None = None
    ) -> Reader:
        return _Remembered(source, LocalExtractor().begin(source, passages, schema, state))


class _Remembered:
    def __init__(self, source: Source, reader: Reader) -> None:
        self.key = source.content, source.reference_time
        self.reader = reader

    def read(self, passages: Sequence[Passage]) -> list[Reading]:
        if self.key not in read:
            read[self.key] = list(self.reader.read(passages))
        return read[self.key]

    def state(self) -> dict[str, Any]:
        return {}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    extractor: Extractor = Remembering()
    monkeypatch.setattr(ingest_episode, "EXTRACTOR", extractor)


def save(user: User, project: Project, text: str, day: datetime) -> Memory:
    memory = services.create_memory(user, project, NewMemory(content=text, title="Note", reference_time=day))
    run(memory.task)
    return memory


def play(user: User, project: Project, steps: Sequence[tuple[str, int, tuple[str, datetime]]]) -> None:
    """Does the steps; a step names one of the memories that are there by its place."""
    there: list[Memory] = []
    for what, place, (text, day) in steps:
        if what == "save" or not there:
            there.append(save(user, project, text, day))
            continue
        memory = there[place % len(there)]
        memory.refresh_from_db()
        if what == "edit":
            run(services.update_memory(memory, {"content": text}))
        elif what == "date":
            run(services.update_memory(memory, {"reference_time": day}))
        elif what == "again":
            run(services.reprocess_memory(memory))
        else:
            foreseen = services.deletion_preview(memory)
            assert services.delete_memory(memory) == foreseen
            there.remove(memory)


def normalised(project: Project) -> dict[str, list[Any]]:
    """The graph in words: nothing of it depends on ids or on when it was saved."""
    facts = Fact.objects.filter(project=project).select_related("subject", "object", "invalidated_by")
    named = {fact.pk: _fact(fact) for fact in facts}
    support = FactSupport.objects.filter(fact__in=named).select_related("memory")
    documents = SearchDocument.objects.filter(project=project).exclude(kind="community")
    return {
        "entities": sorted(
            project.entities.values_list("name", "type", "mention_count", "fact_count", "first_seen_at", "last_seen_at")
        ),
        "aliases": sorted(EntityAlias.objects.filter(project=project).values_list("entity__name", "name")),
        "facts": sorted(
            (*words, named.get(fact.invalidated_by_id, ()) if fact.invalidated_by_id else ())
            for fact in facts
            for words in [named[fact.pk]]
        ),
        "mentions": sorted(
            Mention.objects.filter(entity__project=project).values_list(
                "entity__name", "memory__content", "memory__reference_time", "text", "start", "kind"
            )
        ),
        "support": sorted(
            (named[row.fact_id], row.memory.content, str(row.memory.reference_time), row.start, row.end)
            for row in support
        ),
        "documents": sorted(documents.values_list("kind", "text")),
    }


def _fact(fact: Fact) -> tuple[str, ...]:
    names = (
        "predicate", "value", "sentence", "valid_at", "invalid_at", "stated_invalid_at", "valid_precision", "polarity",
        "confidence", "extractor", "expired_at", "ends",
    )  # fmt: skip
    ends = fact.subject.name, fact.object.name if fact.object else ""
    return (*ends, *(str(getattr(fact, name)) for name in names))


courses = given(steps=st.lists(STEPS, min_size=2, max_size=9))
short = settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # a step takes its time, so nothing is shrunk
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@short
@courses
def test_any_order_ends_in_the_graph_of_what_remains(
    alice: User, quick: None, steps: list[tuple[str, int, tuple[str, datetime]]]
) -> None:
    live_and_compare(alice, steps)


@pytest.mark.slow
@settings(short, max_examples=40)
@courses
def test_any_of_many_orders_ends_in_the_graph_of_what_remains(
    alice: User, quick: None, steps: list[tuple[str, int, tuple[str, datetime]]]
) -> None:
    live_and_compare(alice, steps)


def live_and_compare(alice: User, steps: list[tuple[str, int, tuple[str, datetime]]]) -> None:
    lived, fresh = (services.create_project(alice, name=name) for name in ("Lived", "Fresh"))
    try:
        play(alice, lived, steps)
        remaining = sorted(lived.memories.values_list("content", "reference_time"))
        for text, day in remaining:
            save(alice, fresh, text, day)
        assert _differences(normalised(lived), normalised(fresh)) == {}, (steps, remaining)
        _assert_beliefs_are_of_what_is_there(lived)
    finally:
        lived.delete()
        fresh.delete()


def _differences(one: dict[str, list[Any]], other: dict[str, list[Any]]) -> dict[str, Any]:
    """What only one of the graphs has."""
    return {
        name: (
            [row for row in one[name] if row not in other[name]],
            [row for row in other[name] if row not in one[name]],
        )
        for name in one
        if one[name] != other[name]
    }


def _assert_beliefs_are_of_what_is_there(project: Project) -> None:
    """No belief is older than the oldest word of the memories that are there."""
    rows = FactSupport.objects.filter(fact__project=project)
    known = sorted(at for at in rows.values_list("known_at", flat=True) if at is not None)
    for belief in FactBelief.objects.filter(fact__project=project):
        assert belief.known_from >= known[0]
        assert belief.known_from in set(known)
