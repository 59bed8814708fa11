"""Memories by what they say, "Anna works_for Acme", published without a parser, and the graph in words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.db import transaction

from memories.engine.resolution import resolve, words_before
from memories.engine.types import FactDraft, Mention, Reading
from memories.engine.types import Passage as PassageValue
from memories.graph import episodes, versions
from memories.models import (
    Entity,
    EntityAlias,
    FactSupport,
    Memory,
    Merge,
    NameKey,
    Passage,
    Project,
    Review,
    SearchDocument,
)
from memories.models import Mention as MentionRow

THINGS = {
    "Acme": "organization", "Acme Corp": "organization", "Globex": "organization", "Berlin": "location",
    "Leeds": "location", "Boston": "location", "Lisbon": "location", "IBM": "organization",
    "International Business Machines": "organization", "Microsoft": "organization", "Microsft": "organization",
}  # fmt: skip
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)


def say(project: Project, text: str, memory: Memory | None = None, day: int = 0) -> Memory:
    """Saves a memory of lines "subject predicate object", or says something else by one that is there.

    A line without a predicate only names somebody. Names have "_" for a space.
    """
    with transaction.atomic():
        if memory is None:
            memory = Memory.objects.create(project=project, reference_time=EPOCH + timedelta(days=day))
        memory.content = text.replace("_", " ")
        memory.save(update_fields=["content"])
        generation = versions.next_generation(memory)
        readings = list(_readings(text))
        passages = [
            Passage(
                memory=memory, generation=generation, position=one.passage.position, text=one.passage.text,
                start=one.passage.start, end=one.passage.end,
            )
            for one in readings
        ]  # fmt: skip
        Passage.objects.bulk_create(passages)
        mentions = [mention for one in readings for mention in one.mentions]
        before = [words_before(memory.content, mention.start) for mention in mentions]
        episode = episodes.Episode(
            memory, generation, readings, resolve(mentions, before), versions.current(project), "test-1"
        )
        episodes.publish(episodes.prepare(episode))
    memory.refresh_from_db()
    return memory


def _readings(text: str) -> Iterable[Reading]:
    start = 0
    for position, line in enumerate(text.split("\n")):
        shown = line.replace("_", " ")
        passage = PassageValue(position, start, start + len(shown), shown)
        yield _reading(passage, line)
        start += len(shown) + 1


def _reading(passage: PassageValue, line: str) -> Reading:
    words = line.split(" ")
    if words[0] in {"another", "a"}:  # "another Anna", "a different Anna"
        words = words[1:] if words[0] == "another" else words[2:]
    subject = _mention(passage, words[0], 0)
    if len(words) == 1:
        return Reading(passage, (subject,), ())
    predicate, target = words[1], words[2]
    if predicate == "born_at":
        day = datetime(int(target), 1, 1, tzinfo=UTC)
        fact = FactDraft(
            0, predicate, None, target, passage.text, passage.start, passage.end, valid_at=day, valid_precision="year"
        )
        return Reading(passage, (subject,), (fact,))
    object_ = _mention(passage, target, subject.end - passage.start)
    fact = FactDraft(0, predicate, 1, None, passage.text, passage.start, passage.end)
    return Reading(passage, (subject, object_), (fact,))


def _mention(passage: PassageValue, word: str, after: int) -> Mention:
    name = word.replace("_", " ")
    start = passage.start + passage.text.index(name, after)
    return Mention(name, start, start + len(name), "name", name, THINGS.get(name, "person"))


def graph(project: Project) -> dict[str, object]:
    """All that readers see, and what is derived beside it, in words."""
    documents = SearchDocument.objects.filter(project=project).exclude(kind="community")
    return {
        "entities": sorted(project.entities.values_list("name", "type", "mention_count", "fact_count")),
        "hidden": sorted(Entity.every.filter(project=project).values_list("key", "bearer", "merged_into__key")),
        "aliases": sorted(
            EntityAlias.objects.filter(project=project).values_list("entity__name", "read_as__key", "name")
        ),
        "keys": sorted(NameKey.objects.filter(project=project).values_list("entity__key", "entity__bearer", "key")),
        "facts": sorted(
            str(row)
            for row in project.facts.values_list(
                "subject__name", "predicate", "object__name", "value", "valid_at", "sentence", "expired_at"
            )
        ),
        "support": sorted(
            str(row)
            for row in FactSupport.objects.filter(fact__project=project).values_list(
                "fact__subject__name", "fact__object__name", "memory__content", "start", "read_subject__identity"
            )
        ),
        "mentions": sorted(
            MentionRow.objects.filter(entity__project=project).values_list("entity__name", "read_as__identity", "text")
        ),
        "documents": sorted(documents.exclude(kind="passage").values_list("kind", "text")),
        "reviews": sorted(
            str(row)
            for row in Review.objects.filter(project=project, state="open").values_list(
                "kind", "first_entity__name", "second_entity__name", "score"
            )
        ),
        "joined": sorted(
            Merge.objects.filter(project=project, automatic=True, undone_at=None).values_list(
                "source__name", "target__name", "score"
            )
        ),
    }


def copy_decisions(source: Project, target: Project) -> None:
    """What people decided in one project, for another that has not been told anything yet."""
    for merge in Merge.objects.filter(project=source, automatic=False, undone_at=None):
        Merge.objects.create(project=target, source_key=merge.source_key, target_key=merge.target_key)
    for review in Review.objects.filter(project=source, kind="merge").exclude(state="open"):
        Review.objects.create(
            project=target, kind="merge", pair=review.pair, state=review.state,
            first_key=review.first_key, second_key=review.second_key,
        )  # fmt: skip
