"""Every read of memories and their graph, for pages and API alike.

The functions return querysets ready to paginate, with what a row shows already joined, so that the number of queries
does not depend on the number of rows. A `scope` is one project or a queryset of projects.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TypeAlias
from uuid import UUID

from django.db.models import Count, Exists, F, Max, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Left
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from memories.engine.relations import HINT
from memories.models import (
    Community,
    CommunityMembership,
    Entity,
    EntityAlias,
    Fact,
    FactBelief,
    FactSupport,
    Feed,
    Import,
    Memory,
    MemoryTag,
    Mention,
    Passage,
    Project,
    SavedDocument,
)
from tasks_app.models import Status

Scope: TypeAlias = Project | QuerySet[Project]
EXCERPT = 280
LONG = (
    "content", "messages", "task__traceback", "document__blocks", "document__sections", "document__summary",
    "document__key_phrases", "document__notes",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EntityMentions:
    """An entity and where one memory mentions it, in the order of the text."""

    entity: Entity
    mentions: list[Mention]


@dataclass(frozen=True, slots=True)
class MemoryDetail:
    """A memory with what its published ingestion found; `facts` are those it supports, current or not.

    `document` is what its text was taken from; None when that was handed in.
    """

    memory: Memory
    document: SavedDocument | None
    passages: list[Passage]
    entities: list[EntityMentions]
    facts: list[Fact]


def within(scope: Scope, field: str = "project") -> Q:
    """The condition that a row's `field` is the project, or one of the projects."""
    return Q(**{field: scope}) if isinstance(scope, Project) else Q(**{f"{field}__in": scope})


# --- memories


def memories(scope: Scope, *, q: str = "", tag: str = "", status: str = "") -> QuerySet[Memory]:
    """Newest first; `excerpt` is annotated, what is long is deferred. `q` looks in titles and texts."""
    rows = Memory.objects.filter(within(scope))
    if q:
        rows = rows.filter(Q(title__icontains=q) | Q(content__icontains=q))
    if tag:
        rows = rows.filter(Exists(MemoryTag.objects.filter(memory=OuterRef("pk"), name=tag)))
    if status:
        wanted = Q(task__status=status)
        rows = rows.filter(wanted | Q(task=None) if status == Status.COMPLETED else wanted)
    rows = rows.select_related("task", "document").prefetch_related("memory_tags").defer(*LONG)
    return rows.annotate(excerpt=Left("content", EXCERPT)).order_by("-id")


def processing_status(memory: Memory) -> str:
    """The status of the memory's newest task; "completed" when it has none."""
    return memory.task.status if memory.task else Status.COMPLETED.value


def progress(memory: Memory) -> int:
    """The percent of the memory's newest task; 100 when it has none."""
    return memory.task.progress if memory.task else 100


def memory_detail(memory: Memory) -> MemoryDetail:
    """What readers see of a memory: passages, mentions and facts of its published generation. Eight queries."""
    passages = list(published_passages(memory))
    mentions = Mention.objects.filter(memory=memory, passage__generation=memory.generation).order_by("start", "id")
    by_entity: dict[UUID, list[Mention]] = {}
    for mention in mentions:
        by_entity.setdefault(mention.entity_id, []).append(mention)
    known = with_names(Entity.objects.filter(mentions__memory=memory).distinct()).in_bulk(list(by_entity))
    entities = [EntityMentions(known[pk], found) for pk, found in by_entity.items() if pk in known]
    document = SavedDocument.objects.filter(pk=memory.pk).first()
    return MemoryDetail(memory, document, passages, entities, list(facts_of(memory)))


def published_passages(memory: Memory) -> QuerySet[Passage]:
    return memory.passages.filter(generation=memory.generation).order_by("position")


def facts_of(memory: Memory) -> QuerySet[Fact]:
    """Every fact that the memory's published passages support, in the order of the text, invalid ones too."""
    support = FactSupport.objects.filter(fact=OuterRef("pk"), memory=memory, passage__generation=memory.generation)
    first_said = Subquery(support.order_by("start").values("start")[:1])
    return with_support(Fact.objects.filter(Exists(support))).order_by(first_said, "id")


def hints_last(facts: Iterable[Fact]) -> list[Fact]:
    """The facts in their order, but those after the others that only say that two names stand together."""
    return sorted(facts, key=lambda fact: fact.confidence <= HINT)


