"""What people and agents saved, and the passages it was split into."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from memories.models.base import UUIDModel
from memories.models.projects import Project


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
