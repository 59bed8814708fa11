"""The kinds of task there are, and the Celery queue that each is sent to."""

from __future__ import annotations

from django.db import models


class Kind(models.TextChoices):
    """The names stand in URLs, events and Celery messages."""

    INGEST_EPISODE = "ingest_episode", "Ingest episode"
    INGEST_ARTICLE = "ingest_article", "Ingest article"
    INGEST_FILE = "ingest_file", "Ingest file"
    FETCH_FEED = "fetch_feed", "Fetch feed"
    REBUILD_COMMUNITIES = "rebuild_communities", "Rebuild communities"
    IMPORT_MEMORIES = "import_memories", "Import memories"


QUEUES: dict[str, str] = {
    Kind.INGEST_EPISODE: "ingest",
    Kind.INGEST_ARTICLE: "media",
    Kind.INGEST_FILE: "media",
    Kind.FETCH_FEED: "media",
    Kind.REBUILD_COMMUNITIES: "graph",
    Kind.IMPORT_MEMORIES: "ingest",
}

# Those that make a memory's text and graph; each is of one memory.
INGESTIONS = (Kind.INGEST_EPISODE, Kind.INGEST_ARTICLE, Kind.INGEST_FILE)