# --- entities


def entities(
    scope: Scope, *, q: str = "", type: str = "", community: Community | UUID | None = None
) -> QuerySet[Entity]:
    """Newest first, with `alias_rows` and `current_memberships` (none or one, its community joined)."""
    rows = Entity.objects.filter(within(scope))
    if q:
        key = Q(name__icontains=q) | Q(key__contains=q.casefold())
        rows = rows.filter(Q(name__icontains=q) | Exists(EntityAlias.objects.filter(key, entity=OuterRef("pk"))))
    if type:
        rows = rows.filter(type=type)
    if community is not None:
        rows = rows.filter(Exists(_members(community).filter(entity=OuterRef("pk"))))
    return with_names(rows).order_by("-id")


def with_names(rows: QuerySet[Entity]) -> QuerySet[Entity]:
    """Entities with their aliases and their place in the current communities."""
    current = current_memberships().select_related("community")
    return rows.prefetch_related(
        "alias_rows", Prefetch("community_memberships", queryset=current, to_attr="current_memberships")
    )


def aliases(entity: Entity) -> list[str]:
    """The other names that an entity of `entities` or `with_names` goes by."""
    return list(dict.fromkeys(alias.name for alias in entity.alias_rows.all() if alias.name != entity.name))


def community_of(entity: Entity) -> Community | None:
    """The current community of an entity that came from `entities` or `with_names`."""
    places: list[CommunityMembership] = getattr(entity, "current_memberships", [])
    return places[0].community if places else None


# --- facts


def facts(
    scope: Scope,
    *,
    entity: Entity | UUID | None = None,
    predicate: str = "",
    memory: Memory | UUID | None = None,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
    include_invalid: bool = False,
) -> QuerySet[Fact]:
    """Newest first, with subject, object and support. Current facts only, unless one of the last three says else."""
    rows = Fact.objects.filter(within(scope), holds(as_of, known_at, include_invalid=include_invalid))
    if entity is not None:
        rows = rows.filter(Q(subject=entity) | Q(object=entity))
    if predicate:
        rows = rows.filter(predicate=predicate)
    if memory is not None:
        support = FactSupport.objects.filter(fact=OuterRef("pk"), memory=memory)
        rows = rows.filter(Exists(support.filter(passage__generation=F("memory__generation"))))
    if known_at is not None:
        then = FactBelief.objects.filter(believed_at(known_at))
        rows = rows.prefetch_related(Prefetch("beliefs", queryset=then, to_attr="believed_then"))
    return with_support(rows).order_by("-id")


def holds(
    as_of: datetime | None = None, known_at: datetime | None = None, *, include_invalid: bool = False, path: str = ""
) -> Q:
    """The condition that a fact holds, on both time lines; a null bound is open.

    The world: `valid_at ≤ as_of < invalid_at`; without `as_of` it must not be over by now. What was believed: known by
    `known_at` and not taken back then, with the validity that was believed then; without `known_at`, not taken back.
    `include_invalid` lifts what isn't given. `path` is the look-up of the fact, like "fact__".
    """
    over = as_of is None and include_invalid
    world = Q() if over else _in_the_world(as_of, path)
    if known_at is None:
        return world if include_invalid else world & Q(**{f"{path}expired_at": None})
    then = FactBelief.objects.filter(believed_at(known_at), fact=OuterRef(f"{path}pk"))
    return (world & _believed_now(known_at, path)) | Q(Exists(then if over else then.filter(_in_the_world(as_of))))


def _in_the_world(as_of: datetime | None, path: str = "") -> Q:
    ends = Q(**{f"{path}invalid_at": None}) | Q(**{f"{path}invalid_at__gt": as_of or timezone.now()})
    if as_of is None:
        return ends
    return ends & (Q(**{f"{path}valid_at": None}) | Q(**{f"{path}valid_at__lte": as_of}))


def _believed_now(known_at: datetime, path: str) -> Q:
    """A fact was believed then as it is now."""
    since = Q(**{f"{path}believed_since": None}) | Q(**{f"{path}believed_since__lte": known_at})
    not_yet = Q(**{f"{path}expired_at": None}) | Q(**{f"{path}expired_at__gt": known_at})
    return Q(**{f"{path}created_at__lte": known_at}) & since & not_yet


def believed_at(known_at: datetime) -> Q:
    """The beliefs that were held then and are not any more."""
    return Q(known_from__lte=known_at, known_until__gt=known_at)


