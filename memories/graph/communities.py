"""Communities in the database: the graph as arrays, the groups of a rebuild, and the swap that shows them.

A rebuild writes a generation of memberships that nobody reads, then makes it the project's own with one UPDATE.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import Count, QuerySet
from django.db.models.functions import Now
from uuid6 import uuid7

from memories.engine import communities as engine
from memories.engine import embedding
from memories.graph import placing, versions
from memories.graph.placing import SMALLEST, recount, search_text
from memories.models import (
    Community,
    CommunityMembership,
    Entity,
    Fact,
    FactSupport,
    Project,
    SearchDocument,
)

BATCH = 1000
SENTENCES_READ = 30
SENTENCES_SHOWN = 3


@dataclass(frozen=True)
class EntityGraph:
    """`edges` (m, 2) are indices into `ids`, each pair once; `weights` (m,) count the support of the facts between."""

    ids: Sequence[UUID]
    edges: np.ndarray[Any, np.dtype[np.int64]]
    weights: np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Group:
    """A community as detected; `id` is an older community's where enough of its members stayed together."""

    id: UUID
    carried: bool
    members: Sequence[UUID]
    name: str
    summary: list[dict[str, object]] = field(default_factory=list)


def load_graph(project: Project) -> EntityGraph:
    """The project's entities that a fact connects, and the connections: how often it is said, times its confidence."""
    rows = (
        Fact.objects.filter(project=project, expired_at=None, object__isnull=False)
        .order_by()
        .values_list("subject_id", "object_id", "confidence")
        .annotate(said=Count("support"))
    )
    weights: dict[tuple[UUID, UUID], float] = defaultdict(float)
    for subject, object_, confidence, said in rows.iterator(chunk_size=10_000):
        pair = (subject, object_) if subject < object_ else (object_, subject)
        weights[pair] += confidence * max(said, 1)
    ids = sorted({end for pair in weights for end in pair})
    place = {entity: index for index, entity in enumerate(ids)}
    edges = np.array([(place[a], place[b]) for a, b in weights], dtype=np.int64).reshape(-1, 2)
    return EntityGraph(ids, edges, np.array(list(weights.values()), dtype=np.float64))


def detect(graph: EntityGraph) -> list[list[UUID]]:
    """The members of each community of at least two, largest first."""
    labels = engine.detect(len(graph.ids), graph.edges, graph.weights)
    groups: dict[int, list[UUID]] = defaultdict(list)
    for entity, label in zip(graph.ids, labels.tolist(), strict=True):
        groups[label].append(entity)
    large = [members for members in groups.values() if len(members) >= SMALLEST]
    return sorted(large, key=lambda members: (-len(members), members[0]))


def current_members(project: Project) -> dict[UUID, frozenset[UUID]]:
    """The members of each community that readers see."""
    found: dict[UUID, set[UUID]] = defaultdict(set)
    rows = CommunityMembership.objects.filter(
        community__project=project, generation=project.community_generation
    ).values_list("community_id", "entity_id")
    for community, entity in rows:
        found[community].add(entity)
    return {community: frozenset(members) for community, members in found.items()}


# --- names and summaries


def describe(
    project: Project, graph: EntityGraph, groups: Sequence[Sequence[UUID]], checkpoint: Callable[[], None]
) -> list[Group]:
    """Names and summarises the groups; ids are carried over from the communities they came from."""
    carried = engine.match(current_members(project), [frozenset(members) for members in groups])
    rank = engine.pagerank(len(graph.ids), graph.edges, graph.weights)
    rank_of = dict(zip(graph.ids, rank.tolist(), strict=True))
    names = dict(Entity.objects.filter(project=project).values_list("pk", "name"))
    sentences = _sentences(project, groups)
    described = []
    for members, old, said in zip(groups, carried, sentences, strict=True):
        checkpoint()
        ranked = sorted(((names.get(entity, ""), rank_of[entity]) for entity in members), key=lambda item: -item[1])
        described.append(
            Group(
                id=old or uuid7(),
                carried=old is not None,
                members=members,
                name=engine.name(ranked, [])[:300],
                summary=_summary(said),
            )
        )
    return described


@dataclass(frozen=True)
class _Said:
    """A sentence of a community, with where it is said and the vector of its passage."""

    text: str
    memory: UUID
    start: int
    end: int
    vector: bytes


def _sentences(project: Project, groups: Sequence[Sequence[UUID]]) -> list[list[_Said]]:
    """For each group some sentences of the facts inside it."""
    group_of = {entity: index for index, members in enumerate(groups) for entity in members}
    facts: dict[UUID, int] = {}
    taken: dict[int, int] = defaultdict(int)
    inside = Fact.objects.filter(project=project, expired_at=None, polarity=Fact.Polarity.AFFIRMED)
    rows = inside.exclude(object=None).order_by("-confidence", "id").values_list("pk", "subject_id", "object_id")
    for fact, subject, object_ in rows.iterator(chunk_size=10_000):
        group = group_of.get(subject)
        if group is not None and group == group_of.get(object_) and taken[group] < SENTENCES_READ:
            facts[fact] = group
            taken[group] += 1
    said: list[dict[str, _Said]] = [{} for _ in groups]
    for chunk in _chunks(list(facts)):
        support = FactSupport.objects.filter(fact__in=chunk, passage__search_document__embedding__isnull=False)
        for fact, text, memory, start, end, vector in support.order_by("id").values_list(
            "fact_id", "fact__sentence", "memory_id", "start", "end", "passage__search_document__embedding"
        ):
            said[facts[fact]].setdefault(text, _Said(text, memory, start, end, bytes(vector or b"")))
    return [list(sentences.values()) for sentences in said]


