"""Feeds by API and page: who may do what, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from memories import feeds
from memories.models import Feed, Project
from tasks_app.models import Status, TaskLog

pytestmark = pytest.mark.django_db
FEEDS = "/api/v1/feeds"
URL = "https://blog.example/feed"


def api_of(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def pages_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def feed(alice: User, project: Project) -> Feed:
    return feeds.follow(alice, project, URL).feed


class TestApi:
    def test_follow_read_change_and_stop(self, alice: User, project: Project) -> None:
        api = api_of(alice)
        answer = api.post(FEEDS, {"project": str(project.pk), "url": URL, "every": 7200})
        assert answer.status_code == 201, answer.content
        made = answer.json()
        assert (made["url"], made["every"], made["paused"], made["error"], made["result"]) == (
            URL,
            7200,
            False,
            None,
            None,
        )
        assert made["task_id"] == str(TaskLog.objects.get().pk)
        again = api.post(FEEDS, {"project": str(project.pk), "url": URL + "#x"})
        assert (again.status_code, again.json()["id"]) == (200, made["id"])
        assert api.get(FEEDS, {"project": str(project.pk)}).json()["results"][0]["id"] == made["id"]
        place = f"{FEEDS}/{made['id']}"
        assert api.patch(place, {"paused": True, "title": "Mine"}).json()["next_at"] is None
        assert api.get(place).json()["title"] == "Mine"
        assert api.patch(place + "/", {"paused": False, "every": 900}).json()["every"] == 900
        assert api.delete(place).status_code == 204
        assert not Feed.objects.exists()

    def test_the_same_key_makes_it_once(self, alice: User, project: Project) -> None:
        body = {"project": str(project.pk), "url": URL}
        answers = [api_of(alice).post(FEEDS, body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()

    def test_fetch_now(self, alice: User, feed: Feed) -> None:
        waiting = TaskLog.objects.get()
        answer = api_of(alice).post(f"{FEEDS}/{feed.pk}/fetch")
        assert (answer.status_code, answer.json()) == (202, {"task_id": str(waiting.pk)})

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"url": "ftp://x/"}, "url"),
            ({"url": "https://u:secret@blog.example/"}, "url"),
            ({"url": ""}, "url"),
            ({"url": 1}, "url"),
            ({"every": 60}, "every"),
            ({"every": 10**9}, "every"),
            ({"every": "soon"}, "every"),
            ({"project": "x"}, "project"),
        ],
    )
    def test_what_is_refused(self, alice: User, project: Project, wrong: dict[str, Any], field: str) -> None:
        answer = api_of(alice).post(FEEDS, {"project": str(project.pk), "url": URL, **wrong})
        assert answer.status_code == 400
        assert field in answer.json()["errors"]
        assert b"secret" not in answer.content
        assert not Feed.objects.exists()

    def test_a_full_project(self, alice: User, project: Project, settings: Any) -> None:
        settings.MEMSTACK_MAX_PENDING_PER_PROJECT = 0
        answer = api_of(alice).post(FEEDS, {"project": str(project.pk), "url": URL})
        assert answer.status_code == 429
        assert not Feed.objects.exists()

    def test_who_may(self, bob: User, charlie: User, project: Project, feed: Feed) -> None:
        place, body = f"{FEEDS}/{feed.pk}", {"project": str(project.pk), "url": URL + "2"}
        viewer, stranger = api_of(bob), api_of(charlie)
        assert viewer.get(place).status_code == viewer.get(FEEDS).status_code == 200
        for client, code in [(viewer, 403), (stranger, 404)]:
            assert client.post(FEEDS, body).status_code == code
            assert client.patch(place, {"paused": True}).status_code == code
            assert client.delete(place).status_code == code
            assert client.post(f"{place}/fetch").status_code == code
        assert stranger.get(place).status_code == 404
        assert stranger.get(FEEDS).json()["results"] == []
        assert APIClient().get(place).status_code == 401
        assert Feed.objects.filter(paused=False).count() == 1

    def test_as_many_queries_for_many(self, alice: User, project: Project, django_assert_max_num_queries: Any) -> None:
        for number in range(20):
            feeds.follow(alice, project, f"{URL}{number}")
        with django_assert_max_num_queries(6):
            assert len(api_of(alice).get(FEEDS, {"project": str(project.pk)}).json()["results"]) == 20


class TestPage:
    def test_add_change_and_remove(self, alice: User, project: Project) -> None:
        client, root = pages_of(alice), f"/project/{project.pk}/feeds"
        assert "No feeds yet" in client.get(root).content.decode()
        answer = client.post(root, {"url": f" {URL} ", "every_seconds": "86400"}, follow=True)
        assert "is followed from now on" in answer.content.decode()
        feed = Feed.objects.get()
        assert (feed.every, feed.url) == (86400, URL)
        assert URL in client.get(root).content.decode()
        assert "already" in client.post(root, {"url": URL, "every_seconds": "3600"}, follow=True).content.decode()
        place = f"{root}/{feed.pk}"
        for do, word in [("pause", "is paused"), ("resume", "followed again"), ("fetch", "is being fetched")]:
            assert word in client.post(place, {"do": do}, follow=True).content.decode()
        assert "every week" in client.post(place, {"every_seconds": "604800"}, follow=True).content.decode()
        feed.refresh_from_db()
        assert feed.every == 604800
        assert "no such period" in client.post(place, {"every_seconds": "1"}, follow=True).content.decode()
        assert "Its articles stay" in client.post(place, {"do": "remove"}, follow=True).content.decode()
        assert not Feed.objects.exists()

    def test_what_was_typed_is_kept(self, alice: User, project: Project) -> None:
        client, root = pages_of(alice), f"/project/{project.pk}/feeds"
        answer = client.post(root, {"url": "ftp://blog.example/", "every_seconds": "3600"})
        assert answer.status_code == 400
        assert "ftp://blog.example/" in answer.content.decode()
        assert "http:// or https://" in answer.content.decode()

    def test_a_title_and_an_address_are_only_text(self, project: Project, alice: User, feed: Feed) -> None:
        Feed.objects.update(title="<script>alert(1)</script>", last_error="<b>x</b>")
        page = pages_of(alice).get(f"/project/{project.pk}/feeds").content.decode()
        assert "<script>alert" not in page
        assert "<b>x" not in page

    def test_who_may(self, bob: User, charlie: User, project: Project, feed: Feed) -> None:
        root = f"/project/{project.pk}/feeds"
        page = pages_of(bob).get(root)
        assert page.status_code == 200
        assert "Fetch now" not in page.content.decode()
        assert pages_of(bob).post(root, {"url": URL, "every_seconds": "3600"}).status_code == 403
        assert pages_of(bob).post(f"{root}/{feed.pk}", {"do": "remove"}).status_code == 403
        assert pages_of(charlie).get(root).status_code == 404
        assert pages_of(charlie).post(f"{root}/{feed.pk}", {"do": "remove"}).status_code == 404
        assert Feed.objects.exists()

    def test_a_feed_of_another_project(self, alice: User, project: Project, feed: Feed) -> None:
        from memories import services

        other = services.create_project(alice, name="Other")
        assert pages_of(alice).post(f"/project/{other.pk}/feeds/{feed.pk}", {"do": "remove"}).status_code == 404

    def test_a_retry_of_a_fetch_that_failed(self, alice: User, feed: Feed, project: Project) -> None:
        TaskLog.objects.update(status=Status.FAILED, error="x", finished_at=feed.created_at, retryable=True)
        task = TaskLog.objects.get()
        answer = api_of(alice).post(f"/api/v1/tasks/{task.pk}/retry")
        assert answer.status_code == 202
        assert pages_of(alice).get(f"/project/{project.pk}/tasks/{answer.json()['task_id']}").status_code == 200
