"""What people do with feeds, and how an entry becomes an article; pages, API and imports call these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from memories import services
from memories.engine.feeds import Entry
from memories.fetching import FetchError, addresses
from memories.importing.opml import Subscription
from memories.importing.refusals import ImportRefused
from memories.models import Feed, Memory, Project
from memories.pipelines import savers
from memories.validation import check_characters
from tasks_app import schedules
from tasks_app import services as tasks
from tasks_app.models import TaskLog

MOST_FEEDS = 1000
SPREAD_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Followed:
    """`is_new`: the project follows the feed from now on; otherwise it did already."""

    feed: Feed
    is_new: bool


def follow(
    user: AbstractBaseUser | None, project: Project, url: str, every: int = Feed.USUAL, title: str = ""
) -> Followed:
    """Follows a feed and asks for its first fetch; the feed that is there, where the project follows it already.

    ValidationError by field, TooManyPending.
    """
    url = check_address(url)
    key = addresses.key_of(url)
    for _ in range(2):
        if found := project.feeds.filter(key=key).select_related("task").first():
            return Followed(found, is_new=False)
        try:
            return Followed(_insert(user, project, Feed(url=url, key=key, every=every, title=title)), is_new=True)
        except IntegrityError:  # another request was first
            continue
    raise tasks.StateConflict("This feed was added and removed at the same moment; send it again.")


def _insert(user: AbstractBaseUser | None, project: Project, feed: Feed) -> Feed:
    if project.feeds.count() >= MOST_FEEDS:
        raise ValidationError({"url": [f"A project may follow {MOST_FEEDS:,} feeds; remove one first."]})
    with transaction.atomic():
        feed.project, feed.created_by_id = project, user.pk if user else None
        feed.next_at = Now()
        feed.save(force_insert=True)
        schedules.begin(feed)
    return Feed.objects.select_related("task").get(pk=feed.pk)


def check_address(url: str) -> str:
    """The address without white space around it; ValidationError when no feed can be behind it."""
    try:
        addresses.parse(check_characters(url))
    except FetchError as error:
        raise ValidationError({"url": [str(error)]}) from None
    return url.strip()


def change(feed: Feed, changes: Mapping[str, Any]) -> None:
    """Writes `every` (seconds), `paused` or `title`. The next fetch is counted from the last one."""
    for name, value in changes.items():
        setattr(feed, name, value)
    written = [*changes]
    if {"every", "paused"} & changes.keys() and not feed.paused:
        feed.failures = 0
        feed.next_at = (feed.fetched_at or feed.created_at) + feed.period
        written += ["failures", "next_at"]
    feed.save(update_fields=written)


@dataclass
class Counts:
    """What became of a list of feeds. `refused` are (line, reason)."""

    new: int = 0
    known: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [f"{self.new:,} {'feed is' if self.new == 1 else 'feeds are'} followed from now on"]
        parts += [f"{self.known:,} {'was' if self.known == 1 else 'were'} followed already"] if self.known else []
        parts += [f"{len(self.refused):,} could not be taken"] if self.refused else []
        return "; ".join(parts) + "."


def follow_list(user: AbstractBaseUser | None, project: Project, listed: Iterable[Subscription]) -> Counts:
    """Follows the feeds of a list. Their first fetches are spread over some minutes, so that none is asked for here."""
    counts, rows = Counts(), dict[str, Feed]()
    for one in listed:
        try:
            url = check_address(one.url)
        except ValidationError as error:
            counts.refused.append((one.line, error.messages[0]))
            continue
        title = check_title(one.title)
        rows.setdefault(addresses.key_of(url), Feed(url=url, title=title, project=project))
    with transaction.atomic():
        Project.objects.select_for_update().only("pk").get(pk=project.pk)  # one list is taken after the other
        known = set(project.feeds.values_list("key", flat=True))
        new = {key: row for key, row in rows.items() if key not in known}
        if len(known) + len(new) > MOST_FEEDS:
            raise ImportRefused(f"A project may follow {MOST_FEEDS:,} feeds. Nothing was imported.", too_large=True)
        for number, (key, row) in enumerate(new.items()):
            row.key, row.created_by_id = key, user.pk if user else None
            row.next_at = Now() + timedelta(seconds=SPREAD_SECONDS * number)
        Feed.objects.bulk_create(new.values())
    counts.new, counts.known = len(new), len(rows) - len(new)
    return counts


def check_title(title: str) -> str:
    """On one line, without what no database keeps."""
    plain = "".join(letter if letter.isprintable() else " " for letter in title)
    return " ".join(plain.split())[:300]


def remove(feed: Feed) -> None:
    """Stops following it; its articles stay."""
    with transaction.atomic():
        if feed.task is not None:
            tasks.cancel_active(TaskLog.objects.filter(pk=feed.task.pk))
        feed.delete()


def fetch_now(feed: Feed) -> TaskLog:
    """Asks for a fetch; while one waits or runs, that is the answer. TooManyPending."""
    with transaction.atomic():
        row = Feed.objects.select_for_update(of=("self",)).select_related("task", "project").get(pk=feed.pk)
        if row.task is not None and row.task.status in tasks.ACTIVE:
            return row.task
        return schedules.begin(row)


def save_entry(feed: Feed, entry: Entry) -> Memory | None:
    """An entry as an article, see `savers.Save`. A recording has the entry's title, which it seldom has itself."""
    try:
        memory = services.save_article(feed.created_by, feed.project, entry.url)
    except tasks.TooManyPending:
        raise savers.NoRoom from None
    except (ValidationError, FetchError):
        return None
    if entry.recording and entry.title and memory.generation == 0:
        Memory.objects.filter(pk=memory.pk, title=memory.title).update(title=entry.title)
    return memory
