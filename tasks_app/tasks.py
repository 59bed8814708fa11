"""The Celery tasks: interfaces that look up the row's pipeline and run it, nothing else."""

from __future__ import annotations

from typing import Any

from celery import Task, shared_task

from memories.pipelines import fetch_feed as feeds
from memories.pipelines import import_memories as importing
from memories.pipelines import ingest_article as articles
from memories.pipelines import ingest_episode as ingestion
from memories.pipelines import ingest_file as uploads
from memories.pipelines import rebuild_communities as rebuilding
from tasks_app import runner
from tasks_app.kinds import Kind


@shared_task(bind=True, name=Kind.INGEST_EPISODE.value)
def ingest_episode(self: Task[Any, Any], task_id: str) -> None:
    """Turns the task's memory into graph."""
    runner.run(task_id, ingestion.run, str(self.request.hostname))


@shared_task(bind=True, name=Kind.INGEST_ARTICLE.value)
def ingest_article(self: Task[Any, Any], task_id: str) -> None:
    """Fetches the task's article and turns it into text and graph."""
    runner.run(task_id, articles.run, str(self.request.hostname))


@shared_task(bind=True, name=Kind.INGEST_FILE.value)
def ingest_file(self: Task[Any, Any], task_id: str) -> None:
    """Turns the task's uploaded file into text and graph."""
    runner.run(task_id, uploads.run, str(self.request.hostname))


@shared_task(bind=True, name=Kind.FETCH_FEED.value)
def fetch_feed(self: Task[Any, Any], task_id: str) -> None:
    """Saves what is new in the task's feed."""
    runner.run(task_id, feeds.run, str(self.request.hostname))


@shared_task(bind=True, name=Kind.REBUILD_COMMUNITIES.value)
def rebuild_communities(self: Task[Any, Any], task_id: str) -> None:
    """Groups the entities of the task's project anew."""
    runner.run(task_id, rebuilding.run, str(self.request.hostname))


@shared_task(bind=True, name=Kind.IMPORT_MEMORIES.value)
def import_memories(self: Task[Any, Any], task_id: str) -> None:
    """Makes the memories of an import, and a child task for each."""
    runner.run(task_id, importing.run, str(self.request.hostname))