def _summary(said: Sequence[_Said]) -> list[dict[str, object]]:
    if not said:
        return []
    vectors = embedding.from_bytes(b"".join(sentence.vector for sentence in said))
    chosen = engine.summarise([sentence.text for sentence in said], vectors, SENTENCES_SHOWN)
    return [
        {"text": said[i].text, "memory": str(said[i].memory), "start": said[i].start, "end": said[i].end}
        for i in chosen
    ]


# --- writing a generation


def remove_outdated(project: Project) -> None:
    """Deletes memberships and communities that readers no longer see, or that a rebuild left unfinished."""
    outdated = CommunityMembership.objects.filter(community__project=project).exclude(
        generation=project.community_generation
    )
    while batch := list(outdated.values_list("pk", flat=True)[:BATCH]):
        CommunityMembership.objects.filter(pk__in=batch).delete()
    Community.objects.filter(project=project).exclude(generation=project.community_generation).delete()


def write_groups(project: Project, generation: int, groups: Sequence[Group]) -> Iterable[int]:
    """Inserts communities and memberships of an unpublished generation by batches; yields the number written so far."""
    Community.objects.bulk_create(
        [
            Community(pk=group.id, project=project, generation=generation, name=group.name)
            for group in groups
            if not group.carried
        ],
        batch_size=BATCH,
    )
    rows = (
        CommunityMembership(community_id=group.id, entity_id=entity, generation=generation)
        for group in groups
        for entity in group.members
    )
    done = 0
    for chunk in _chunks(rows):
        here = set(Entity.objects.filter(pk__in=[row.entity_id for row in chunk]).values_list("pk", flat=True))
        CommunityMembership.objects.bulk_create([row for row in chunk if row.entity_id in here])
        done += len(chunk)
        yield done


def swap(project: Project, generation: int, groups: Sequence[Group], graph_version: int) -> None:
    """Makes the generation the one that readers see, in the caller's transaction; the others go.

    What was saved or deleted since the graph was read, at `graph_version`, is made up for instead of reading it again,
    so a rebuild ends however busy its project is.
    """
    versions.bump(project)  # locks the project's row: a deletion is seen whole here, or comes after
    changed = versions.current(project) != graph_version + 1
    rows = [
        Community(pk=group.id, project=project, generation=generation, name=group.name, summary=group.summary)
        for group in groups
    ]
    Community.objects.bulk_update(rows, ["generation", "name", "summary"], batch_size=BATCH)
    here = Community.objects.filter(project=project, generation=generation)
    here.update(rebuilt_at=Now())
    Project.objects.filter(pk=project.pk).update(community_generation=generation)
    Community.objects.filter(project=project).exclude(generation=generation).delete()
    CommunityMembership.objects.filter(community__project=project).exclude(generation=generation).delete()
    project.community_generation = generation
    hidden = CommunityMembership.objects.filter(generation=generation, entity__merged_into__isnull=False)
    hidden.filter(community__project=project).delete()
    if changed:
        placing.mend(project, {group.id for group in groups})
        _drop_unsaid(here)
    recount(project, {group.id for group in groups})
    placing.place(project, _unplaced(project))
    _index(project)


def _drop_unsaid(communities: QuerySet[Community]) -> None:
    """Takes sentences out of summaries that no memory says any more at their place."""
    rows = list(communities)
    memories = {str(sentence["memory"]) for community in rows for sentence in community.summary}
    said = {
        (str(memory), start, end, text)
        for chunk in _chunks(sorted(memories))
        for memory, start, end, text in FactSupport.objects.filter(memory__in=chunk).values_list(
            "memory_id", "start", "end", "fact__sentence"
        )
    }
    for community in rows:
        community.summary = [
            sentence
            for sentence in community.summary
            if (sentence["memory"], sentence["start"], sentence["end"], sentence["text"]) in said
        ]
    Community.objects.bulk_update(rows, ["summary"], batch_size=BATCH)


def _unplaced(project: Project) -> set[UUID]:
    """Entities that came, or were connected, after the rebuild read the graph."""
    placed = CommunityMembership.objects.filter(generation=project.community_generation).values("entity")
    entities = Entity.objects.filter(project=project, fact_count__gt=0).exclude(pk__in=placed)
    return set(entities.values_list("pk", flat=True))


def _index(project: Project) -> None:
    SearchDocument.objects.filter(project=project, kind="community").delete()
    communities = Community.objects.filter(project=project, generation=project.community_generation)
    SearchDocument.objects.bulk_create(
        [
            SearchDocument(
                project=project,
                kind="community",
                community=community,
                text=search_text(community),
            )
            for community in communities
        ],
        batch_size=BATCH,
    )


def _chunks(items: Iterable[Any]) -> Iterable[list[Any]]:
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
