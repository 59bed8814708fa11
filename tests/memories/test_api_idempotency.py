"""The same request twice, one after the other and at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import F
from django.test import Client
from rest_framework.test import APIClient

from memories import keys
from memories.models import IdempotencyKey, Memory, Project
from tasks_app.models import TaskLog

MEMORIES = "/api/v1/memories"


@pytest.fixture
def api(alice: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(alice)
    return client


def send(api: APIClient, project: Project, key: str, content: str = "one", path: str = MEMORIES) -> Any:
    return api.post(path, {"project": str(project.pk), "content": content}, headers={"Idempotency-Key": key})


@pytest.mark.django_db
def test_the_same_request_has_the_same_answer(api: APIClient, project: Project) -> None:
    first = send(api, project, "k")
    again = send(api, project, "k", path=f"{MEMORIES}/")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Memory.objects.count() == TaskLog.objects.count() == 1


@pytest.mark.django_db
def test_another_body_is_a_conflict(api: APIClient, project: Project) -> None:
    send(api, project, "k")
    answer = send(api, project, "k", content="two")
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("idempotency-key-reused")
    assert send(api, project, "other", content="two").status_code == 201


@pytest.mark.django_db
def test_the_order_of_fields_does_not_matter(api: APIClient, project: Project) -> None:
    for body in ('{"project": "%s", "content": "a"}', '{"content": "a", "project": "%s"}'):
        api.post(MEMORIES, body % project.pk, content_type="application/json", headers={"Idempotency-Key": "k"})
    assert Memory.objects.count() == 1


@pytest.mark.django_db
def test_keys_belong_to_users(api: APIClient, project: Project, bob: User) -> None:
    send(api, project, "k")
    project.memberships.filter(user=bob).update(role="editor")
    api.force_authenticate(bob)
    assert send(api, project, "k", content="bob's").status_code == 201


@pytest.mark.django_db
def test_a_refusal_is_not_kept(api: APIClient, project: Project, bob: User) -> None:
    api.force_authenticate(bob)
    assert send(api, project, "k").status_code == 403
    project.memberships.filter(user=bob).update(role="editor")
    assert send(api, project, "k").status_code == 201
    assert send(api, project, "empty", content="").status_code == 400
    assert not IdempotencyKey.objects.filter(key="empty").exists()


@pytest.mark.django_db
def test_after_a_day_the_key_is_free(api: APIClient, project: Project) -> None:
    send(api, project, "k")
    IdempotencyKey.objects.update(created_at=F("created_at") - timedelta(hours=25))
    assert send(api, project, "k", content="two").status_code == 201
    assert Memory.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\tb"])
def test_bad_keys_are_named(api: APIClient, project: Project, key: str) -> None:
    answer = send(api, project, key)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["errors"]
    assert not Memory.objects.exists()


@pytest.mark.django_db
def test_files_are_compared_by_content(api: APIClient, project: Project) -> None:
    codes = []
    for data in (b'{"content": "one"}', b'{"content": "one"}', b'{"content": "two"}'):
        body = {"project": str(project.pk), "file": SimpleUploadedFile("x.jsonl", data)}
        answer = api.post(f"{MEMORIES}/import", body, format="multipart", headers={"Idempotency-Key": "k"})
        codes.append(answer.status_code)
    assert codes == [202, 202, 409]
    assert TaskLog.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_at_the_same_moment_make_one_row(alice: User, project: Project) -> None:
    _, key = keys.issue(alice, "test")
    body = {"project": str(project.pk), "content": "one"}
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "k"}

    def send_once(_: int) -> tuple[int, str]:
        try:
            answer = Client().post(MEMORIES, body, "application/json", headers=headers)
            return answer.status_code, answer.json().get("id", answer.content)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(send_once, range(20)))
    assert set(answers) == {(201, str(Memory.objects.get().pk))}
    assert TaskLog.objects.count() == IdempotencyKey.objects.count() == 1
