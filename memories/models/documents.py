"""What is known of a memory that was fetched from an address or handed in as a file."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from memories.models.projects import Project
from memories.models.saved import Memory


class SavedDocument(models.Model):
    """The document that a memory's text was taken from; its row is made with the memory.

    What the reading gives (`blocks` and all that follows, the memory's text too) is written in the transaction that
    publishes it. `title` and `reference_time` are what the document gave the memory: a person's own stay. Of `file`,
    the name in the store of files, nothing is kept of plain pages. Spans count in the memory's content.
    """

    class Origin(models.TextChoices):
        ADDRESS = "address"
        UPLOAD = "upload"

    memory = models.OneToOneField(Memory, models.CASCADE, primary_key=True, related_name="document")
    origin = models.CharField(max_length=10, choices=Origin.choices)
    title = models.CharField(max_length=500, blank=True, default="")
    reference_time = models.DateTimeField()
    media_type = models.CharField(max_length=100, blank=True, default="")
    file = models.CharField(max_length=300, blank=True, default="")
    file_name = models.CharField(max_length=300, blank=True, default="")
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")

    url = models.CharField(max_length=4000, blank=True, default="")
    canonical_url = models.CharField(max_length=4000, blank=True, default="")
    etag = models.CharField(max_length=1000, blank=True, default="")
    last_modified = models.CharField(max_length=200, blank=True, default="")
    fetched_at = models.DateTimeField(null=True, blank=True)

    site = models.CharField(max_length=300, blank=True, default="")
    author = models.CharField(max_length=500, blank=True, default="")
    language = models.CharField(max_length=35, blank=True, default="")
    image_url = models.CharField(max_length=4000, blank=True, default="")
    published_at = models.DateTimeField(null=True, blank=True)
    duration_seconds = models.FloatField(null=True, blank=True)
    blocks = models.JSONField(default=list, blank=True)
    sections = models.JSONField(default=list, blank=True)
    summary = models.JSONField(default=list, blank=True)
    key_phrases = models.JSONField(default=list, blank=True)
    reading_minutes = models.PositiveIntegerField(default=0)
    notes = models.JSONField(default=list, blank=True)

    class Meta:
        db_table = "memories_document"
        verbose_name = "document"
        indexes = [models.Index(fields=["file"], name="document_file", condition=~Q(file=""))]
        constraints = [
            models.CheckConstraint(condition=Q(origin__in=["address", "upload"]), name="document_origin_known"),
            models.CheckConstraint(
                condition=Q(duration_seconds=None) | Q(duration_seconds__gte=0), name="document_duration"
            ),
        ]

    def __str__(self) -> str:
        return self.url or self.file_name


class SourceKey(models.Model):
    """What two savings of the same document have in common, so that a project has it once.

    `key` is the SHA-256 of a canonical address (the one that was saved, and where it led to), or of an uploaded file.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    document = models.ForeignKey(SavedDocument, models.CASCADE, related_name="keys")
    key = models.CharField(max_length=64)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["project", "key"], name="source_once_in_project")]

    def __str__(self) -> str:
        return self.key
