"""Feeds that a project follows: what is saved, when the next fetch is due, and what fails."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils import timezone

from memories import feeds, fetching_rules
from memories.models import Feed, Memory, Project
from memories.pipelines import fetch_feed
from tasks_app import runner, schedules
from tasks_app import services as tasks
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskLog
from tests.fetching.servers import Asked, Server, leads_to, reply, serving

pytestmark = pytest.mark.django_db(transaction=True)


def rss(*numbers: int, enclosure: bool = False) -> bytes:
    """A feed with these entries, the first one the newest."""
    items = "".join(
        f"<item><title>Entry {number}</title><guid isPermaLink='false'>id-{number}</guid>"
        f"<link>https://blog.example/{number}</link>"
        + (f"<enclosure url='https://blog.example/{number}.mp3' type='audio/mpeg'/>" if enclosure else "")
        + "</item>"
        for number in numbers
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>The blog</title>{items}</channel></rss>'.encode()


@pytest.fixture
def server(settings: Any, tmp_path: Path) -> Iterator[Server]:
    settings.MEMSTACK_DATA_DIR = tmp_path
    with serving() as running:
        settings.MEMSTACK_PRIVATE_HOSTS = [f"127.0.0.1:{running.port}"]
        yield running


@pytest.fixture
def feed(alice: User, project: Project, server: Server) -> Feed:
    return feeds.follow(alice, project, server.url("/feed")).feed


def fetched(feed: Feed) -> TaskLog:
    """Runs the feed's newest task, or asks for one."""
    feed.refresh_from_db()
    if feed.task is None or feed.task.is_terminal:
        feeds.fetch_now(feed)
        feed.refresh_from_db()
    assert feed.task is not None
    runner.run(feed.task.pk, fetch_feed.run, "test")
    feed.refresh_from_db()
    feed.task.refresh_from_db()
    return feed.task


def addresses(project: Project) -> list[str]:
    return list(Memory.objects.filter(project=project).order_by("id").values_list("source_url", flat=True))


def due_in(feed: Feed) -> timedelta:
    return feed.next_at - timezone.now()


def test_following_asks_for_the_first_fetch(alice: User, project: Project, feed: Feed) -> None:
    assert feed.task is not None
    assert (feed.task.kind, feed.task.payload) == (Kind.FETCH_FEED, {"feed": str(feed.pk)})
    assert timedelta(minutes=59) < due_in(feed) < timedelta(minutes=61)
    again = feeds.follow(alice, project, f"  {feed.url}#top ")
    assert (again.feed.pk, again.is_new) == (feed.pk, False)
    assert TaskLog.objects.filter(kind=Kind.FETCH_FEED).count() == 1


def test_new_entries_become_articles_the_oldest_first(project: Project, feed: Feed, server: Server) -> None:
    server.answers["/feed"] = reply(rss(2, 1), content_type="application/rss+xml", ETag='"1"')
    task = fetched(feed)
    assert (task.status, task.message) == (Status.COMPLETED, "2 new articles")
    assert task.result == {"articles": 2, "left": 0}
    assert addresses(project) == ["https://blog.example/1", "https://blog.example/2"]
    assert (feed.title, feed.etag, feed.result, feed.failures) == ("The blog", '"1"', "2 new articles", 0)
    memory = Memory.objects.get(source_url="https://blog.example/1")
    assert memory.task is not None
    assert memory.task.kind == Kind.INGEST_ARTICLE
    assert memory.created_by_id == feed.created_by_id
    assert feed.entries.filter(memory=memory).count() == 1
    server.answers["/feed"] = reply(rss(3, 2, 1), content_type="application/rss+xml")
    assert fetched(feed).message == "1 new article"
    assert len(addresses(project)) == 3


def test_what_was_deleted_does_not_come_back(project: Project, feed: Feed, server: Server) -> None:
    server.answers["/feed"] = reply(rss(1))
    fetched(feed)
    Memory.objects.all().delete()
    assert fetched(feed).message == "Nothing new"
    assert not addresses(project)


