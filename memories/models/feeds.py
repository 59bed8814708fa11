"""Feeds that a project follows, and what of them it has seen."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from memories.models.base import UUIDModel
from memories.models.projects import Project
from memories.models.saved import Memory


class Feed(UUIDModel):
    """An RSS or Atom feed whose new entries become articles of the project.

    It is due at `next_at`, unless it is paused; whoever moves `next_at` on makes the task. `every` is in seconds.
    `key` is the SHA-256 of the address in its one form. `etag` and `last_modified` are those of the last version of
    which no entry is left to save. `task` is the newest fetch; `failures` counts those in a row that failed.
    """

    LEAST, MOST, USUAL = 15 * 60, 30 * 24 * 3600, 3600
    LONGEST_BACK_OFF = timedelta(days=1)

    project = models.ForeignKey(Project, models.CASCADE, related_name="feeds")
    task = models.ForeignKey("tasks_app.TaskLog", models.SET_NULL, null=True, blank=True, related_name="+")
    url = models.CharField(max_length=2000)
    key = models.CharField(max_length=64)
    title = models.CharField(max_length=300, blank=True, default="")
    every = models.PositiveIntegerField(default=USUAL)
    paused = models.BooleanField(default=False)
    next_at = models.DateTimeField(db_default=Now())
    fetched_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=300, blank=True, default="")
    last_error = models.TextField(blank=True, default="")
    failures = models.PositiveIntegerField(default=0)
    etag = models.CharField(max_length=1000, blank=True, default="")
    last_modified = models.CharField(max_length=200, blank=True, default="")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["next_at"], name="feed_due", condition=Q(paused=False))]
        constraints = [
            models.UniqueConstraint(fields=["project", "key"], name="feed_once"),
            models.CheckConstraint(condition=Q(every__range=(15 * 60, 30 * 24 * 3600)), name="feed_every"),
        ]

    def __str__(self) -> str:
        return self.title or self.url

    @property
    def period(self) -> timedelta:
        """How long until the next fetch; longer after failures, up to a day."""
        usual = timedelta(seconds=self.every)
        longer: timedelta = usual * 2 ** min(self.failures, 10)
        return max(usual, min(longer, self.LONGEST_BACK_OFF))


class FeedEntry(models.Model):
    """An entry that was seen in a feed, by the SHA-256 of its id; `memory` is what it became, if anything."""

    feed = models.ForeignKey(Feed, models.CASCADE, related_name="entries")
    key = models.CharField(max_length=64)
    memory = models.ForeignKey(Memory, models.SET_NULL, null=True, blank=True, related_name="+")
    seen_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "feed entries"
        constraints = [models.UniqueConstraint(fields=["feed", "key"], name="feed_entry_once")]

    def __str__(self) -> str:
        return self.key
