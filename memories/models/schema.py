"""The types of entities and relations that a project knows."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from memories.models.base import UUIDModel
from memories.models.projects import Project

BUILT_IN_ENTITY_TYPES = (
    "person", "organization", "location", "group", "event", "product", "work", "technology", "concept",
)  # fmt: skip


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
