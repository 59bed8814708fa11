"""Which entities are shown as one, decided anew around what changed, and what follows for everything that is read.

The outcome is that of deciding anew for the whole project: it depends on the mentions that there are and on what people
decided, not on the order in which they came.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from memories.engine.resolution.clustering import Clusters, Link, Node, Pair, Web, cluster
from memories.graph import bearers, bulk, doubts, likenesses, naming, proposals, regrouping, time, upkeep
from memories.graph.documents import index_facts
from memories.graph.likenesses import Judged
from memories.graph.naming import chunks
from memories.graph.time import Settled
from memories.models import (
    CommunityMembership,
    Entity,
    EntityAlias,
    Fact,
    Mention,
    Merge,
    Project,
    Review,
    SearchDocument,
)


@dataclass
class Joined:
    """What changed: the entities whose mentions, facts or names are others now, and the communities that lost one."""

    shown: set[UUID]
    left: set[UUID]
    removed: int
    time: Settled


def settle(
    project: Project, touched: Collection[UUID], facts: Collection[UUID] = (), named: Collection[UUID] = ()
) -> Joined:
    """Decides which entities are one around those whose mentions or support changed, in the caller's transaction.

    `facts` won or lost support; the touched that are in `named` have the names that their mentions give them. Facts,
    mentions and aliases follow; counters, search and communities are up to date afterwards but for placing.
    """
    reread = bearers.settle(project, touched)
    touched = {*touched} | reread
    kin = _mates(touched)  # also those of whom one is gone: they lose its mentions and its names
    around = kin | likenesses.shorter_ones(project, touched)
    gone, renamed = naming.refresh((touched - set(named)) | reread)
    naming.forget(gone)
    around |= likenesses.shorter_ones(project, touched - gone)
    region = _Region(project, (touched | around) - gone, gone)
    moved = region.move()
    settled = time.settle(project, facts)
    regrouped = regrouping.regroup(project, moved | reread)
    again = time.settle(project, regrouped.facts)
    settled.entities |= regrouped.ends | again.entities
    for one in (settled, again):
        doubts.write(project, one)
    shown = region.shown(touched | kin | moved) | settled.entities
    removed, left = _remove(gone, moved)
    proposals.write(project, region.judged, region.clusters, touched | moved | around)
    shown &= set(Entity.objects.filter(pk__in=shown).values_list("pk", flat=True))
    upkeep.recount(shown)
    upkeep.index_entities(Entity.objects.filter(pk__in=shown))
    about = Fact.objects.filter(Q(subject__in=renamed) | Q(object__in=renamed)).values_list("pk", flat=True)
    index_facts(project, {*facts, *regrouped.facts, *about})
    return Joined(shown, left, removed, settled)


def _mates(entities: Collection[UUID]) -> set[UUID]:
    """All that are shown as the same as one of the entities."""
    found: set[UUID] = set()
    for chunk in chunks(entities):
        roots = {into or id for id, into in Entity.every.filter(pk__in=chunk).values_list("pk", "merged_into")}
        found |= roots | set(Entity.every.filter(merged_into__in=roots).values_list("pk", flat=True))
    return found


@dataclass
class _Region:
    """The entities that are decided about: grows until nothing outside depends on it, nor it on anything outside."""

    project: Project
    members: set[UUID]
    gone: set[UUID]
    judged: Judged = field(default_factory=Judged)
    merges: set[tuple[UUID, UUID]] = field(default_factory=set)
    clusters: Clusters = field(default_factory=lambda: Clusters({}, []))

    def move(self) -> set[UUID]:
        """Decides, and writes what is shown as what; returns the entities that are shown as another than before."""
        outside = self.members
        moved: set[UUID] = set()
        while outside:
            self._close(outside)
            self.clusters = cluster(self._web())
            moved = {id for id in self.members if self._stored(id) != self.clusters.root_of[id]}
            around = _mates(moved) | likenesses.shorter_ones(self.project, moved)
            outside = around - self.members - self.gone
        self._write(moved)
        return moved

    def shown(self, entities: Collection[UUID]) -> set[UUID]:
        """What the entities are shown as, now and before."""
        found = {self.clusters.root_of[id] for id in entities if id in self.clusters.root_of}
        return found | {self._stored(id) for id in entities if id in self.judged.rows}

    def _stored(self, id: UUID) -> UUID:
        return self.judged.rows[id].merged_into_id or id

    def _close(self, new: Collection[UUID]) -> None:
        """Takes in all that the new ones are joined with, or may be."""
        new = set(new)
        while new:
            self.members |= new
            likenesses.extend(self.judged, self.project, new)
            merges = self._merges(new)
            self.merges |= merges
            linked = {id for pair, one in self.judged.judgements.items() if one.sure and pair & new for id in pair}
            linked |= {id for pair in merges for id in pair}
            linked |= {id for short in new for id in self.judged.calls.get(short, ())}
            new = linked - self.members - self.gone

    def _merges(self, entities: Collection[UUID]) -> set[tuple[UUID, UUID]]:
        """What people said of the entities, as far as both are there."""
        identities = [self.judged.rows[id].identity for id in entities if id in self.judged.rows]
        pairs: set[tuple[str, str]] = set()
        for chunk in chunks(identities):
            said = Merge.objects.filter(project=self.project, undone_at=None, automatic=False).order_by()
            for end in (said.filter(source_key__in=chunk), said.filter(target_key__in=chunk)):
                pairs |= set(end.values_list("source_key", "target_key"))
        ids = _by_identity(self.project, {key for pair in pairs for key in pair})
        found = {(ids[source], ids[target]) for source, target in pairs if source in ids and target in ids}
        return {pair for pair in found if not self.gone & set(pair)}

    def _web(self) -> Web:
        rows = self.judged.rows
        return Web(
            nodes={id: _node(rows[id]) for id in self.members},
            links=[
                Link(min(pair), max(pair), judgement.score)
                for pair, judgement in self.judged.judgements.items()
                if judgement.sure and pair <= self.members
            ],
            merges=sorted(self.merges),
            calls={
                short: longer & self.members for short, longer in self.judged.calls.items() if short in self.members
            },
            apart=self.judged.apart | rejected(self.project, [rows[id] for id in self.members]),
            doubtful=self.judged.doubtful,
        )

    def _write(self, moved: Collection[UUID]) -> None:
        rows = [self.judged.rows[id] for id in moved]
        before = {row.pk: row.merged_into_id for row in rows}
        for row in rows:
            root = self.clusters.root_of[row.pk]
            row.merged_into_id = root if root != row.pk else None
        bulk.update(rows, ["merged_into"])
        for row in rows:
            row.merged_into_id = before[row.pk]
        into = Subquery(Entity.every.filter(pk=OuterRef("read_as")).values("merged_into")[:1])
        for chunk in chunks(moved):
            for model in (Mention, EntityAlias):
                model.objects.filter(read_as__in=chunk).update(entity=Coalesce(into, F("read_as")))


def _node(row: Entity) -> Node:
    weight: int = row.weight  # type: ignore[attr-defined]  # annotated by likenesses
    return Node(row.pk, row.key, row.bearer, weight, bool(row.given_name))


def _by_identity(project: Project, identities: Collection[str]) -> dict[str, UUID]:
    found: dict[str, UUID] = {}
    for chunk in chunks(identities):
        rows = Entity.every.filter(
            project=project, identity__in=chunk
        ).order_by()  # its own order would lead past the index
        for identity, id in rows.values_list("identity", "pk"):
            found[identity] = min(id, found.get(identity, id))
    return found


def rejected(project: Project, entities: Collection[Entity]) -> set[Pair]:
    """The pairs of the entities that people said are two."""
    ids = {entity.identity: entity.pk for entity in entities}
    found: set[Pair] = set()
    for chunk in chunks(ids):
        rows = Review.objects.filter(project=project, first_key__in=chunk).order_by()
        rows = rows.filter(kind=Review.Kind.MERGE, state=Review.State.REJECTED)
        for first, second in rows.values_list("first_key", "second_key"):
            if second in ids:
                found.add(frozenset((ids[first], ids[second])))
    return found


def _remove(gone: Collection[UUID], moved: Collection[UUID]) -> tuple[int, set[UUID]]:
    """Deletes the entities that nothing mentions, and takes those that are hidden now out of search and communities.

    Returns how many were deleted, and the communities that lost a member; those a rebuild has not shown yet are its own
    affair.
    """
    left: set[UUID] = set()
    hidden = set(Entity.every.filter(pk__in=moved).exclude(merged_into=None).values_list("pk", flat=True))
    shown = CommunityMembership.objects.filter(generation=F("community__project__community_generation"))
    for chunk in chunks(hidden | set(gone)):
        places = shown.filter(entity__in=chunk)
        left |= set(places.values_list("community_id", flat=True))
        places.delete()
        SearchDocument.objects.filter(entity__in=chunk).delete()
    Entity.every.filter(pk__in=hidden).update(mention_count=0, fact_count=0)
    proposals.drop(gone)
    for chunk in chunks(gone):
        Entity.every.filter(pk__in=chunk).delete()
    return len(gone), left
