"""Communities between two rebuilds: touched entities move, what fell apart is split, counts follow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet

from memories.engine import communities as engine
from memories.models import Community, CommunityMembership, Entity, Fact, Memory, Project, SearchDocument

SMALLEST = 2
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
    Community.objects.bulk_update(rows, ["member_count"], batch_size=1000)
    Community.objects.filter(pk__in=community_ids, member_count__lt=SMALLEST).delete()


def forget(memory: Memory) -> None:
    """Takes what the memory said out of the summaries of its project's communities."""
    changed = []
    for community in Community.objects.filter(project=memory.project_id):
        kept = [sentence for sentence in community.summary if sentence["memory"] != str(memory.pk)]
        if len(kept) < len(community.summary):
            community.summary = kept
            changed.append(community)
    Community.objects.bulk_update(changed, ["summary"], batch_size=500)
    _index(changed)


def _rename(community_ids: Collection[UUID]) -> None:
    """A community is not called after an entity that is gone."""
    communities = list(Community.objects.filter(pk__in=community_ids))
    for community in communities:
        members = Entity.objects.filter(community_memberships__community=community)
        community.name = _name(members)
    Community.objects.bulk_update(communities, ["name"], batch_size=500)
    _index(communities)


def _name(members: QuerySet[Entity]) -> str:
    """After those of the members with the most facts."""
    counted = members.order_by("-fact_count", "name").values_list("name", "fact_count")
    return engine.name([(name, float(facts)) for name, facts in counted[:10]])[:300]


def _index(communities: Collection[Community]) -> None:
    for community in communities:
        SearchDocument.objects.filter(community=community).update(text=search_text(community))


def search_text(community: Community) -> str:
    """The words a community is found by: its name and its summary."""
    return " ".join([community.name, *(str(sentence["text"]) for sentence in community.summary)])


def _neighbours(entities: Collection[UUID]) -> Neighbours:
    """For each of the entities those that a fact connects it to, with the number of facts."""
    found: Neighbours = {entity: defaultdict(float) for entity in entities}
    facts = Fact.objects.filter(expired_at=None, object__isnull=False)
    rows = facts.filter(Q(subject__in=entities) | Q(object__in=entities)).values_list("subject_id", "object_id")
    for subject, object_ in rows:
        for entity, other in ((subject, object_), (object_, subject)):
            if entity in found and other is not None:
                found[entity][other] += 1
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
    for label, members in groups.items():
        movers = {entity for entity in members if before.get(entity) != label}
        if label not in existing and len(members) >= SMALLEST:
            _form(project, members)
        elif label in existing and movers:
            _join(project, label, movers)
    _leave(project, alone)


def _form(project: Project, members: Collection[UUID]) -> UUID:
    """Makes a community of the members, named after those with the most facts; returns its id."""
    community = Community.objects.create(
        project=project,
        generation=project.community_generation,
        name=_name(Entity.objects.filter(pk__in=members)),
        member_count=len(members),
    )
    _join(project, community.pk, members)
    SearchDocument.objects.create(project=project, kind="community", community=community, text=community.name)
    return community.pk


def _join(project: Project, community_id: UUID, members: Collection[UUID]) -> None:
    _leave(project, members)
    CommunityMembership.objects.bulk_create(
        CommunityMembership(community_id=community_id, entity_id=entity, generation=project.community_generation)
        for entity in sorted(members)
    )


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
    for community, entities in members.items():
        _split(project, _parts(entities, edges[community]))


def _split(project: Project, parts: list[set[UUID]]) -> None:
    for part in parts[1:]:
        _leave(project, part)
        if len(part) >= SMALLEST:
            _form(project, part)


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
