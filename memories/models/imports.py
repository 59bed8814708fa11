"""What was handed in at once, and what of it is not made yet or was refused."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from memories.models.base import UUIDModel
from memories.models.projects import Project


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
