"""The Celery application. Celery carries doorbells; what to do and how far it got stands in TaskLog."""

from __future__ import annotations

import os

from celery import Celery
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "memstack.settings")

app = Celery("memstack")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(name) for name in ("ingest", "graph", "media")]
app.autodiscover_tasks(["tasks_app"])
app.autodiscover_tasks(["tasks_app"], related_name="worker")
