"""What search looks up."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from memories.models.communities import Community
from memories.models.graph import Entity, Fact
from memories.models.projects import Project
from memories.models.saved import Passage


class SearchDocument(models.Model):
    """What search looks up: the indexed words and the vector of exactly one passage, entity, fact or community.

    `id` is the row number of the full-text index; `embedding` is 384 float16 values, unit length, little endian.
    """

    KINDS = ("passage", "entity", "fact", "community")

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10)
    passage = models.OneToOneField(Passage, models.CASCADE, null=True, related_name="search_document")
    entity = models.OneToOneField(Entity, models.CASCADE, null=True, related_name="search_document")
    fact = models.OneToOneField(Fact, models.CASCADE, null=True, related_name="search_document")
    community = models.OneToOneField(Community, models.CASCADE, null=True, related_name="search_document")
    text = models.TextField()
    embedding = models.BinaryField(null=True)

    class Meta:
        indexes = [models.Index(fields=["project", "kind"], name="search_document_kind")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="passage", passage__isnull=False, entity=None, fact=None, community=None)
                | Q(kind="entity", passage=None, entity__isnull=False, fact=None, community=None)
                | Q(kind="fact", passage=None, entity=None, fact__isnull=False, community=None)
                | Q(kind="community", passage=None, entity=None, fact=None, community__isnull=False),
                name="search_document_of_one",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
