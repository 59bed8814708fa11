"""Communities between two rebuilds: touched entities move, what fell apart is split, counts follow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from django.db.models import Count, F, Q

from memories.engine import communities as engine
from memories.graph import bulk
from memories.models import Community, CommunityMembership, Entity, Fact, Memory, Project, SearchDocument

SMALLEST = 2
NAMED_AFTER = 10
Neighbours = dict[UUID, dict[UUID, float]]


def place(project: Project, touched: Collection[UUID], left: Collection[UUID] = ()) -> None:
    """Moves each touched entity to the community it is connected to best, in the caller's transaction.

    `left` are communities that lost a member that is gone. Every community that lost or gained a member, or an edge,
    is connected afterwards.
    """
    project.refresh_from_db(fields=["community_generation"])
    here = set(Entity.objects.filter(pk__in=touched).values_list("pk", flat=True))
    neighbours = _neighbours(here)
    before = _communities_of(project, here | {other for edges in neighbours.values() for other in edges})
    labels = {entity: before.get(entity, entity) for edges in neighbours.values() for entity in edges}
    labels |= {entity: before.get(entity, entity) for entity in here}
    after = labels | engine.place({entity: edges for entity, edges in neighbours.items() if edges}, labels)
    alone = {entity for entity in here if not neighbours[entity]}
    groups = _groups({entity: label for entity, label in after.items() if entity not in alone})
    _move(project, before, groups, alone)
    affected = set(before.values()) | set(groups) | set(left)
    _repair(project, affected)
    recount(project, affected)
    _rename(left)


def mend(project: Project, community_ids: Collection[UUID]) -> None:
    """Splits those of the communities that are no longer connected and names them after members that are there."""
    _repair(project, community_ids)
    _rename(community_ids)


def recount(project: Project, community_ids: Collection[UUID]) -> None:
    """Brings the member counts up to the memberships; a community without two members goes."""
    counts = Community.objects.filter(pk__in=community_ids).annotate(
        n=Count("memberships", filter=Q(memberships__generation=project.community_generation))
    )
    rows = [Community(pk=pk, member_count=n) for pk, n in counts.values_list("pk", "n")]
    bulk.update(rows, ["member_count"])
    Community.objects.filter(pk__in=community_ids, member_count__lt=SMALLEST).delete()


def forget(memory: Memory) -> None:
    """Takes what the memory said out of the summaries of its project's communities."""
    changed = []
    for community in Community.objects.filter(project=memory.project_id):
        kept = [sentence for sentence in community.summary if sentence["memory"] != str(memory.pk)]
        if len(kept) < len(community.summary):
            community.summary = kept
            changed.append(community)
    bulk.update(changed, ["summary"])
    _index(changed)


def _rename(community_ids: Collection[UUID]) -> None:
    """A community is not called after an entity that is gone."""
    communities = list(Community.objects.filter(pk__in=community_ids))
    for community in communities:
        members = Entity.objects.filter(community_memberships__community=community)
        community.name = _name(members.order_by("-fact_count", "name").values_list("name", "fact_count")[:NAMED_AFTER])
    bulk.update(communities, ["name"])
    _index(communities)


def _name(members: Iterable[tuple[str, int]]) -> str:
    """After those of the members, names with their number of facts, that have the most."""
    first = sorted(members, key=lambda member: (-member[1], member[0]))[:NAMED_AFTER]
    return engine.name([(name, float(facts)) for name, facts in first])[:300]


def _index(communities: Collection[Community]) -> None:
    for community in communities:
        SearchDocument.objects.filter(community=community).update(text=search_text(community))


def search_text(community: Community) -> str:
    """The words a community is found by: its name and its summary."""
    return " ".join([community.name, *(str(sentence["text"]) for sentence in community.summary)])


def _neighbours(entities: Collection[UUID]) -> Neighbours:
    """For each of the entities those that a fact connects it to, with the confidence of the facts, added up."""
    found: Neighbours = {entity: defaultdict(float) for entity in entities}
    facts = Fact.objects.filter(expired_at=None, object__isnull=False)
    rows = facts.filter(Q(subject__in=entities) | Q(object__in=entities))
    for subject, object_, confidence in rows.values_list("subject_id", "object_id", "confidence"):
        for entity, other in ((subject, object_), (object_, subject)):
            if entity in found and other is not None:
                found[entity][other] += confidence
    return found


