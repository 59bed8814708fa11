"""Groups of entities."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from memories.models.base import UUIDModel
from memories.models.graph import Entity
from memories.models.projects import Project


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
