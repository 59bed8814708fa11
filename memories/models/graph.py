"""The graph: entities, the spans that mention them, facts and what supports them."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from memories.models.base import UUIDModel
from memories.models.projects import Project
from memories.models.saved import Memory, Passage


class ShownEntities(models.Manager["Entity"]):
    """Entities that stand for themselves; those that were joined to another one are left out."""

    def get_queryset(self) -> models.QuerySet[Entity]:
        return super().get_queryset().filter(merged_into=None)


class ShownFacts(models.Manager["Fact"]):
    """Facts of two entities, or of one; what a merge made a statement of an entity about itself is left out."""

    def get_queryset(self) -> models.QuerySet[Fact]:
        return super().get_queryset().exclude(subject=F("object"))


class Entity(UUIDModel):
    """A node of the graph. The counters are kept by `memories.graph` in the transaction that changes them.

    A row stands for everything of one name (`key`), and of one bearer of it (`bearer`, 0 but for homonyms); `identity`
    is the digest of both, under which decisions remember it when the row is gone. What is joined to another entity
    stays as a hidden row, `merged_into` the one that is shown. `given_name`, `given_type` are what people call it.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="entities")
    name = models.CharField(max_length=500)
    type = models.CharField(max_length=64)
    given_name = models.CharField(max_length=500, blank=True, default="", db_default="")
    given_type = models.CharField(max_length=64, blank=True, default="", db_default="")
    key = models.CharField(max_length=500, blank=True, default="", db_default="", editable=False)
    bearer = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    identity = models.CharField(max_length=32, blank=True, default="", db_default="", editable=False)
    merged_into = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="absorbed", db_index=False
    )
    summary = models.TextField(blank=True, default="")
    fact_count = models.PositiveIntegerField(default=0, editable=False)
    mention_count = models.PositiveIntegerField(default=0, editable=False)
    first_seen_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    extractor = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ShownEntities()
    every = models.Manager["Entity"]()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "entities"
        indexes = [
            models.Index(fields=["project", "identity"], name="entity_identity"),
            models.Index(fields=["project", "key"], name="entity_key"),
            models.Index(fields=["merged_into"], name="entity_merged", condition=Q(merged_into__isnull=False)),
            models.Index(fields=["project", "-id"], name="entity_newest"),
            models.Index(fields=["project", "-mention_count"], name="entity_most_mentioned"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def shown_id(self) -> UUID:
        """The entity that this one is shown as."""
        return self.merged_into_id or self.pk


class EntityAlias(models.Model):
    """A name an entity goes by, its own included; `key` is the name folded for exact look-up.

    `entity` is the one that is shown, `read_as` the one whose name it is: another one after a merge.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    entity = models.ForeignKey(Entity, models.CASCADE, related_name="alias_rows")
    read_as = models.ForeignKey(Entity, models.CASCADE, null=True, related_name="own_names", db_index=False)
    name = models.CharField(max_length=500)
    key = models.CharField(max_length=500)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "entity aliases"
        constraints = [models.UniqueConstraint(fields=["read_as", "name"], name="entity_alias_own_once")]
        indexes = [models.Index(fields=["project", "key"], name="entity_alias_key")]

    def __str__(self) -> str:
        return self.name


class NameKey(models.Model):
    """A key that an entity shares with those whose names are like its own; only these are compared.

    `short` where the name is the shorter one: "A. Smith" of "Anna Smith".
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    entity = models.ForeignKey(Entity, models.CASCADE, related_name="name_keys")
    key = models.CharField(max_length=200)
    short = models.BooleanField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["entity", "key", "short"], name="name_key_once")]
        indexes = [models.Index(fields=["project", "key", "short"], name="name_key_look_up")]

    def __str__(self) -> str:
        return self.key


class Mention(UUIDModel):
    """A span of a passage that stands for an entity; `start` and `end` count in the memory's content.

    `type` is what the extractor took it for; the entity's own type is what most of its mentions say. `entity` is the
    one that is shown, `read_as` the one it was read as: another one after a merge. `name` is what the memory calls it;
    `other` where the memory says that it is somebody else of that name.
    """

    class Kind(models.TextChoices):
        NAME = "name"
        PRONOUN = "pronoun"
        NOMINAL = "nominal"

    entity = models.ForeignKey(Entity, models.CASCADE, related_name="mentions")
    read_as = models.ForeignKey(Entity, models.CASCADE, null=True, related_name="readings", db_index=False)
    name = models.CharField(max_length=500, blank=True, default="", db_default="")
    other = models.BooleanField(default=False, db_default=False)
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
        indexes = [models.Index(fields=["read_as", "memory"], name="mention_read_as")]
        constraints = [
            models.CheckConstraint(condition=Q(start__lt=F("end")), name="mention_span"),
            models.CheckConstraint(condition=Q(kind__in=["name", "pronoun", "nominal"]), name="mention_kind_known"),
        ]

    def __str__(self) -> str:
        return self.text


