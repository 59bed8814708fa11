"""The domain: projects, memories and the graph that grows out of them.

Every row belongs to one project, directly or through its parent. Entities, facts and communities are written by
`memories.graph` alone.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from uuid6 import uuid7

BUILT_IN_ENTITY_TYPES = (
    "person", "organization", "location", "group", "event", "product", "work", "technology", "concept",
)  # fmt: skip


class UUIDModel(models.Model):
    """Primary keys that sort by the time they were made."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True


class Project(UUIDModel):
    """The unit of isolation: members, memories, one graph.

    `graph_version` counts the changes of the graph, so that a save that resolved against an older one notices.
    `community_generation` is the generation of communities that readers see, `last_community_generation` the last
    number given to a rebuild.
    """

    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, default="")
    graph_version = models.PositiveBigIntegerField(default=0, editable=False)
    community_generation = models.PositiveIntegerField(default=0, editable=False)
    last_community_generation = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """What a user may do in a project: a viewer reads, an editor writes memories, an owner also manages members."""

    class Role(models.TextChoices):
        OWNER = "owner"
        EDITOR = "editor"
        VIEWER = "viewer"

    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="membership_once"),
            models.CheckConstraint(condition=Q(role__in=["owner", "editor", "viewer"]), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.role} in {self.project}"


class ApiKey(UUIDModel):
    """A key of the form `ms_sk_<64 hex>`; only its SHA-256 is kept, the key itself is shown once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class IdempotencyKey(models.Model):
    """The answer that was given to a creating request, kept for 24 hours."""

    KEPT = timedelta(hours=24)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_age")]

    def __str__(self) -> str:
        return self.key


class Memory(UUIDModel):
    """What a person or agent saved.

    `task` is the newest job about it and tells its processing status. `generation` numbers the passages that readers
    see; an ingestion writes a generation of its own and publishes it with its last transaction (0: none yet).
    `last_generation` is the last number given to an attempt.
    """

    class ContentType(models.TextChoices):
        TEXT = "text"
        CONVERSATION = "conversation"
        JSON = "json"

    project = models.ForeignKey(Project, models.CASCADE, related_name="memories")
    task = models.ForeignKey("tasks_app.TaskLog", models.SET_NULL, null=True, blank=True, related_name="+")
    title = models.CharField(max_length=500, blank=True, default="")
    content_type = models.CharField(max_length=20, choices=ContentType.choices, default=ContentType.TEXT)
    content = models.TextField()
    messages = models.JSONField(null=True, blank=True)
    reference_time = models.DateTimeField()
    metadata = models.JSONField(default=dict, blank=True)
    external_id = models.CharField(max_length=255, blank=True, default="")
    source_url = models.URLField(max_length=2000, blank=True, default="")
    summary = models.TextField(blank=True, default="")
    generation = models.PositiveIntegerField(default=0, editable=False)
    last_generation = models.PositiveIntegerField(default=0, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "memories"
        indexes = [
            models.Index(fields=["project", "-id"], name="memory_newest"),
            models.Index(fields=["project", "external_id"], name="memory_external_id"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(content_type__in=["text", "conversation", "json"]), name="memory_content_type_known"
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.content[:60]


class Import(UUIDModel):
    """What was handed in at once: a file, several, or a list.

    While it is being read it has no `task`; with the task it is accepted. `task` is the newest parent, so that a retry
    finds what is left. `digest` is the SHA-256 of what was handed in, empty when nobody needs to know it again.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="imports")
    task = models.ForeignKey("tasks_app.TaskLog", models.CASCADE, null=True, blank=True, related_name="imports")
    name = models.CharField(max_length=300, blank=True, default="")
    digest = models.CharField(max_length=64, blank=True, default="")
    accepted = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["project", "-id"], name="import_newest"),
            models.Index(fields=["created_at"], name="import_unfinished", condition=Q(task=None)),
        ]

    def __str__(self) -> str:
        return self.name or str(self.pk)


class ImportPart(models.Model):
    """Some memories of an import that are not made yet, as JSON; it goes in the transaction that makes them."""

    upload = models.ForeignKey(Import, models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    count = models.PositiveIntegerField()
    items = models.TextField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["upload", "number"], name="import_part_place")]

    def __str__(self) -> str:
        return f"part {self.number} of {self.upload_id}"


class RejectedLine(models.Model):
    """A memory that an import did not take: its line or number from 1, None for a whole file; the file; and why."""

    upload = models.ForeignKey(Import, models.CASCADE, related_name="rejected_lines")
    line = models.PositiveIntegerField(null=True)
    file = models.CharField(max_length=300, blank=True, default="")
    error = models.CharField(max_length=500)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.file} {self.line}: {self.error}"


