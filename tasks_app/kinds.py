"""The kinds of task there are, and the Celery queue that each is sent to."""

from __future__ import annotations

from django.db import models


class Kind(models.TextChoices):
    """The names stand in URLs, events and Celery messages."""

    INGEST_EPISODE = "ingest_episode", "Ingest episode"
    REBUILD_COMMUNITIES = "rebuild_communities", "Rebuild communities"
    IMPORT_MEMORIES = "import_memories", "Import memories"


QUEUES: dict[str, str] = {
    Kind.INGEST_EPISODE: "ingest",
    Kind.REBUILD_COMMUNITIES: "graph",
    Kind.IMPORT_MEMORIES: "ingest",
}