class Fact(UUIDModel):
    """A dated statement between two entities, or about one. Derived from its support by `memories.graph.time`.

    `valid_at`, `invalid_at` are the world's time; `created_at`, `expired_at` when MemStack believed it, and
    `believed_since` since when it is believed as it is now (None: from the beginning; what was believed before is in
    `beliefs`). `stated_invalid_at` is the end that its own sentences state, `invalidated_by` the fact that ended it.
    `ends` names the relations that are over by it, as in `FactDraft`.
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
    believed_since = models.DateTimeField(null=True, blank=True)
    stated_invalid_at = models.DateTimeField(null=True, blank=True)
    invalidated_by = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="invalidates")
    ends = models.CharField(max_length=300, blank=True, default="", db_default="")

    objects = ShownFacts()
    every = models.Manager["Fact"]()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["project", "-id"], name="fact_newest"),
            models.Index(fields=["subject", "predicate"], name="fact_by_subject"),
            models.Index(fields=["project", "predicate"], name="fact_by_predicate"),
            models.Index(fields=["subject"], name="fact_that_ends", condition=~Q(ends="")),
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
    """Where a fact is said: the memory, its passage and the sentence's span in the memory's content.

    `read_subject`, `read_object` are the entities it was read of; the fact has those that are shown. The other columns
    are what this sentence states, as in `FactDraft`; the fact follows from those of all its support. `known_at` is when
    this memory was first known to say it.
    """

    fact = models.ForeignKey(Fact, models.CASCADE, related_name="support")
    read_subject = models.ForeignKey(Entity, models.CASCADE, null=True, related_name="+", db_index=False)
    read_object = models.ForeignKey(Entity, models.CASCADE, null=True, related_name="+", db_index=False)
    memory = models.ForeignKey(Memory, models.CASCADE, related_name="support")
    passage = models.ForeignKey(Passage, models.CASCADE, related_name="support")
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    extractor = models.CharField(max_length=64)
    value = models.CharField(max_length=500, null=True, blank=True)  # noqa: DJ001 - as the fact's
    valid_at = models.DateTimeField(null=True, blank=True)
    valid_by = models.DateTimeField(null=True, blank=True)
    invalid_at = models.DateTimeField(null=True, blank=True)
    valid_precision = models.CharField(max_length=5, null=True, blank=True)  # noqa: DJ001 - as the fact's
    confidence = models.FloatField(default=1.0, db_default=1.0)
    ends = models.CharField(max_length=300, blank=True, default="", db_default="")
    known_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "fact support"
        indexes = [
            models.Index(fields=["read_subject"], name="fact_support_subject"),
            models.Index(fields=["read_object"], name="fact_support_object"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(start__lt=F("end")), name="fact_support_span"),
        ]

    def __str__(self) -> str:
        return f"{self.start}-{self.end}"


class FactBelief(models.Model):
    """What was believed of a fact from `known_from` up to `known_until`, before something else became known.

    Derived from the support that there is now, so a memory that is gone leaves nothing here.
    """

    fact = models.ForeignKey(Fact, models.CASCADE, related_name="beliefs")
    valid_at = models.DateTimeField(null=True, blank=True)
    invalid_at = models.DateTimeField(null=True, blank=True)
    valid_precision = models.CharField(max_length=5, null=True, blank=True)  # noqa: DJ001 - as the fact's
    known_from = models.DateTimeField()
    known_until = models.DateTimeField()

    class Meta:
        ordering = ["known_from", "id"]

    def __str__(self) -> str:
        return f"{self.known_from} to {self.known_until}"


class FactDecision(models.Model):
    """What a person decided about a fact: that it ended `at`, never was so, or holds after all. The newest counts.

    It outweighs what had been said until then, and stays when a memory is read again; what is said later counts again.
    `of_subject`, `of_object` are what the fact was about when it was decided, should entities be merged or parted;
    `review` the one that it answers.
    """

    class Kind(models.TextChoices):
        ENDED = "ended"
        WRONG = "wrong"
        KEPT = "kept"

    fact = models.ForeignKey(Fact, models.CASCADE, related_name="decisions")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    at = models.DateTimeField(null=True, blank=True)
    made_at = models.DateTimeField(db_default=Now(), editable=False)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    review = models.ForeignKey(
        "memories.Review", models.SET_NULL, null=True, blank=True, related_name="fact_decisions", db_index=False
    )
    of_subject = models.ForeignKey(Entity, models.SET_NULL, null=True, related_name="+", db_index=False)
    of_object = models.ForeignKey(Entity, models.SET_NULL, null=True, related_name="+", db_index=False)

    class Meta:
        ordering = ["made_at", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["ended", "wrong", "kept"]), name="fact_decision_kind_known")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.made_at}"
