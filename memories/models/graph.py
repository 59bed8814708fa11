"""The graph: entities, the spans that mention them, facts and what supports them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from memories.models.base import UUIDModel
from memories.models.projects import Project
from memories.models.saved import Memory, Passage


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

    The other columns are what this sentence states, as in `FactDraft`; the fact follows from those of all its support.
    `known_at` is when this memory was first known to say it.
    """

    fact = models.ForeignKey(Fact, models.CASCADE, related_name="support")
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

    class Meta:
        ordering = ["made_at", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["ended", "wrong", "kept"]), name="fact_decision_kind_known")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.made_at}"
