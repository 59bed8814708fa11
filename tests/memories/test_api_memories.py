"""Saving, reading, changing and deleting memories over HTTP."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from memories import services
from memories.api.inputs import MAX_MESSAGES
from memories.models import Memory, Project
from tasks_app.models import TaskLog
from tests.memories import rows

pytestmark = pytest.mark.django_db
MEMORIES = "/api/v1/memories"


@pytest.fixture
def api(alice: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(alice)
    return client


def nothing_was_made() -> bool:
    return not Memory.objects.exists() and not TaskLog.objects.exists()


def errors(answer: Any) -> dict[str, list[str]]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = json.loads(answer.content)
    assert problem["status"] == answer.status_code
    found: dict[str, list[str]] = problem.get("errors", {})
    return found


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_text_is_saved_with_its_task(api: APIClient, project: Project, slash: str) -> None:
    body = {"project": str(project.pk), "content": "Ada met Charles in 1833.", "tags": ["a", "b", "a"]}
    answer = api.post(MEMORIES + slash, {**body, "metadata": {"k": [1, None, {"x": "y"}]}, "external_id": "e-1"})
    assert answer.status_code == 201, answer.content
    memory = Memory.objects.get()
    saved = answer.json()
    assert saved["id"] == str(memory.pk)
    assert saved["task_id"] == str(memory.task_id) == str(TaskLog.objects.get().pk)
    assert (saved["processing_status"], saved["progress"]) == ("pending", 0)
    assert saved["tags"] == ["a", "b"]
    assert saved["metadata"] == {"k": [1, None, {"x": "y"}]}
    assert saved["created_at"].endswith("Z")


def test_a_conversation_is_saved_as_lines(api: APIClient, project: Project) -> None:
    messages = [
        {"id": "1", "speaker": "Ada", "content": "I moved to Turin.", "at": "2024-05-31T12:00:00+02:00"},
        {"speaker": "Charles", "content": "When?"},
    ]
    answer = api.post(MEMORIES, {"project": str(project.pk), "messages": messages})
    assert answer.status_code == 201, answer.content
    memory = Memory.objects.get()
    assert memory.content == "Ada: I moved to Turin.\nCharles: When?"
    assert answer.json()["content_type"] == "conversation"
    assert answer.json()["reference_time"] == "2024-05-31T10:00:00Z"


def test_text_is_kept_as_it_was_sent(api: APIClient, project: Project) -> None:
    text = "  \n Zoë 🐙 \r\n\t漢字 \u202e مرحبا e\u0301 </script> {{ x }} ' \" \\ \u0085 "
    assert api.post(MEMORIES, {"project": str(project.pk), "content": text}).status_code == 201
    assert Memory.objects.get().content == text


BIG = "a" * (10 * 1024 * 1024)
DEEP: Any = "x"
for _ in range(200):
    DEEP = [DEEP]
SPOKEN = {"speaker": "A", "content": "B"}
BAD: list[tuple[dict[str, Any], str]] = [
    ({"content": ""}, "content"),
    ({"content": " \n\t "}, "content"),
    ({"content": BIG}, "content"),
    ({"content": "a\x00b"}, "content"),
    ({"content": "a\ud800b"}, "content"),
    ({"content": 5}, "content"),
    ({"content": ["a"]}, "content"),
    ({"content": {"a": 1}}, "content"),
    ({"content": True}, "content"),
    ({"content": None}, "content"),
    ({}, "content"),
    ({"content": "a", "messages": [SPOKEN]}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": "a"}, "messages"),
    ({"messages": {"0": SPOKEN}}, "messages"),
    ({"messages": ["a"]}, "messages.0"),
    ({"messages": [SPOKEN, {"content": "B"}]}, "messages.1.speaker"),
    ({"messages": [SPOKEN, {"speaker": "A"}]}, "messages.1.content"),
    ({"messages": [{"speaker": "", "content": "B"}]}, "messages.0.speaker"),
    ({"messages": [{"speaker": "A", "content": " "}]}, "messages"),
    ({"messages": [{"speaker": 5, "content": "B"}]}, "messages.0.speaker"),
    ({"messages": [{"speaker": "A\nB", "content": "B"}]}, "messages.0.speaker"),
    ({"messages": [{"speaker": "A", "content": 5}]}, "messages.0.content"),
    ({"messages": [{"speaker": "A", "content": "\ud800"}]}, "messages.0.content"),
    ({"messages": [{**SPOKEN, "id": 5}]}, "messages.0.id"),
    ({"messages": [{**SPOKEN, "id": "x" * 256}]}, "messages.0.id"),
    ({"messages": [{**SPOKEN, "at": "2024-05-31T12:00:00"}]}, "messages.0.at"),
    ({"messages": [SPOKEN] * (MAX_MESSAGES + 1)}, "messages"),
    ({"messages": [{"speaker": "A", "content": BIG}]}, "messages"),
    ({"messages": [SPOKEN], "content_type": "text"}, "content_type"),
    ({"content": "a", "content_type": "poem"}, "content_type"),
    ({"content": "a", "content_type": ["text"]}, "content_type"),
    ({"content": "{", "content_type": "json"}, "content"),
    ({"content": "a", "title": 5}, "title"),
    ({"content": "a", "title": "x" * 501}, "title"),
    ({"content": "a", "title": "\x00"}, "title"),
    ({"content": "a", "title": "\udfff"}, "title"),
    ({"content": "a", "external_id": "\ud800"}, "external_id"),
    ({"content": "a", "tags": "a"}, "tags"),
    ({"content": "a", "tags": [1]}, "tags"),
    ({"content": "a", "tags": ["a\ud800"]}, "tags"),
    ({"content": "a", "tags": ["x" * 101]}, "tags"),
    ({"content": "a", "tags": [""]}, "tags"),
    ({"content": "a", "metadata": []}, "metadata"),
    ({"content": "a", "metadata": "a"}, "metadata"),
    ({"content": "a", "metadata": {"a\x00": 1}}, "metadata"),
    ({"content": "a", "metadata": {"a": [{"b": "\ud800"}]}}, "metadata"),
    ({"content": "a", "metadata": {"a": 10**30}}, "metadata"),
    ({"content": "a", "metadata": {"a": float("nan")}}, "metadata"),
    ({"content": "a", "metadata": {"a": float("-inf")}}, "metadata"),
    ({"content": "a", "metadata": {"a": DEEP}}, "metadata"),
    ({"content": "a", "reference_time": "0000-01-01T00:00:00Z"}, "reference_time"),
    ({"content": "a", "reference_time": "10000-01-01T00:00:00Z"}, "reference_time"),
    ({"content": "a", "reference_time": "9999-12-31T23:59:59-05:00"}, "reference_time"),
    ({"content": "a", "reference_time": "2024-05-31T12:00:00"}, "reference_time"),
    ({"content": "a", "reference_time": "2024-02-31T12:00:00Z"}, "reference_time"),
    ({"content": "a", "reference_time": "yesterday"}, "reference_time"),
    ({"content": "a", "reference_time": 5}, "reference_time"),
    ({"content": "a", "project": "x"}, "project"),
    ({"content": "a", "project": 5}, "project"),
    ({"content": "a", "project": None}, "project"),
    ({"content": "a", "project": "\ud800"}, "project"),
]


@pytest.mark.parametrize(("body", "field"), BAD, ids=lambda value: repr(value)[:60])
def test_bad_input_names_the_field(api: APIClient, project: Project, body: dict[str, Any], field: str) -> None:
    sent = json.dumps({"project": str(project.pk), **body})
    answer = api.post(MEMORIES, sent, content_type="application/json")
    assert answer.status_code == 400, answer.content[:300]
    assert field in errors(answer)
    assert nothing_was_made()


@pytest.mark.parametrize(
    "sent",
    [
        "", "{", "[]", "5", '"x"', "null", "[" * 100_000, '{"metadata": {"a": ' + "9" * 5_000 + "}}", b"\xff\xfe\x00",
        '{"content": "a"',
    ],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_what_is_not_a_json_object_is_a_400(api: APIClient, project: Project, sent: Any) -> None:
    answer = api.post(MEMORIES, sent, content_type="application/json")
    assert answer.status_code == 400
    errors(answer)
    assert nothing_was_made()


def test_other_content_types_are_a_415(api: APIClient, project: Project) -> None:
    answer = api.post(MEMORIES, "project=1", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 415
    errors(answer)


def test_a_body_over_the_limit_is_a_413(api: APIClient, project: Project, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = api.post(MEMORIES, {"project": str(project.pk), "content": "a" * 2000})
    assert answer.status_code == 413
    assert nothing_was_made()


def test_who_may_save(api: APIClient, project: Project, bob: User, charlie: User) -> None:
    body = {"project": str(project.pk), "content": "a"}
    api.force_authenticate(bob)
    assert api.post(MEMORIES, body).status_code == 403
    api.force_authenticate(charlie)
    foreign = api.post(MEMORIES, body)
    unknown = api.post(MEMORIES, {**body, "project": str(uuid4())})
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.content == unknown.content
    assert "project" in errors(foreign)
    assert nothing_was_made()


def test_one_memory_has_what_was_found_in_it(api: APIClient, project: Project) -> None:
    memory = rows.memory(project, "Ada: I moved to Turin.", "Charles: When?", content_type="conversation")
    ada, turin = rows.entity(project, "Ada"), rows.entity(project, "Turin", type="location")
    rows.mention(turin, memory)
    fact = rows.fact(ada, "lives_in", turin, memory, valid_at=rows.DAY, valid_precision="day")
    rows.add_passages(memory, ["Ada: a draft"], generation=2)
    answer = api.get(f"{MEMORIES}/{memory.pk}").json()
    assert [passage["text"] for passage in answer["passages"]] == ["I moved to Turin.", "When?"]
    assert answer["passages"][1] == {
        **answer["passages"][1], "message_id": "m1", "speaker": "Charles", "at": None, "start": 32, "end": 37,
    }  # fmt: skip
    assert answer["content"] == memory.content
    assert [(entity["name"], entity["mentions"][0]["text"]) for entity in answer["entities"]] == [("Turin", "Turin")]
    assert answer["facts"][0]["id"] == str(fact.pk)
    assert answer["facts"][0]["object"] == {"id": str(turin.pk), "name": "Turin", "type": "location"}
    assert answer["facts"][0]["valid_at"] == "2024-05-31T12:00:00Z"
    assert answer["facts"][0]["support"][0]["memory"] == str(memory.pk)


def test_others_do_not_see_it(api: APIClient, project: Project, bob: User, charlie: User) -> None:
    memory = rows.memory(project, "Ada: secret")
    address = f"{MEMORIES}/{memory.pk}"
    api.force_authenticate(bob)
    assert api.get(address).status_code == 200
    assert api.patch(address, {"title": "x"}).status_code == 403
    assert api.delete(address).status_code == 403
    assert api.post(f"{address}/reprocess").status_code == 403
    api.force_authenticate(charlie)
    for answer in (
        api.get(address),
        api.patch(address, {"title": "x"}),
        api.delete(address),
        api.post(f"{address}/reprocess"),
        api.get(MEMORIES, {"project": str(project.pk)}),
    ):
        assert answer.status_code == 404
    assert api.get(MEMORIES).json()["results"] == []


def test_the_list_is_filtered(api: APIClient, project: Project) -> None:
    first = rows.memory(project, "Ada: Turin", tags=["travel"])
    second = rows.memory(project, "Ada: Rome")
    second.task = None
    second.save()

    def found(**given: str) -> set[str]:
        answer = api.get(MEMORIES, given)
        assert answer.status_code == 200, answer.content
        return {row["id"] for row in answer.json()["results"]}

    assert found(q="turin") == {str(first.pk)}
    assert found(tag="travel") == {str(first.pk)}
    assert found(status="pending", project=str(project.pk)) == {str(first.pk)}
    assert found(status="completed") == {str(second.pk)}
    for name, value in {"status": "done", "project": "x", "q": "\x00"}.items():
        answer = api.get(MEMORIES, {name: value})
        assert answer.status_code == 400
        assert name in errors(answer)


def test_small_changes_are_done_at_once(api: APIClient, project: Project) -> None:
    memory = rows.memory(project, "Ada: Turin")
    task = memory.task_id
    answer = api.patch(f"{MEMORIES}/{memory.pk}", {"title": "New", "tags": ["x"], "metadata": {"a": 1}})
    assert answer.status_code == 200, answer.content
    assert (answer.json()["title"], answer.json()["tags"]) == ("New", ["x"])
    assert answer.json()["task_id"] == str(task)


@pytest.mark.parametrize(
    "change",
    [
        {"content": "Ada moved to Rome."},
        {"messages": [{"speaker": "Ada", "content": "I moved."}]},
        {"reference_time": "2020-01-01T00:00:00Z"},
    ],
)
def test_another_text_or_time_makes_another_task(api: APIClient, project: Project, change: dict[str, Any]) -> None:
    memory = rows.memory(project, "Ada: Turin")
    answer = api.patch(f"{MEMORIES}/{memory.pk}", change)
    assert answer.status_code == 202, answer.content
    assert answer.json()["task_id"] not in {None, str(memory.task_id)}


@pytest.mark.parametrize("change", [{"content": ""}, {"content": 5}, {"title": "\ud800"}, {"content_type": "json"}])
def test_a_bad_change_changes_nothing(api: APIClient, project: Project, change: dict[str, Any]) -> None:
    memory = rows.memory(project, "Ada: Turin")
    answer = api.patch(f"{MEMORIES}/{memory.pk}", json.dumps(change), content_type="application/json")
    assert answer.status_code == 400
    assert errors(answer).keys() == change.keys()
    assert TaskLog.objects.count() == 1


def test_reprocess(api: APIClient, project: Project) -> None:
    memory = rows.memory(project, "Ada: Turin")
    answer = api.post(f"{MEMORIES}/{memory.pk}/reprocess/")
    assert answer.status_code == 202
    assert answer.json()["task_id"] == str(Memory.objects.get().task_id) != str(memory.task_id)


def test_deleting_says_first_what_would_go(api: APIClient, project: Project) -> None:
    memory = rows.memory(project, "Ada: Turin")
    rows.mention(rows.entity(project, "Turin"), memory)
    preview = api.delete(f"{MEMORIES}/{memory.pk}?dry_run=1")
    assert preview.status_code == 200
    assert Memory.objects.exists()
    receipt = api.delete(f"{MEMORIES}/{memory.pk}")
    assert receipt.json() == preview.json()
    assert receipt.json()["passages_removed"] == 1
    assert api.get(f"{MEMORIES}/{memory.pk}").status_code == 404
    assert api.delete(f"{MEMORIES}/{memory.pk}").status_code == 404


@pytest.mark.parametrize("change", [{"title": "New"}, {"tags": ["x"]}, {"content": "Ada lives in Turin."}])
def test_a_change_leaves_alone_what_a_worker_publishes(project: Project, alice: User, change: dict[str, Any]) -> None:
    read_before = rows.memory(project, "Ada: I moved to Turin.")
    Memory.objects.filter(pk=read_before.pk).update(generation=7, last_generation=8, summary="Ada moved.")
    services.update_memory(read_before, change)
    memory = Memory.objects.get(pk=read_before.pk)
    assert (memory.generation, memory.last_generation, memory.summary) == (7, 8, "Ada moved.")


def test_pages_stay_in_step_while_rows_come(api: APIClient, project: Project) -> None:
    for number in range(7):
        rows.memory(project, f"Ada: {number}")
    seen, address = [], f"{MEMORIES}?project={project.pk}&page_size=3"
    while address:
        page = api.get(address).json()
        assert page["count"] >= 7
        seen += [row["title"] for row in page["results"]]
        rows.memory(project, "Ada: late")
        address = page["next"]
    assert seen == [f"Ada: {number}" for number in reversed(range(7))]
    back = api.get(page["previous"]).json()
    assert [row["title"] for row in back["results"]] == ["Ada: 3", "Ada: 2", "Ada: 1"]


@pytest.mark.parametrize("given", ["cursor=x", "cursor=before-x", "cursor=after-", "page_size=0", "page_size=x"])
def test_bad_pages_are_named(api: APIClient, project: Project, given: str) -> None:
    answer = api.get(f"{MEMORIES}?{given}")
    assert answer.status_code == 400
    assert given.partition("=")[0] in errors(answer)


def test_page_size_is_bounded(api: APIClient, project: Project) -> None:
    assert api.get(f"{MEMORIES}?page_size=100000").status_code == 200


def test_an_import_takes_what_is_good(api: APIClient, project: Project) -> None:
    items = [{"content": "one"}, {"content": ""}, 5, {"messages": [SPOKEN]}]
    answer = api.post(f"{MEMORIES}/import", {"project": str(project.pk), "memories": items})
    assert answer.status_code == 202, answer.content
    told = answer.json()
    assert told["accepted"] == 2
    assert [row["line"] for row in told["rejected"]] == [2, 3]
    assert told["rejected"][0]["error"].startswith("content: ")
    assert TaskLog.objects.get().pk.__str__() == told["task_id"]


LINES = '{"content": "one"}\r\n\n{nonsense\n{"content": "two"}'
ARRAY = '\ufeff[{"content": "one"}, 5, {"content": "two"}]'


@pytest.mark.parametrize("text", [LINES, ARRAY], ids=["lines", "array"])
def test_an_import_reads_files(api: APIClient, project: Project, text: str) -> None:
    file = SimpleUploadedFile("memories.jsonl", text.encode())
    answer = api.post(f"{MEMORIES}/import", {"project": str(project.pk), "file": file}, format="multipart")
    assert answer.status_code == 202, answer.content
    assert (answer.json()["accepted"], len(answer.json()["rejected"])) == (2, 1)


@pytest.mark.parametrize("data", [b"", b"\xff", b"[", b"{}", b"[]", b"[" * 100_000])
def test_a_file_without_memories_is_a_400(api: APIClient, project: Project, data: bytes) -> None:
    file = SimpleUploadedFile("memories.jsonl", data)
    answer = api.post(f"{MEMORIES}/import", {"project": str(project.pk), "file": file}, format="multipart")
    assert answer.status_code == 400
    assert errors(answer)
    assert nothing_was_made()


@pytest.mark.parametrize("body", [{}, {"memories": 5}, {"memories": []}, {"memories": [{"content": "\ud800"}]}])
def test_an_import_without_memories_is_a_400(api: APIClient, project: Project, body: dict[str, Any]) -> None:
    sent = json.dumps({"project": str(project.pk), **body})
    answer = api.post(f"{MEMORIES}/import", sent, content_type="application/json")
    assert answer.status_code == 400
    assert any(name.startswith("memories") for name in errors(answer))
    assert nothing_was_made()


def test_queries_do_not_grow_with_the_list(api: APIClient, project: Project, django_assert_num_queries: Any) -> None:
    for number in range(30):
        rows.memory(project, f"Ada: {number}", tags=["a", "b"])
    for size in (3, 30):
        with django_assert_num_queries(4):
            assert len(api.get(MEMORIES, {"project": str(project.pk), "page_size": size}).json()["results"]) == size


def test_queries_do_not_grow_with_what_was_found(
    api: APIClient, project: Project, django_assert_num_queries: Any
) -> None:
    for size in (3, 30):
        memory = rows.memory(project, *[f"Ada: person{number} " for number in range(size)])
        ada = rows.entity(project, f"Ada{size}")
        for number in range(size):
            other = rows.entity(project, f"person{number} ")
            rows.mention(other, memory, number)
            rows.fact(ada, "knows", other, memory, number)
        with django_assert_num_queries(10):
            assert len(api.get(f"{MEMORIES}/{memory.pk}").json()["facts"]) == size
