"""The Celery application. Celery carries doorbells; what to do and how far it got stands in TaskLog."""

from __future__ import annotations

import logging.config
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from kombu import Queue

from memstack import broker_transport

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "memstack.settings")

broker_transport.install()
app = Celery("memstack")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(name) for name in ("ingest", "graph", "media")]
app.autodiscover_tasks(["tasks_app"])
app.autodiscover_tasks(["tasks_app"], related_name="worker")


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Celery leaves the logging alone when somebody answers this signal."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