class MemoryTag(models.Model):
    """A word that a person put on a memory."""

    memory = models.ForeignKey(Memory, models.CASCADE, related_name="memory_tags")
    name = models.CharField(max_length=100)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["memory", "name"], name="memory_tag_once")]
        indexes = [models.Index(fields=["name"], name="memory_tag_name")]

    def __str__(self) -> str:
        return self.name


class Passage(UUIDModel):
    """A piece of a memory that search returns; readers see those of the memory's own `generation` only."""

    memory = models.ForeignKey(Memory, models.CASCADE, related_name="passages")
    generation = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    message_id = models.CharField(max_length=255, blank=True, default="")
    speaker = models.CharField(max_length=255, blank=True, default="")
    at = models.DateTimeField(null=True, blank=True)
    text = models.TextField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    page = models.PositiveIntegerField(null=True, blank=True)
    seconds = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["memory", "generation", "position"], name="passage_place"),
            models.CheckConstraint(condition=Q(start__lte=F("end")), name="passage_span"),
        ]

    def __str__(self) -> str:
        return self.text[:60]


class SchemaType(UUIDModel):
    """A type of a project's schema: built in, learned from memories, or made by hand."""

    class Origin(models.TextChoices):
        BUILT_IN = "built_in"
        LEARNED = "learned"
        MANUAL = "manual"

    name = models.SlugField(max_length=64)
    description = models.TextField(blank=True, default="")
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.MANUAL)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class EntityType(SchemaType):
    """What kinds of things a project's memories speak of."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="entity_types")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="entity_type_once")]


class RelationType(SchemaType):
    """How things stand to each other. `functional`: a subject has one object at a time (lives_in)."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="relation_types")
    functional = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="relation_type_once")]


class Entity(UUIDModel):
    """A node of the graph. The counters are kept by `memories.graph` in the transaction that changes them."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="entities")
    name = models.CharField(max_length=500)
    type = models.CharField(max_length=64)
    summary = models.TextField(blank=True, default="")
    fact_count = models.PositiveIntegerField(default=0, editable=False)
    mention_count = models.PositiveIntegerField(default=0, editable=False)
    first_seen_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    extractor = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "entities"
        indexes = [
            models.Index(fields=["project", "-id"], name="entity_newest"),
            models.Index(fields=["project", "-mention_count"], name="entity_most_mentioned"),
        ]

    def __str__(self) -> str:
        return self.name


class EntityAlias(models.Model):
    """A name an entity goes by, its own included; `key` is the name folded for exact look-up."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    entity = models.ForeignKey(Entity, models.CASCADE, related_name="alias_rows")
    name = models.CharField(max_length=500)
    key = models.CharField(max_length=500)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "entity aliases"
        constraints = [models.UniqueConstraint(fields=["entity", "name"], name="entity_alias_once")]
        indexes = [models.Index(fields=["project", "key"], name="entity_alias_key")]

    def __str__(self) -> str:
        return self.name


class Mention(UUIDModel):
    """A span of a passage that stands for an entity; `start` and `end` count in the memory's content.

    `type` is what the extractor took it for; the entity's own type is what most of its mentions say.
    """

    class Kind(models.TextChoices):
        NAME = "name"
        PRONOUN = "pronoun"
        NOMINAL = "nominal"

    entity = models.ForeignKey(Entity, models.CASCADE, related_name="mentions")
    passage = models.ForeignKey(Passage, models.CASCADE, related_name="mentions")
    memory = models.ForeignKey(Memory, models.CASCADE, related_name="mentions")
    text = models.CharField(max_length=500)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    type = models.CharField(max_length=64)
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    extractor = models.CharField(max_length=64)

    class Meta:
        ordering = ["start"]
        constraints = [
            models.CheckConstraint(condition=Q(start__lt=F("end")), name="mention_span"),
            models.CheckConstraint(condition=Q(kind__in=["name", "pronoun", "nominal"]), name="mention_kind_known"),
        ]

    def __str__(self) -> str:
        return self.text