def _communities_of(project: Project, entities: Collection[UUID]) -> dict[UUID, UUID]:
    rows = CommunityMembership.objects.filter(entity__in=entities, generation=project.community_generation)
    return dict(rows.values_list("entity_id", "community_id"))


def _groups(labels: Mapping[UUID, UUID]) -> dict[UUID, set[UUID]]:
    """The entities by label; a label that is an entity's own id is a community that does not exist yet."""
    groups: dict[UUID, set[UUID]] = defaultdict(set)
    for entity, label in labels.items():
        groups[label].add(entity)
    return groups


def _move(
    project: Project, before: Mapping[UUID, UUID], groups: Mapping[UUID, set[UUID]], alone: Collection[UUID]
) -> None:
    existing = set(before.values())
    joins: dict[UUID, Collection[UUID]] = {}
    new = []
    for label, members in groups.items():
        movers = {entity for entity in members if before.get(entity) != label}
        if label not in existing and len(members) >= SMALLEST:
            new.append(members)
        elif label in existing and movers:
            joins[label] = movers
    _join(project, joins)
    _form(project, new)
    _leave(project, alone)


def _form(project: Project, groups: Sequence[Collection[UUID]]) -> None:
    """Makes a community of each group, named after those of its members with the most facts."""
    entities = Entity.objects.filter(pk__in=[entity for members in groups for entity in members])
    known = {pk: (name, facts) for pk, name, facts in entities.values_list("pk", "name", "fact_count")}
    made = [
        Community(
            project=project,
            generation=project.community_generation,
            name=_name([known[entity] for entity in members if entity in known]),
            member_count=len(members),
        )
        for members in groups
    ]
    bulk.create(made)
    _join(project, {community.pk: members for community, members in zip(made, groups, strict=True)})
    columns = ("project_id", "kind", "community_id", "text")
    rows = ((project.pk, "community", community.pk, community.name) for community in made)
    bulk.insert(SearchDocument, columns, rows)


def _join(project: Project, groups: Mapping[UUID, Collection[UUID]]) -> None:
    """Makes the entities members of the communities under whose id they stand, and of no others."""
    _leave(project, [entity for members in groups.values() for entity in members])
    generation = project.community_generation
    rows = ((community, entity, generation) for community, members in groups.items() for entity in sorted(members))
    bulk.insert(CommunityMembership, ("community_id", "entity_id", "generation"), rows)


def _leave(project: Project, entities: Collection[UUID]) -> None:
    CommunityMembership.objects.filter(entity__in=entities, generation=project.community_generation).delete()


def _repair(project: Project, community_ids: Collection[UUID]) -> None:
    """Splits communities that are no longer connected: the largest part stays, single entities leave."""
    generation = project.community_generation
    members: dict[UUID, set[UUID]] = defaultdict(set)
    rows = CommunityMembership.objects.filter(community__in=community_ids, generation=generation)
    for community, entity in rows.values_list("community_id", "entity_id"):
        members[community].add(entity)
    edges: dict[UUID, list[tuple[UUID, UUID]]] = defaultdict(list)
    inside = Fact.objects.filter(
        expired_at=None,
        subject__community_memberships__community__in=community_ids,
        subject__community_memberships__generation=generation,
        object__community_memberships__community=F("subject__community_memberships__community"),
        object__community_memberships__generation=generation,
    )
    for community, subject, object_ in inside.values_list(
        "subject__community_memberships__community_id", "subject_id", "object_id"
    ):
        edges[community].append((subject, object_))
    _split(project, [_parts(entities, edges[community]) for community, entities in members.items()])


def _split(project: Project, communities: Sequence[list[set[UUID]]]) -> None:
    """Of the parts of each community all but the first leave it."""
    leaving = [part for parts in communities for part in parts[1:]]
    _leave(project, [entity for part in leaving for entity in part])
    _form(project, [part for part in leaving if len(part) >= SMALLEST])


def _parts(entities: Collection[UUID], edges: Iterable[tuple[UUID, UUID]]) -> list[set[UUID]]:
    """Connected components, largest first."""
    neighbours: dict[UUID, set[UUID]] = defaultdict(set)
    for one, other in edges:
        neighbours[one].add(other)
        neighbours[other].add(one)
    left, parts = set(entities), []
    while left:
        part, border = set(), {min(left)}
        while border:
            part |= border
            border = {other for entity in border for other in neighbours[entity]} - part
        left -= part
        parts.append(part)
    return sorted(parts, key=lambda part: (-len(part), min(part)))
