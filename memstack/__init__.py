"""The wiring: settings, Celery, URLs, the server."""

from memstack.celery import app as celery_app

__all__ = ["celery_app"]
__version__ = "0.1.0"
