"""Reviews, merges and what people call entities, over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from memories import services
from memories.graph import doubts
from memories.models import Entity, Fact, FactDecision, Project, Review
from tests.memories.rows import DAY
from tests.memories.sayings import say

pytestmark = pytest.mark.django_db
V1 = "/api/v1"


@pytest.fixture
def api(alice: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(alice)
    return client


@pytest.fixture
def bill(project: Project) -> Review:
    """Whether Bill Smith is William Smith."""
    say(project, "Bill_Smith works_for Acme")
    say(project, "William_Smith works_for Globex", day=1)
    return Review.objects.get(project=project)


def one(project: Project, name: str) -> Entity:
    return Entity.every.get(project=project, name=name)


def names(api: APIClient, project: Project) -> list[str]:
    return sorted(row["name"] for row in api.get(f"{V1}/entities", {"project": str(project.pk)}).json()["results"])


def post(api: APIClient, path: str, body: dict[str, Any] | None = None) -> Any:
    return api.post(f"{V1}/{path}", body or {}, format="json")


def test_a_review_is_listed_with_its_evidence(api: APIClient, project: Project, bill: Review) -> None:
    listed = api.get(f"{V1}/reviews", {"project": str(project.pk), "state": "open", "kind": "merge"}).json()
    assert listed["count"] == 1
    row = listed["results"][0]
    assert [entity["name"] for entity in row["entities"]] == ["Bill Smith", "William Smith"]
    assert row["evidence"]["reasons"] == ["“Bill” is a short form of “William”."]
    assert {quote["text"] for quote in row["evidence"]["quotes"]} == {
        "Bill Smith works for Acme", "William Smith works for Globex"
    }  # fmt: skip
    assert (row["score"], row["decided_by"], row["facts"]) == (0.85, None, [])
    assert api.get(f"{V1}/reviews/{bill.pk}").json() == row
    assert api.get(f"{V1}/reviews", {"state": "x"}).status_code == 400


def test_accept_and_undo(api: APIClient, project: Project, bill: Review) -> None:
    accepted = post(api, f"reviews/{bill.pk}/accept")
    assert (accepted.status_code, accepted.json()["state"], accepted.json()["decided_by"]) == (200, "accepted", "alice")
    assert len(names(api, project)) == 3
    again = post(api, f"reviews/{bill.pk}/accept")
    assert (again.status_code, again.json()["detail"]) == (
        409, "This review has been accepted already; undo that first."
    )  # fmt: skip
    merge = api.get(f"{V1}/merges", {"project": str(project.pk)}).json()["results"][0]
    assert (merge["review"], merge["by"], merge["automatic"]) == (str(bill.pk), "alice", False)
    undone = post(api, f"merges/{merge['id']}/undo")
    assert (undone.status_code, undone.json()["undone_by"]) == (200, "alice")
    assert post(api, f"merges/{merge['id']}/undo").status_code == 409
    assert len(names(api, project)) == 4
    assert api.get(f"{V1}/reviews/{bill.pk}").json()["state"] == "open"


def test_reject_and_undo(api: APIClient, project: Project, bill: Review) -> None:
    assert post(api, f"reviews/{bill.pk}/reject").json()["state"] == "rejected"
    assert post(api, f"reviews/{bill.pk}/undo").json()["state"] == "open"
    assert post(api, f"reviews/{bill.pk}/undo").status_code == 409


def test_a_merge_by_hand(api: APIClient, project: Project) -> None:
    say(project, "Bob works_for Acme\nTom works_for Globex")
    bob, tom = one(project, "Bob"), one(project, "Tom")
    made = post(api, f"entities/{bob.pk}/merge", {"into": str(tom.pk)})
    assert (made.status_code, made.json()["source"]["name"], made.json()["target"]["name"]) == (201, "Bob", "Tom")
    assert names(api, project) == ["Acme", "Globex", "Tom"]
    assert api.get(f"{V1}/entities/{tom.pk}").json()["aliases"] == ["Bob"]
    assert names_found(api, project, "bob") == ["Tom"]
    assert api.get(f"{V1}/entities/{bob.pk}").status_code == 404
    assert post(api, f"entities/{tom.pk}/merge", {"into": str(bob.pk)}).status_code == 409
    assert post(api, f"entities/{tom.pk}/merge", {"into": str(tom.pk)}).status_code == 409
    assert post(api, f"entities/{tom.pk}/merge").json()["errors"].keys() == {"into"}


def names_found(api: APIClient, project: Project, q: str) -> list[str]:
    found = api.get(f"{V1}/entities", {"project": str(project.pk), "q": q}).json()["results"]
    return [row["name"] for row in found]


def test_across_projects_nothing_is_there(api: APIClient, project: Project, alice: User) -> None:
    other = services.create_project(alice, name="Other")
    say(project, "Bob works_for Acme")
    say(other, "Bob works_for Acme")
    bob, theirs = one(project, "Bob"), one(other, "Bob")
    assert post(api, f"entities/{bob.pk}/merge", {"into": str(theirs.pk)}).status_code == 404
    assert post(api, f"entities/{uuid4()}/merge", {"into": str(theirs.pk)}).status_code == 404


def test_who_may(api: APIClient, project: Project, bill: Review, bob: User, charlie: User) -> None:
    say(project, "Tom works_for Acme", day=3)
    tom, acme = one(project, "Tom"), one(project, "Acme")
    merge = post(api, f"entities/{tom.pk}/merge", {"into": str(acme.pk)}).json()["id"]
    for user, status in ((bob, 403), (charlie, 404)):
        client = APIClient()
        client.force_authenticate(user)
        assert client.get(f"{V1}/reviews/{bill.pk}").status_code == (200 if user is bob else 404)
        for path in (f"reviews/{bill.pk}/accept", f"reviews/{bill.pk}/reject", f"reviews/{bill.pk}/undo",
                     f"merges/{merge}/undo", f"entities/{tom.pk}/merge"):  # fmt: skip
            assert post(client, path, {"into": str(acme.pk)} if "merge" in path else None).status_code == status, path
        change = client.patch(f"{V1}/entities/{acme.pk}", {"name": "X"}, format="json")
        assert change.status_code == status


def test_what_people_call_it(api: APIClient, project: Project) -> None:
    say(project, "Bob works_for Acme")
    bob = one(project, "Bob")
    path = f"{V1}/entities/{bob.pk}"
    changed = api.patch(path, {"name": "Robert", "summary": "A singer.", "type": "group"}, format="json").json()
    assert (changed["name"], changed["summary"], changed["type"]) == ("Robert", "A singer.", "group")
    assert changed["aliases"] == ["Bob"]
    assert names_found(api, project, "robert") == ["Robert"]
    assert api.patch(path, {"type": "no-such"}, format="json").json()["errors"].keys() == {"type"}
    assert api.patch(path, {"name": ""}, format="json").status_code == 400
    assert api.patch(path, {"name": None, "type": None}, format="json").json()["name"] == "Bob"


def test_two_facts_of_which_one_is_over(api: APIClient, project: Project) -> None:
    say(project, "Bob lives_in Berlin")
    memory = say(project, "Bob works_for Acme")
    berlin, acme = Fact.objects.get(object__name="Berlin"), Fact.objects.get(object__name="Acme")
    review = Review.objects.create(
        project=project, kind="invalidation", pair="x", first_fact=berlin, second_fact=acme,
        evidence={"reasons": ["Nothing says which came first."]},
    )  # fmt: skip
    row = api.get(f"{V1}/reviews/{review.pk}").json()
    assert [fact["object"]["name"] for fact in row["facts"]] == ["Berlin", "Acme"]
    assert post(api, f"reviews/{review.pk}/accept", {"over": str(acme.pk)}).json()["state"] == "accepted"
    acme.refresh_from_db()
    assert acme.invalid_at is not None
    assert post(api, f"reviews/{review.pk}/undo").status_code == 200
    acme.refresh_from_db()
    assert acme.invalid_at is None
    assert services.delete_memory(memory)["facts_removed"] == 1


def doubt(project: Project) -> tuple[Review, Fact, Fact]:
    """Whether Bob lives in Berlin or works for Acme."""
    say(project, "Bob lives_in Berlin")
    say(project, "Bob works_for Acme")
    berlin, acme = (Fact.objects.get(subject__name="Bob", object__name=name) for name in ("Berlin", "Acme"))
    review = Review.objects.create(
        project=project, kind="invalidation", pair="x", first_fact=berlin, second_fact=acme
    )  # fmt: skip
    return review, berlin, acme


def test_what_is_gone_is_not_decided(api: APIClient, project: Project, bill: Review) -> None:
    review, berlin, _ = doubt(project)
    Review.objects.filter(pk=review.pk).update(second_fact=None)
    Review.objects.filter(pk=bill.pk).update(first_entity=None)
    assert post(api, f"reviews/{review.pk}/accept", {"over": str(berlin.pk)}).status_code == 409
    assert post(api, f"reviews/{bill.pk}/accept").status_code == 409
    assert not FactDecision.objects.exists()
    assert set(Review.objects.values_list("state", flat=True)) == {"open"}


def test_a_review_ends_none_but_its_own_facts(api: APIClient, project: Project) -> None:
    review, _, _ = doubt(project)
    say(project, "Tom works_for Globex")
    other = Fact.objects.get(object__name="Globex")
    assert post(api, f"reviews/{review.pk}/accept", {"over": str(other.pk)}).status_code == 409
    assert not FactDecision.objects.exists()


def test_a_fact_of_a_review_does_not_end_before_it_began(project: Project) -> None:
    review, berlin, acme = doubt(project)
    berlin.valid_at, acme.valid_at = DAY, DAY - timedelta(days=1)
    review.first_fact, review.second_fact = berlin, acme
    doubts.end(review, berlin, None)
    doubts.end(review, acme, None)
    assert list(FactDecision.objects.order_by("id").values_list("at", flat=True)) == [None, DAY]


def test_the_number_of_queries_does_not_grow(
    api: APIClient, project: Project, django_assert_max_num_queries: Any
) -> None:
    for day, letter in enumerate("abcdefgh"):
        say(project, f"Bill_{letter}mith works_for Acme\nWilliam_{letter}mith works_for Globex", day=day)
    with django_assert_max_num_queries(12):
        assert api.get(f"{V1}/reviews").status_code == 200
    with django_assert_max_num_queries(12):
        assert api.get(f"{V1}/merges").status_code == 200