def as_believed(fact: Fact) -> tuple[datetime | None, datetime | None, str | None]:
    """When it is valid from and up to, and how exactly that is known; as believed at `known_at`, if `facts` was asked
    for that."""
    for belief in getattr(fact, "believed_then", ()):
        return belief.valid_at, belief.invalid_at, belief.valid_precision
    return fact.valid_at, fact.invalid_at, fact.valid_precision


def with_support(rows: QuerySet[Fact]) -> QuerySet[Fact]:
    """Facts with subject, object, and the support that readers may see."""
    published = FactSupport.objects.filter(passage__generation=F("memory__generation")).order_by("id")
    return rows.select_related("subject", "object").prefetch_related(Prefetch("support", queryset=published))


# --- communities


def communities(scope: Scope) -> QuerySet[Community]:
    """Those of the current generation, the largest first."""
    rows = Community.objects.filter(within(scope), generation=F("project__community_generation"))
    return rows.order_by("-member_count", "-id")


def community_members(community: Community) -> QuerySet[Entity]:
    """The entities of a community, those of its parts included, the most mentioned first."""
    rows = Entity.objects.filter(Exists(_members(community).filter(entity=OuterRef("pk"))))
    return with_names(rows).order_by("-mention_count", "-id")


def current_memberships() -> QuerySet[CommunityMembership]:
    return CommunityMembership.objects.filter(generation=F("entity__project__community_generation"))


def _members(community: Community | UUID) -> QuerySet[CommunityMembership]:
    return current_memberships().filter(Q(community=community) | Q(community__parent=community))


# --- feeds


def feeds(scope: Scope) -> QuerySet[Feed]:
    """The feeds, newest first, with their newest fetch."""
    rows = Feed.objects.filter(within(scope)).select_related("task", "project")
    return rows.defer("task__payload", "task__traceback").order_by("-id")


# --- projects


def imports(project: Project) -> QuerySet[Import]:
    """What was imported, newest first, with its newest task."""
    accepted = project.imports.filter(task__isnull=False)
    return accepted.select_related("task").defer("task__payload", "task__traceback").order_by("-id")


def running_import(project: Project, digest: str) -> Import | None:
    """The import of the same content that waits or runs; None when there is none, or the content is not known."""
    active = project.imports.filter(digest=digest, task__status__in=(Status.PENDING, Status.PROCESSING))
    return active.order_by("-id").first() if digest else None


def project_stats(project: Project) -> dict[str, object]:
    """Counts of what the project holds; `memories_by_status` and `entities_by_type` break two of them down."""
    memory_rows = Memory.objects.filter(project=project)
    return {
        "memories": memory_rows.count(),
        "memories_by_status": _by_status(memory_rows),
        "passages": Passage.objects.filter(memory__project=project, generation=F("memory__generation")).count(),
        "entities": project.entities.count(),
        "entities_by_type": _counts(project.entities.order_by().values_list("type").annotate(Count("pk"))),
        "mentions": Mention.objects.filter(
            entity__project=project, passage__generation=F("memory__generation")
        ).count(),
        "facts": project.facts.count(),
        "current_facts": project.facts.filter(holds()).count(),
        "communities": communities(project).count(),
        "last_memory_at": memory_rows.aggregate(last=Max("created_at"))["last"],
        "last_rebuild_at": communities(project).aggregate(last=Max("rebuilt_at"))["last"],
    }


def _by_status(rows: QuerySet[Memory]) -> dict[str, int]:
    found = dict.fromkeys(Status.values, 0)
    for status, count in rows.order_by().values_list("task__status").annotate(Count("pk")):
        found[status or Status.COMPLETED.value] += count
    return found


def _counts(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    return dict(sorted(rows, key=lambda row: (-row[1], row[0])))


# --- times


def parse_moment(text: str) -> datetime:
    """An ISO 8601 time with a zone, or a bare date, which means the end of that day in UTC; ValueError otherwise."""
    if (day := _date(text)) is not None:
        return datetime.combine(day, time.max, tzinfo=UTC)
    try:
        moment = parse_datetime(text)
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("Give a date like 2024-05-31, or a time with its zone like 2024-05-31T12:00:00Z.")


def _date(text: str) -> date | None:
    try:
        return parse_date(text) if len(text) <= 10 else None
    except ValueError:
        return None
