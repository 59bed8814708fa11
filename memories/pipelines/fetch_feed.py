"""Fetches a feed and saves what is new in it as articles of its project."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from memories import fetching_rules
from memories.engine import feeds
from memories.engine.documents.errors import UnreadableDocument
from memories.engine.errors import EngineError, InvalidSource
from memories.engine.feeds import Entry, FeedDocument
from memories.fetching import Fetched, FetchError, Validators, addresses, fetch
from memories.models import Feed, FeedEntry
from memories.pipelines import originals, savers
from tasks_app.models import TaskLog
from tasks_app.runner import Outcome, Progress

MOST_NEW = 20  # articles of one fetch
GONE = "http_410"


@dataclass
class Harvest:
    """What one fetch has brought: articles saved, entries whose address is no article's, entries left for later."""

    saved: int = 0
    unfit: int = 0
    waiting: int = 0
    older: int = 0


def run(progress: Progress) -> Outcome:
    """A fetch that fails is noted at the feed, which waits longer for the next one the more of them fail."""
    feed = _feed(progress.task)
    try:
        got, document = _fetched(progress, feed)
    except UnreadableDocument as error:
        _note_failure(progress, feed, error)
        raise InvalidSource(str(error)) from None
    except FetchError as error:
        _note_failure(progress, feed, error)
        raise
    harvest = _save_new(progress, feed, document) if document else Harvest()
    message = in_words(harvest)
    changes = _changes(got, document, harvest)

    def effects() -> None:
        Feed.objects.filter(pk=feed.pk).update(result=message, **changes)

    return Outcome({"articles": harvest.saved, "left": harvest.waiting}, message, effects)


def _feed(task: TaskLog) -> Feed:
    feed = Feed.objects.filter(pk=task.payload.get("feed"), project_id=task.project_id).first()
    if feed is None:
        raise InvalidSource("This feed is not followed any more.")
    Feed.objects.filter(pk=feed.pk).update(task=task)
    return feed


# --- fetching


def _fetched(progress: Progress, feed: Feed) -> tuple[Fetched, FeedDocument | None]:
    """What came, and what it says; no document when nothing has changed. A page leads to the feed that it names."""
    folder = originals.folder_of(progress.task.pk)
    try:
        progress.stage("fetch", 5, f"Fetching {urlsplit(feed.url).hostname}...")
        got = _get(progress, feed.url, folder, Validators(feed.etag, feed.last_modified))
        if got.not_modified:
            return got, None
        document = _read(progress, got)
        if not document.elsewhere:
            return got, document
        _move(progress, feed, document.elsewhere)
        progress.stage("fetch", 30, "This is a page that names a feed; fetching that...")
        got = _get(progress, document.elsewhere, folder, None)
        document = _read(progress, got)
        if document.elsewhere:
            raise UnreadableDocument("This page names a feed, and there is none; give the address of the feed itself.")
        return got, document
    finally:
        originals.forget(progress.task.pk)


def _get(progress: Progress, url: str, folder: Path, known: Validators | None) -> Fetched:
    rules = fetching_rules.feed_rules()
    return fetch(url, folder, rules, known=known, progress=lambda done, total: None, stop=progress.checkpoint)


def _read(progress: Progress, got: Fetched) -> FeedDocument:
    said = got.headers.get("content-type", "")
    return feeds.read(got.path, url=got.url, content_type=said, stop=progress.checkpoint)


def _move(progress: Progress, feed: Feed, url: str) -> None:
    """The feed is at another address from now on; InvalidSource when the project follows that one already."""
    key = addresses.key_of(url)
    with transaction.atomic():
        progress.hold()
        if Feed.objects.filter(project=feed.project_id, key=key).exclude(pk=feed.pk).exists():
            raise InvalidSource("The page names a feed that the project follows already; remove this one.")
        Feed.objects.filter(pk=feed.pk).update(url=url, key=key)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _note_failure(progress: Progress, feed: Feed, error: EngineError | UnreadableDocument) -> None:
    """The next fetch comes later; never before the time that the site has asked for. A feed that is gone is paused."""
    feed.failures += 1
    wait = timedelta(seconds=getattr(error, "retry_after", None) or 0)
    paused = getattr(error, "code", "") == GONE
    with transaction.atomic():
        progress.hold()
        Feed.objects.filter(pk=feed.pk).update(
            failures=F("failures") + 1,
            last_error=str(error),
            next_at=Now() + max(feed.period, wait),
            **({"paused": True} if paused else {}),
        )


# --- saving


def _save_new(progress: Progress, feed: Feed, document: FeedDocument) -> Harvest:
    """The newest first by choice, the oldest of these saved first. Of a feed's first fetch the older ones stay out."""
    new = _unseen(feed, document.entries)
    chosen, rest = new[:MOST_NEW], new[MOST_NEW:]
    harvest = Harvest(waiting=len(rest))
    if feed.fetched_at is None:
        _mark(progress, feed, rest)
        harvest = Harvest(older=len(rest))
    progress.stage("save", 50, _counted(len(chosen), "new entry", "new entries"), total=len(chosen))
    for done, entry in enumerate(reversed(chosen), 1):
        try:
            saved = _save_one(progress, feed, entry)
        except savers.NoRoom:
            harvest.waiting += len(chosen) - done + 1
            break
        harvest.saved += saved
        harvest.unfit += not saved
        progress.count(done, len(chosen), low=50, high=95)
    return harvest


def _unseen(feed: Feed, entries: Sequence[Entry]) -> list[Entry]:
    keys = {digest(entry.id): entry for entry in entries}
    seen = set(feed.entries.filter(key__in=list(keys)).values_list("key", flat=True))
    return [entry for key, entry in keys.items() if key not in seen]


def _mark(progress: Progress, feed: Feed, entries: Sequence[Entry]) -> None:
    """Before anything is saved, so that a second attempt leaves the same ones out."""
    with transaction.atomic():
        progress.hold()
        FeedEntry.objects.bulk_create(
            [FeedEntry(feed=feed, key=digest(entry.id)) for entry in entries], ignore_conflicts=True
        )


def _save_one(progress: Progress, feed: Feed, entry: Entry) -> bool:
    """The article and the mark that it was seen are one transaction; False when its address is no article's."""
    with transaction.atomic():
        progress.hold()
        memory = savers.save(feed, entry)
        FeedEntry.objects.create(feed=feed, key=digest(entry.id), memory=memory)
    return memory is not None


# --- what is told


def _changes(got: Fetched, document: FeedDocument | None, harvest: Harvest) -> dict[str, object]:
    """What a fetch that went well writes. With entries left the next answer must not be that nothing has changed."""
    changes: dict[str, object] = {"fetched_at": Now(), "last_error": "", "failures": 0}
    if document is not None:
        changes |= {"title": document.title} if document.title else {}
        all_saved = harvest.waiting == 0
        changes |= {
            "etag": got.etag if all_saved else "",
            "last_modified": got.last_modified if all_saved else "",
        }
    return changes


def in_words(harvest: Harvest) -> str:
    """ "3 new articles; 2 more come next time"."""
    parts = [_counted(harvest.saved, "new article", "new articles") if harvest.saved else "Nothing new"]
    if harvest.older:
        parts.append(f"{_counted(harvest.older, 'older one', 'older ones')} left out")
    if harvest.waiting:
        parts.append(f"{harvest.waiting:,} more come next time")
    if harvest.unfit:
        parts.append(f"{_counted(harvest.unfit, 'entry', 'entries')} without an address that can be saved")
    return "; ".join(parts)


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
