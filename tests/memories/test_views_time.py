"""Pages of time: an entity's history by relation, what changed since a day, and what people say of facts."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from memories.models import Fact, Project
from tests.memories.test_time import named, porto_and_lisbon, say

pytestmark = pytest.mark.django_db(transaction=True)


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_entity_shows_what_holds_before_what_is_over(client: Client, alice: User, project: Project) -> None:
    lisbon, _ = porto_and_lisbon(alice, project)
    client.force_login(alice)
    text = page(client, f"/project/{project.pk}/entities/{lisbon.subject_id}")
    assert "until 01 May 2022" in text
    assert "since 01 May 2022" in text
    assert text.index("Maria Costa lives in Porto") < text.index("Maria Costa lives in Lisbon")
    assert text.count("It is over") == 1
    assert text.count("It holds") == 1


def test_a_fact_is_ended_and_restored_by_form(client: Client, alice: User, bob: User, project: Project) -> None:
    _, porto = porto_and_lisbon(alice, project)
    path = f"/project/{project.pk}/facts/{porto.pk}"
    client.force_login(bob)
    assert client.post(f"{path}/invalidate").status_code == 403
    assert "It is over" not in page(client, f"/project/{project.pk}/entities/{porto.subject_id}")
    client.force_login(alice)
    assert client.post(f"{path}/invalidate", {"at": "2021-01-01"}).status_code == 302
    assert named("Porto").invalid_at is None
    assert client.post(f"{path}/invalidate", {"at": "tomorrow"}).status_code == 302
    assert named("Porto").invalid_at is None
    client.post(f"{path}/invalidate", {"at": "2023-01-01"})
    invalid_at = named("Porto").invalid_at
    assert invalid_at is not None
    assert invalid_at.isoformat().startswith("2023-01-01T23:59")
    client.post(f"{path}/restore")
    assert named("Porto").invalid_at is None
    client.post(f"{path}/invalidate", {"wrong": "1"})
    assert named("Porto").expired_at is not None


def test_changes_by_day(client: Client, alice: User, project: Project) -> None:
    porto_and_lisbon(alice, project)
    client.force_login(alice)
    text = page(client, f"/project/{project.pk}/changes")
    assert text.count("<strong>Learned</strong>") == 2
    assert text.count("<strong>Ended</strong>") == 1
    assert "Nothing became known" in page(client, f"/project/{project.pk}/changes?since=2999-01-01")
    page(client, f"/project/{project.pk}/changes?since=nonsense&page=x")


def test_the_api_ends_restores_and_tells(client: Client, alice: User, charlie: User, project: Project) -> None:
    lisbon, porto = porto_and_lisbon(alice, project)
    client.force_login(alice)

    def post(fact: Fact, action: str, **body: object) -> tuple[int, dict[str, object]]:
        answer = client.post(f"/api/v1/facts/{fact.pk}/{action}", body, content_type="application/json")
        return answer.status_code, answer.json()

    assert post(porto, "invalidate", at="2021-01-01")[0] == 400
    assert post(porto, "invalidate", at="2023-01-01", wrong=True)[0] == 400
    assert post(porto, "invalidate", at="not a day")[0] == 400
    code, fact = post(porto, "invalidate", at="2023-01-01T00:00:00Z")
    assert (code, fact["invalid_at"]) == (200, "2023-01-01T00:00:00Z")
    code, fact = post(porto, "restore")
    assert (code, fact["invalid_at"]) == (200, None)
    code, fact = post(porto, "invalidate", wrong=True)
    assert fact["expired_at"] is not None
    told = client.get(f"/api/v1/projects/{project.pk}/changes?page_size=2").json()
    assert told["count"] >= 4
    assert len(told["results"]) == 2
    assert {"kind", "at", "fact", "before"} == set(told["results"][0])
    assert client.get(f"/api/v1/projects/{project.pk}/changes?since=2999-01-01").json()["count"] == 0
    client.force_login(charlie)
    assert post(lisbon, "invalidate")[0] == 404
    assert client.get(f"/api/v1/projects/{project.pk}/changes").status_code == 404


def test_a_list_of_facts_as_they_were_believed(client: Client, alice: User, project: Project) -> None:
    lisbon, _ = porto_and_lisbon(alice, project)
    client.force_login(alice)
    path = f"/api/v1/facts?project={project.pk}&predicate=lives_in"
    first, now = lisbon.created_at.isoformat().replace("+00:00", "Z"), client.get(path).json()["results"]
    then = client.get(path, {"project": str(project.pk), "predicate": "lives_in", "known_at": first}).json()["results"]
    assert [fact["object"]["name"] for fact in now] == ["Porto"]
    assert [(fact["object"]["name"], fact["invalid_at"]) for fact in then] == [("Lisbon", None)]


def test_search_knows_what_was_believed(client: Client, alice: User, project: Project) -> None:
    lisbon, _ = porto_and_lisbon(alice, project)
    say(alice, project, "Peter Jones lives in Graz.", "2022-05-01")
    client.force_login(alice)

    def found(**when: str) -> set[str]:
        body = {"project": str(project.pk), "query": "Where does Maria Costa live?", "kinds": ["fact"], **when}
        answer = client.post("/api/v1/search", body, content_type="application/json").json()
        return {result["text"] for result in answer["results"] if "Costa" in result["text"]}

    assert found() == {"Maria Costa lives in Porto."}
    assert found(as_of="2021-01-01") == {"Maria Costa lives in Lisbon."}
    assert found(known_at=lisbon.created_at.isoformat()) == {"Maria Costa lives in Lisbon."}