def test_a_feed_that_has_not_changed_is_not_read(feed: Feed, server: Server) -> None:
    def answer(asked: Asked, connection: socket.socket) -> None:
        same = asked.headers.get("if-none-match") == '"1"'
        connection.sendall(reply(b"", "304 Not Modified") if same else reply(rss(1), ETag='"1"'))

    server.answers["/feed"] = answer
    fetched(feed)
    task = fetched(feed)
    assert (task.message, task.result) == ("Nothing new", {"articles": 0, "left": 0})
    assert feed.etag == '"1"'


def test_the_first_fetch_leaves_the_old_ones_out(project: Project, feed: Feed, server: Server) -> None:
    server.answers["/feed"] = reply(rss(*range(50, 0, -1)))
    assert fetched(feed).message == "20 new articles; 30 older ones left out"
    assert addresses(project)[0] == "https://blog.example/31"
    assert fetched(feed).message == "Nothing new"


def test_many_new_ones_come_over_several_fetches(project: Project, feed: Feed, server: Server) -> None:
    """Their feed is asked for as a whole meanwhile: an answer that nothing has changed would hide the rest."""
    server.answers["/feed"] = reply(rss(1), ETag='"1"')
    fetched(feed)
    server.answers["/feed"] = reply(rss(*range(46, 0, -1)), ETag='"2"', Last_Modified="today")
    assert fetched(feed).message == "20 new articles; 25 more come next time"
    assert (feed.etag, feed.last_modified) == ("", "")
    assert fetched(feed).message == "20 new articles; 5 more come next time"
    assert fetched(feed).message == "5 new articles"
    assert (feed.etag, feed.last_modified) == ('"2"', "today")
    assert len(addresses(project)) == 46


def test_episodes_lead_to_their_recording_and_keep_their_title(project: Project, feed: Feed, server: Server) -> None:
    server.answers["/feed"] = reply(rss(1, enclosure=True))
    fetched(feed)
    memory = Memory.objects.get()
    assert (memory.source_url, memory.title) == ("https://blog.example/1.mp3", "Entry 1")


def test_an_article_that_is_there_is_not_saved_twice(alice: User, project: Project, feed: Feed, server: Server) -> None:
    from memories import services

    kept = services.save_article(alice, project, "https://blog.example/1?utm_source=x")
    server.answers["/feed"] = reply(rss(1))
    fetched(feed)
    assert [row.pk for row in Memory.objects.all()] == [kept.pk]


def test_a_project_that_is_full_takes_the_rest_later(
    project: Project, feed: Feed, server: Server, settings: Any
) -> None:
    server.answers["/feed"] = reply(rss(3, 2, 1), ETag='"1"')
    settings.MEMSTACK_MAX_PENDING_PER_PROJECT = 2
    task = fetched(feed)
    assert (task.status, task.message) == (Status.COMPLETED, "2 new articles; 1 more come next time")
    assert feed.etag == ""
    settings.MEMSTACK_MAX_PENDING_PER_PROJECT = 100
    assert fetched(feed).message == "1 new article"


def test_entries_without_an_address_that_can_be_saved(project: Project, feed: Feed, server: Server) -> None:
    server.answers["/feed"] = reply(rss(2, 1).replace(b"https://blog.example/1<", b"https://user:pw@blog.example/1<"))
    assert fetched(feed).message == "1 new article; 1 entry without an address that can be saved"
    assert fetched(feed).message == "Nothing new"


def test_a_page_that_names_its_feed(alice: User, project: Project, server: Server) -> None:
    page = b'<html><link rel="alternate" type="application/rss+xml" href="/feed"></html>'
    server.answers |= {"/": reply(page), "/feed": reply(rss(1))}
    feed = feeds.follow(alice, project, server.url("/")).feed
    assert fetched(feed).message == "1 new article"
    assert feed.url == server.url("/feed")
    assert not feeds.follow(alice, project, server.url("/feed")).is_new


