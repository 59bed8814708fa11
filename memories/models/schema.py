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
    """A type of a project's schema: built in, learned from memories, or made by hand.

    A learned one is proposed until somebody accepts or rejects it. What is disabled or rejected is not read from
    memories any more.
    """

    class Origin(models.TextChoices):
        BUILT_IN = "built_in", "Built in"
        LEARNED = "learned", "Learned"
        MANUAL = "manual", "Made by hand"

    class State(models.TextChoices):
        ACCEPTED = "accepted"
        PROPOSED = "proposed"
        REJECTED = "rejected"

    name = models.SlugField(max_length=64)
    label = models.CharField(max_length=100, blank=True, default="", db_default="")
    description = models.TextField(blank=True, default="")
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.MANUAL)
    state = models.CharField(
        max_length=10, choices=State.choices, default=State.ACCEPTED, db_default=State.ACCEPTED.value
    )
    enabled = models.BooleanField(default=True, db_default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    @property
    def is_read(self) -> bool:
        """Whether it is read from memories; a proposed one is, so that people see what it would be."""
        return self.enabled and self.state != self.State.REJECTED

    @property
    def shown(self) -> str:
        """What people call it: `works_for` is "works for" unless it has a label."""
        return self.label or self.name.replace("_", " ")


class EntityType(SchemaType):
    """What kinds of things a project's memories speak of.

    `pattern` (RE2) and the word list find entities of the type; with `noun_phrases` the words are nouns, and phrases
    that end with one are the entities.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="entity_types")
    pattern = models.CharField(max_length=500, blank=True, default="", db_default="")
    noun_phrases = models.BooleanField(default=False, db_default=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="entity_type_once")]


class TypeWords(models.Model):
    """An entity type's list of names, one a line. A table of its own: it may have megabytes."""

    entity_type = models.OneToOneField(EntityType, models.CASCADE, primary_key=True, related_name="word_list")
    names = models.TextField()
    count = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "type words"

    def __str__(self) -> str:
        return f"{self.count} names"


class RelationType(SchemaType):
    """How things stand to each other.

    `functional`: a subject has one object at a time (lives_in). `symmetric`: it holds in both directions.
    `subject_types`, `object_types`: names of entity types parted by spaces, between which it may hold; empty is any.
    `phrases`: the words that say it, one a line ("look after").
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="relation_types")
    functional = models.BooleanField(default=False)
    symmetric = models.BooleanField(default=False, db_default=False)
    subject_types = models.TextField(blank=True, default="", db_default="")
    object_types = models.TextField(blank=True, default="", db_default="")
    phrases = models.TextField(blank=True, default="", db_default="")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="relation_type_once")]
