"""What all the models share."""

from __future__ import annotations

from django.db import models
from uuid6 import uuid7


class UUIDModel(models.Model):
    """Primary keys that sort by the time they were made."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True