class Fact(UUIDModel):
    """A dated statement between two entities, or about one.

    `valid_at`, `invalid_at` are the world's time; `created_at`, `expired_at` when MemStack believed it.
    """

    class Polarity(models.TextChoices):
        AFFIRMED = "affirmed"
        NEGATED = "negated"
        HYPOTHETICAL = "hypothetical"
        QUESTIONED = "questioned"
        REPORTED = "reported"

    class Precision(models.TextChoices):
        YEAR = "year"
        MONTH = "month"
        DAY = "day"
        TIME = "time"

    project = models.ForeignKey(Project, models.CASCADE, related_name="facts")
    subject = models.ForeignKey(Entity, models.CASCADE, related_name="facts_as_subject")
    predicate = models.CharField(max_length=64)
    object = models.ForeignKey(Entity, models.CASCADE, null=True, blank=True, related_name="facts_as_object")
    value = models.CharField(max_length=500, null=True, blank=True)  # noqa: DJ001 - null means "no value", as in the API
    sentence = models.TextField()
    valid_at = models.DateTimeField(null=True, blank=True)
    invalid_at = models.DateTimeField(null=True, blank=True)
    valid_precision = models.CharField(max_length=5, choices=Precision.choices, null=True, blank=True)  # noqa: DJ001
    polarity = models.CharField(max_length=12, choices=Polarity.choices, default=Polarity.AFFIRMED)
    confidence = models.FloatField(default=1.0)
    extractor = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["project", "-id"], name="fact_newest"),
            models.Index(fields=["subject", "predicate"], name="fact_by_subject"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(object__isnull=False, value__isnull=True) | Q(object__isnull=True, value__isnull=False),
                name="fact_object_or_value",
            ),
            models.CheckConstraint(condition=Q(confidence__range=(0, 1)), name="fact_confidence_range"),
        ]

    def __str__(self) -> str:
        return self.sentence[:80]


class FactSupport(UUIDModel):
    """Where a fact is said: the memory, its passage and the sentence's span in the memory's content."""

    fact = models.ForeignKey(Fact, models.CASCADE, related_name="support")
    memory = models.ForeignKey(Memory, models.CASCADE, related_name="support")
    passage = models.ForeignKey(Passage, models.CASCADE, related_name="support")
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    extractor = models.CharField(max_length=64)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "fact support"
        constraints = [
            models.UniqueConstraint(fields=["fact", "passage", "start", "end"], name="fact_support_once"),
            models.CheckConstraint(condition=Q(start__lt=F("end")), name="fact_support_span"),
        ]

    def __str__(self) -> str:
        return f"{self.start}-{self.end}"


class Community(UUIDModel):
    """A group of entities. It is current when `generation` is the project's `community_generation`."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="communities")
    generation = models.PositiveIntegerField()
    name = models.CharField(max_length=300)
    summary = models.JSONField(default=list, blank=True)
    member_count = models.PositiveIntegerField(default=0)
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="children")
    formed_at = models.DateTimeField(db_default=Now(), editable=False)
    rebuilt_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "communities"
        indexes = [models.Index(fields=["project", "generation"], name="community_generation")]

    def __str__(self) -> str:
        return self.name


class CommunityMembership(models.Model):
    """An entity's place in one generation of communities."""

    community = models.ForeignKey(Community, models.CASCADE, related_name="memberships")
    entity = models.ForeignKey(Entity, models.CASCADE, related_name="community_memberships")
    generation = models.PositiveIntegerField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["entity", "generation"], name="community_of_entity_once")]
        indexes = [models.Index(fields=["community", "generation"], name="community_members")]

    def __str__(self) -> str:
        return f"{self.entity} in {self.community}"


class SearchDocument(models.Model):
    """What search looks up: the indexed words and the vector of exactly one passage, entity, fact or community.

    `id` is the row number of the full-text index; `embedding` is 384 float16 values, unit length, little endian.
    """

    KINDS = ("passage", "entity", "fact", "community")

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10)
    passage = models.OneToOneField(Passage, models.CASCADE, null=True, related_name="search_document")
    entity = models.OneToOneField(Entity, models.CASCADE, null=True, related_name="search_document")
    fact = models.OneToOneField(Fact, models.CASCADE, null=True, related_name="search_document")
    community = models.OneToOneField(Community, models.CASCADE, null=True, related_name="search_document")
    text = models.TextField()
    embedding = models.BinaryField(null=True)

    class Meta:
        indexes = [models.Index(fields=["project", "kind"], name="search_document_kind")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="passage", passage__isnull=False, entity=None, fact=None, community=None)
                | Q(kind="entity", passage=None, entity__isnull=False, fact=None, community=None)
                | Q(kind="fact", passage=None, entity=None, fact__isnull=False, community=None)
                | Q(kind="community", passage=None, entity=None, fact=None, community__isnull=False),
                name="search_document_of_one",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
