"""What people decide about the graph: which entities are one, which facts are over."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from memories.models.base import UUIDModel
from memories.models.graph import Entity, Fact
from memories.models.projects import Project


class Review(UUIDModel):
    """A question for people: are these two entities one (`merge`), does the second fact end the first (`invalidation`)?

    Open ones are derived: they come and go with what the memories say. A decision stays under `pair`, a digest of what
    the two are called, also while the rows are gone, so that nobody is asked twice; of entities, `first_key` and
    `second_key` are the identities. `evidence` is for people to read, written anew when what it quotes changes, and
    empty when one of the two is gone.
    """

    class Kind(models.TextChoices):
        MERGE = "merge"
        INVALIDATION = "invalidation"

    class State(models.TextChoices):
        OPEN = "open"
        ACCEPTED = "accepted"
        REJECTED = "rejected"

    project = models.ForeignKey(Project, models.CASCADE, related_name="reviews")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    pair = models.CharField(max_length=64, editable=False)
    first_key = models.CharField(max_length=32, blank=True, default="", editable=False)
    second_key = models.CharField(max_length=32, blank=True, default="", editable=False)
    first_entity = models.ForeignKey(Entity, models.SET_NULL, null=True, blank=True, related_name="+")
    second_entity = models.ForeignKey(Entity, models.SET_NULL, null=True, blank=True, related_name="+")
    first_fact = models.ForeignKey(Fact, models.SET_NULL, null=True, blank=True, related_name="+")
    second_fact = models.ForeignKey(Fact, models.SET_NULL, null=True, blank=True, related_name="+")
    score = models.FloatField(default=0.0)
    evidence = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-score", "-id"]
        indexes = [
            models.Index(fields=["project", "state", "-score"], name="review_by_state"),
            models.Index(fields=["project", "first_key"], name="review_by_first"),
            models.Index(fields=["project", "second_key"], name="review_by_second"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["project", "kind", "pair"], name="review_of_pair_once"),
            models.CheckConstraint(condition=Q(kind__in=["merge", "invalidation"]), name="review_kind_known"),
            models.CheckConstraint(condition=Q(state__in=["open", "accepted", "rejected"]), name="review_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"


class Merge(UUIDModel):
    """That `source` and `target` are one, under the name of the target, until it is undone.

    People say so; or it is `automatic`, where the names and what is said of them leave no doubt: then it is derived,
    and comes and goes like an open review. `source_key`, `target_key` are the two identities, which outlive their rows.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="merges")
    source = models.ForeignKey(Entity, models.SET_NULL, null=True, blank=True, related_name="+")
    target = models.ForeignKey(Entity, models.SET_NULL, null=True, blank=True, related_name="+")
    source_key = models.CharField(max_length=32, editable=False)
    target_key = models.CharField(max_length=32, editable=False)
    automatic = models.BooleanField(default=False)
    score = models.FloatField(default=1.0)
    evidence = models.JSONField(default=dict, blank=True)
    review = models.ForeignKey(Review, models.SET_NULL, null=True, blank=True, related_name="merges")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField(db_default=Now(), editable=False)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["project", "-id"], name="merge_newest"),
            models.Index(fields=["project", "source_key"], name="merge_by_source", condition=Q(undone_at=None)),
            models.Index(fields=["project", "target_key"], name="merge_by_target", condition=Q(undone_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.source} is {self.target}"