def test_a_page_that_names_a_feed_which_is_followed_already(
    alice: User, project: Project, server: Server, feed: Feed
) -> None:
    page = b'<html><link rel="alternate" type="application/rss+xml" href="/feed"></html>'
    server.answers |= {"/": reply(page), "/feed": reply(rss(1))}
    other = feeds.follow(alice, project, server.url("/")).feed
    task = fetched(other)
    assert task.status == Status.FAILED
    assert "follows already" in task.error


class TestFaults:
    def test_a_failure_is_noted_and_waits_longer_each_time(self, feed: Feed, server: Server) -> None:
        server.answers["/feed"] = reply(b"", "500 Internal Server Error")
        for failures, hours in [(1, 2), (2, 4), (3, 8)]:
            task = fetched(feed)
            assert (task.status, task.retryable, task.retries) == (Status.FAILED, True, 0)
            assert feed.failures == failures
            assert feed.last_error == task.error
            assert timedelta(hours=hours - 0.1) < due_in(feed) < timedelta(hours=hours + 0.1)
        server.answers["/feed"] = reply(rss(1))
        fetched(feed)
        assert (feed.failures, feed.last_error) == (0, "")

    def test_the_time_that_a_site_asks_for_is_waited(self, feed: Feed, server: Server) -> None:
        server.answers["/feed"] = reply(b"", "429 Too Many Requests", Retry_After="36000")
        fetched(feed)
        assert timedelta(hours=9.9) < due_in(feed) < timedelta(hours=10.1)

    def test_a_feed_that_is_gone_is_paused(self, feed: Feed, server: Server) -> None:
        server.answers["/feed"] = reply(b"", "410 Gone")
        task = fetched(feed)
        assert not task.retryable
        assert feed.paused

    def test_no_feed(self, feed: Feed, server: Server) -> None:
        server.answers["/feed"] = reply(b"<html><p>Hello</p></html>")
        task = fetched(feed)
        assert (task.status, task.retryable) == (Status.FAILED, False)
        assert "no feed at this address" in feed.last_error

    def test_too_large(self, feed: Feed, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fetching_rules, "MAX_FEED_BYTES", 10_000)
        server.answers["/feed"] = reply(rss(*range(500)))
        assert "may be fetched" in fetched(feed).error

    def test_a_private_host(self, feed: Feed, server: Server, settings: Any) -> None:
        settings.MEMSTACK_PRIVATE_HOSTS = []
        settings.MEMSTACK_FETCH_PORTS = [str(server.port)]
        assert "not a public host" in fetched(feed).error
        server.answers["/feed"] = leads_to("http://169.254.169.254/")
        settings.MEMSTACK_PRIVATE_HOSTS = [f"127.0.0.1:{server.port}"]
        settings.MEMSTACK_FETCH_PORTS = ["80"]
        assert "not a public host" in fetched(feed).error

    def test_what_an_attempt_that_died_has_saved_is_not_saved_again(
        self, project: Project, feed: Feed, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Killed(BaseException):
            pass

        server.answers["/feed"] = reply(rss(*range(30, 0, -1)))
        save, calls = fetch_feed._save_one, iter(range(100))

        def dies(*args: Any) -> bool:
            if next(calls) == 5:
                raise Killed
            return save(*args)

        monkeypatch.setattr(fetch_feed, "_save_one", dies)
        with pytest.raises(Killed):
            fetched(feed)
        assert len(addresses(project)) == 5
        TaskLog.objects.filter(kind=Kind.FETCH_FEED).update(status=Status.PENDING, lease_until=None)
        assert fetched(feed).message == "15 new articles"
        assert addresses(project) == [f"https://blog.example/{number}" for number in range(11, 31)]

    def test_a_feed_that_was_removed(self, project: Project, feed: Feed) -> None:
        task = feed.task
        assert task is not None
        feeds.remove(feed)
        task.refresh_from_db()
        assert task.status == Status.CANCELLED
        retry = tasks.retry(task)
        runner.run(retry.pk, fetch_feed.run, "test")
        retry.refresh_from_db()
        assert "not followed any more" in retry.error


class TestSchedule:
    @pytest.fixture(autouse=True)
    def _done(self, feed: Feed, server: Server) -> None:
        server.answers["/feed"] = reply(rss(1))
        fetched(feed)

    def test_a_feed_that_is_due_gets_one_task(self, feed: Feed) -> None:
        assert schedules.follow_feeds() == 0
        Feed.objects.update(next_at=timezone.now() - timedelta(seconds=1))
        assert schedules.follow_feeds() == 1
        assert schedules.follow_feeds() == 0
        feed.refresh_from_db()
        assert feed.task is not None
        assert feed.task.status == Status.PENDING
        assert timedelta(minutes=59) < due_in(feed) < timedelta(minutes=61)

    def test_of_two_dispatchers_one_makes_the_task(self, feed: Feed) -> None:
        Feed.objects.update(next_at=timezone.now() - timedelta(seconds=1))
        rows = [Feed.objects.select_related("project").get(pk=feed.pk) for _ in range(2)]
        assert [schedules._begin_due(row) for row in rows] == [True, False]

    def test_what_is_being_fetched_gets_no_second_task(self, feed: Feed) -> None:
        task = feeds.fetch_now(feed)
        assert feeds.fetch_now(feed).pk == task.pk
        Feed.objects.update(next_at=timezone.now() - timedelta(seconds=1))
        assert schedules.follow_feeds() == 0

    def test_a_paused_feed_is_left_alone(self, feed: Feed) -> None:
        feeds.change(feed, {"paused": True})
        Feed.objects.update(next_at=timezone.now() - timedelta(days=1))
        assert schedules.follow_feeds() == 0
        feed.refresh_from_db()
        feeds.change(feed, {"paused": False})
        assert schedules.follow_feeds() == 0
        assert timedelta(minutes=59) < due_in(feed) < timedelta(minutes=61)

    def test_another_period_counts_from_the_last_fetch(self, feed: Feed) -> None:
        Feed.objects.update(fetched_at=timezone.now() - timedelta(hours=20))
        feed.refresh_from_db()
        feeds.change(feed, {"every": 24 * 3600})
        feed.refresh_from_db()
        assert timedelta(hours=3.9) < due_in(feed) < timedelta(hours=4.1)

    def test_a_project_that_is_full_is_asked_again_later(self, feed: Feed, settings: Any) -> None:
        settings.MEMSTACK_MAX_PENDING_PER_PROJECT = 0
        Feed.objects.update(next_at=timezone.now() - timedelta(seconds=1))
        assert schedules.follow_feeds() == 0
        feed.refresh_from_db()
        assert "tasks of this project wait" in feed.last_error
        assert timedelta(minutes=9) < due_in(feed) < timedelta(minutes=11)

    def test_the_dispatcher_asks(self, feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
        from tasks_app import dispatcher

        monkeypatch.setattr(schedules, "_next", 0.0)
        Feed.objects.update(next_at=timezone.now() - timedelta(seconds=1))
        dispatcher.tick()
        feed.refresh_from_db()
        assert feed.task is not None
        assert feed.task.status == Status.PENDING


@pytest.mark.parametrize(
    "url", ["", "blog.example", "ftp://blog.example/feed", "https://u:p@blog.example/", "http://\x00/"]
)
def test_what_is_no_address(alice: User, project: Project, url: str) -> None:
    with pytest.raises(ValidationError):
        feeds.follow(alice, project, url)


def test_a_project_has_a_limit_of_feeds(alice: User, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MOST_FEEDS", 1)
    feeds.follow(alice, project, "https://blog.example/1")
    with pytest.raises(ValidationError, match="remove one first"):
        feeds.follow(alice, project, "https://blog.example/2")
    assert not feeds.follow(alice, project, "https://blog.example/1").is_new


def test_back_off_ends_at_a_day_or_the_period() -> None:
    assert Feed(every=3600, failures=30).period == timedelta(days=1)
    assert Feed(every=7 * 24 * 3600, failures=3).period == timedelta(days=7)
