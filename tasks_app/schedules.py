"""Makes the tasks that are due by a schedule, for the dispatcher. Of several that do it one wins each task."""

from __future__ import annotations

import time
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from memories.models import Feed
from tasks_app import services
from tasks_app.kinds import Kind
from tasks_app.models import TaskLog

EVERY_SECONDS = 5.0
AT_ONCE = 50
NO_ROOM = timedelta(minutes=10)
_next = 0.0


def make_due_tasks() -> None:
    """Looks for feeds that are due when five seconds have gone since the last time; cheap to call often."""
    global _next  # noqa: PLW0603 - one clock for the process
    if time.monotonic() < _next:
        return
    _next = time.monotonic() + EVERY_SECONDS
    follow_feeds()


def follow_feeds() -> int:
    """Makes a task for each feed that is due and has none; returns how many."""
    due = Feed.objects.filter(paused=False, next_at__lte=Now()).exclude(task__status__in=services.ACTIVE)
    return sum(_begin_due(feed) for feed in due.select_related("project").order_by("next_at")[:AT_ONCE])


def _begin_due(feed: Feed) -> bool:
    """Whoever moves the time of the next fetch makes the task."""
    mine = Feed.objects.filter(pk=feed.pk, paused=False, next_at__lte=Now())
    try:
        with transaction.atomic():
            if not mine.update(next_at=Now() + feed.period):
                return False
            begin(feed)
    except services.TooManyPending as error:
        mine.update(next_at=Now() + NO_ROOM, last_error=str(error))
        return False
    return True


def begin(feed: Feed) -> TaskLog:
    """Enqueues a fetch of the feed, from which the next one is counted; in the caller's transaction. TooManyPending."""
    task = services.submit(feed.project, Kind.FETCH_FEED, payload={"feed": str(feed.pk)})
    Feed.objects.filter(pk=feed.pk).update(task=task, next_at=Now() + feed.period)
    feed.task = task
    return task
