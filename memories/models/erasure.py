"""What is deleted and may still stand in a database's files."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Erasure(models.Model):
    """A deletion whose words have not left SQLite's index and log yet; the row goes when they have."""

    made_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return str(self.made_at)
