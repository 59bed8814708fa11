"""The pages of reviews and merges."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from memories import services
from memories.models import Entity, Merge, Project, Review
from tests.memories.sayings import say

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def bill(project: Project) -> Review:
    say(project, "Bill_Smith works_for Acme")
    say(project, "William_Smith works_for Globex", day=1)
    return Review.objects.get(project=project)


def one(project: Project, name: str) -> Entity:
    return Entity.every.get(project=project, name=name)


def read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_reviews_with_their_evidence_and_what_is_decided(site: Client, project: Project, bill: Review) -> None:
    root = f"/project/{project.pk}/reviews"
    page = read(site, root)
    assert "“Bill Smith” and “William Smith”: one or two?" in page
    assert "“Bill” is a short form of “William”." in page
    assert page.count("works for") == 2
    assert "Open (1)" in page
    said = site.post(f"{root}/{bill.pk}/accept", {"next": f"{root}?page=1"}, follow=True)
    assert said.redirect_chain == [(f"{root}?page=1", 302)]
    assert "Nothing to decide" in said.content.decode()
    assert "Merged. Undo it here" in said.content.decode()
    assert "Undo" in read(site, f"{root}?show=accepted")
    assert "Merged by alice" in read(site, f"{root}?show=merges")
    site.post(f"{root}/{bill.pk}/undo")
    site.post(f"{root}/{bill.pk}/reject")
    assert "Rejected by alice" in read(site, f"{root}?show=rejected")
    twice = site.post(f"{root}/{bill.pk}/reject", follow=True)
    assert "has been rejected already" in twice.content.decode()
    assert site.post(f"{root}/{bill.pk}/burn").status_code == 404


def test_a_merge_by_hand_and_its_undo(site: Client, project: Project) -> None:
    say(project, "Bob works_for Acme\nTom works_for Globex")
    bob, tom, acme = one(project, "Bob"), one(project, "Tom"), one(project, "Acme")
    path = f"/project/{project.pk}/entities/{bob.pk}/merge"
    assert "Tom" in read(site, f"{path}?q=to")
    asked = site.post(path, {"into": str(acme.pk)})
    assert "Merge them all the same" in asked.content.decode()
    assert not Merge.objects.exists()
    done = site.post(path, {"into": str(tom.pk)}, follow=True)
    assert "“Bob” is shown as “Tom” now." in done.content.decode()
    hidden = site.get(f"/project/{project.pk}/entities/{bob.pk}")
    assert hidden.headers["Location"] == f"/project/{project.pk}/entities/{tom.pk}"
    merge = Merge.objects.get()
    undo = f"/project/{project.pk}/merges/{merge.pk}/undo"
    assert "The merge was undone." in site.post(undo, follow=True).content.decode()
    assert "has been undone already" in site.post(undo, follow=True).content.decode()
    assert site.post(path, {"into": "nonsense"}).status_code == 404


def test_what_people_call_it(site: Client, project: Project) -> None:
    say(project, "Bob works_for Acme")
    bob = one(project, "Bob")
    path = f"/project/{project.pk}/entities/{bob.pk}/edit"
    read(site, path)
    saved = site.post(path, {"name": "Robert", "type": "", "summary": "<b>"}, follow=True).content.decode()
    assert "Robert" in saved
    assert "&lt;b&gt;" in saved
    assert site.post(path, {"type": "none-such"}).status_code == 400


def test_who_may(project: Project, bill: Review, bob: User, charlie: User, alice: User) -> None:
    entity = one(project, "Acme")
    root = f"/project/{project.pk}"
    for user, see, change in ((bob, 200, 403), (charlie, 404, 404)):
        client = Client()
        client.force_login(user)
        assert client.get(f"{root}/reviews").status_code == see
        for path in (f"reviews/{bill.pk}/accept", f"entities/{entity.pk}/merge", f"entities/{entity.pk}/edit"):
            assert client.post(f"{root}/{path}").status_code == change
    other = services.create_project(alice, name="Other")
    client = Client()
    client.force_login(alice)
    assert client.post(f"/project/{other.pk}/reviews/{bill.pk}/accept").status_code == 404
    assert client.get(f"/project/{other.pk}/entities/{entity.pk}").status_code == 404


def test_the_number_of_queries_does_not_grow(
    site: Client, project: Project, django_assert_max_num_queries: Any
) -> None:
    for day, letter in enumerate("bcdfghkl"):
        say(project, f"Bill_{letter}mith works_for Acme", day=day)
        say(project, f"William_{letter}mith works_for Globex", day=day)
    assert Review.objects.count() >= 8
    with django_assert_max_num_queries(25):
        read(site, f"/project/{project.pk}/reviews")
