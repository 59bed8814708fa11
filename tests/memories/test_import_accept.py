"""Handing in many memories: by the API, by the page, by the command line; what is kept, refused and told."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from memories import services
from memories.importing import staging
from memories.importing.refusals import AlreadyRunning
from memories.models import Import, ImportPart, Memory, Project, RejectedLine
from memories.pipelines import import_memories, ingest_episode
from memories.validation import NewMemory
from tasks_app import runner, transitions
from tasks_app import services as tasks
from tasks_app.models import Status, TaskEvent, TaskLog

pytestmark = pytest.mark.django_db(transaction=True)  # the heartbeat of an attempt has a connection of its own
IMPORT = "/api/v1/memories/import"


@pytest.fixture
def api(alice: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(alice)
    return client


@pytest.fixture
def client(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def small(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a test can reach."""
    settings.MAX_UPLOAD_BYTES = 2**20
    monkeypatch.setattr(staging, "MAX_MEMORIES", 300)
    monkeypatch.setattr(staging, "MAX_REJECTED", 300)
    monkeypatch.setattr(staging, "PART_MEMORIES", 10)


def nothing_is_left() -> bool:
    return not any(model.objects.exists() for model in (Import, ImportPart, RejectedLine, TaskLog, Memory))


def lines(*items: object) -> bytes:
    return b"\n".join(item if isinstance(item, bytes) else json.dumps(item).encode() for item in items)


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "."), data)
    return packed.getvalue()


def send(api: APIClient, project: Project, data: bytes, name: str = "m.jsonl", **headers: str) -> Any:
    body = {"project": str(project.pk), "file": SimpleUploadedFile(name, data)}
    return api.post(IMPORT, body, format="multipart", headers=headers)


def run(task: TaskLog) -> TaskLog:
    pipelines = {"import_memories": import_memories.run, "ingest_episode": ingest_episode.run}
    runner.run(task.pk, pipelines[task.kind], "test")
    return TaskLog.objects.get(pk=task.pk)


# --- the API


def test_what_is_accepted_is_kept_in_parts_and_not_in_the_task(api: APIClient, project: Project) -> None:
    answer = send(api, project, lines(*({"content": f"Number {n}."} for n in range(120)), b"no"))
    assert answer.status_code == 202, answer.content
    told = answer.json()
    assert (told["accepted"], told["rejected_rest"]) == (120, 0)
    assert told["rejected"] == [{"line": 121, "error": "This is not JSON: Expecting value (character 1)."}]
    row = Import.objects.get()
    assert (str(row.task_id), row.accepted, row.rejected, row.name) == (told["task_id"], 120, 1, "m.jsonl")
    assert TaskLog.objects.get().payload == {"import": str(row.pk)}
    assert list(row.parts.values_list("count", flat=True)) == [50, 50, 20]
    assert row.rejected_lines.get().line == 121


def test_the_answer_tells_a_hundred_rejections_and_how_many_more(api: APIClient, project: Project) -> None:
    told = send(api, project, lines({"content": "one"}, *[5] * 250)).json()
    assert (len(told["rejected"]), told["rejected_rest"]) == (100, 150)
    assert RejectedLine.objects.count() == 250


def test_the_same_external_id_twice_in_one_upload_is_rejected(api: APIClient, project: Project) -> None:
    one, other = {"content": "one", "external_id": "e"}, {"content": "two", "external_id": "e"}
    api.post(
        "/api/v1/memories", {"project": str(project.pk), **one}
    )  # one that is saved already is no reason, as in a single save
    told = send(api, project, lines(one, other)).json()
    assert told["accepted"] == 1
    assert told["rejected"] == [{"line": 2, "error": "external_id: “e” stands in line 1 already."}]


@pytest.mark.parametrize(
    ("content", "words"),
    [("a\x00b", "NUL"), ("a\ud800b", "surrogates"), ("  ", "no text"), (5, "valid string"), ("x" * 101, "101 bytes")],
)
def test_an_unfit_text_is_rejected_by_its_line(
    api: APIClient, project: Project, settings: Any, content: object, words: str
) -> None:
    settings.MAX_CONTENT_BYTES = 100
    told = send(api, project, lines({"content": content}, {"content": "good"})).json()
    assert told["accepted"] == 1
    assert told["rejected"][0]["line"] == 1
    assert words in told["rejected"][0]["error"]


def test_texts_are_kept_as_they_are(api: APIClient, project: Project) -> None:
    evil = "<script>alert(1)</script> {{ 7 }} \u202e 😀\r\nsecond"
    told = send(api, project, lines({"content": evil, "tags": ["b", "a"], "metadata": {"k": [1, None]}})).json()
    run(TaskLog.objects.get(pk=told["task_id"]))
    memory = Memory.objects.get()
    assert memory.content == evil
    assert [tag.name for tag in memory.memory_tags.all()] == ["b", "a"]
    assert memory.metadata == {"k": [1, None]}


def test_a_zip_of_texts_makes_a_memory_of_each(api: APIClient, project: Project) -> None:
    told = send(api, project, zipped(a__txt=b"Ada moved.", b__md=b"Bob stayed.", c__exe=b"MZ"), "notes.zip").json()
    assert told["accepted"] == 2
    assert [(one["file"], one["line"]) for one in told["rejected"]] == [("c.exe", None)]
    run(TaskLog.objects.get(pk=told["task_id"]))
    assert sorted(Memory.objects.values_list("title", "content")) == [("a.txt", "Ada moved."), ("b.md", "Bob stayed.")]


@pytest.mark.parametrize(
    ("name", "data", "status"),
    [
        ("m.json", b"[" + b'{"content": "one"},' * 300 + b"!", 400),
        ("m.jsonl", b"", 400),
        ("m.jsonl", b"no\n" * 30, 400),
        ("m.zip", b"no zip", 400),
        ("m.pdf", b"%PDF", 400),
        ("m.zip", zipped(a__zip=zipped(b__txt=b"Ada")), 400),
        ("m.jsonl", b'{"content": "one"}\n' * 301, 413),
        ("m.jsonl", b'{"content": "one"}\n' + b"no\n" * 301, 400),
        ("m.jsonl", b'{"content": "one"}\n' + b" " * 1_100_000, 413),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("small")
def test_what_is_refused_leaves_nothing(api: APIClient, project: Project, name: str, data: bytes, status: int) -> None:
    answer = send(api, project, data, name)
    assert answer.status_code == status, answer.content
    assert len(answer.json()["detail"]) > 20
    assert nothing_is_left()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("[]", 400),
        ('{"project": "%s"}', 400),
        ('{"project": "%s", "memories": 3}', 400),
        ('{"project": "%s", "memories": [{"content": "one"}]', 400),
        ('{"project": "%s", "memories": [{"content": "one"}]} more', 400),
        ('{"project": "x", "memories": [{"content": "one"}]}', 400),
        ('{"memories": [{"content": "one"}]}', 400),
        ('{"project": "00000000-0000-7000-8000-000000000000", "memories": [{"content": "one"}]}', 404),
        ('{"project": "%s", "memories": ' + "[" * 100_000, 400),
        ('{"project": "%s", "memories": [{"content": "one"}], "pad": "' + " " * 1_100_000 + '"}', 413),
    ],
)
@pytest.mark.usefixtures("small")
def test_a_bad_body_is_told_and_leaves_nothing(api: APIClient, project: Project, body: str, status: int) -> None:
    answer = api.post(IMPORT, body.replace("%s", str(project.pk)), content_type="application/json")
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert nothing_is_left()


def test_the_project_may_come_after_the_memories(api: APIClient, project: Project) -> None:
    body = {"memories": [{"content": "one"}, {"content": ""}], "project": str(project.pk)}
    told = api.post(IMPORT, json.dumps(body).encode("utf-8-sig"), content_type="application/json").json()
    assert (told["accepted"], told["rejected"][0]["line"]) == (1, 2)


def test_who_may_import(api: APIClient, project: Project, bob: User, charlie: User) -> None:
    for user, status in ((bob, 403), (charlie, 404)):
        api.force_authenticate(user)
        assert send(api, project, b'{"content": "one"}').status_code == status
    assert nothing_is_left()


def test_the_same_key_imports_once(api: APIClient, project: Project) -> None:
    headers = {"Idempotency-Key": "k"}
    data = lines({"content": "one"}, 5)
    first, again = (send(api, project, data, **headers) for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert send(api, project, data + b" ", **headers).status_code == 409
    assert Import.objects.count() == ImportPart.objects.count() == RejectedLine.objects.count() == 1
    bodies = [{"project": str(project.pk), "memories": [{"content": text}]} for text in ("one", "one", "two")]
    codes = [api.post(IMPORT, body, headers={"Idempotency-Key": "json"}).status_code for body in bodies]
    assert codes == [202, 202, 409]
    assert Import.objects.count() == 2


def test_what_a_killed_process_left_is_removed_by_a_later_import(api: APIClient, project: Project) -> None:
    for _ in range(2):
        upload = staging.Upload(project, None)
        upload.add(NewMemory(content="half read"), 1)
        upload.flush()
    old = Import.objects.order_by("id").first()
    assert old is not None
    Import.objects.filter(pk=old.pk).update(created_at=F("created_at") - timedelta(hours=2))
    send(api, project, b'{"content": "one"}')
    assert not Import.objects.filter(pk=old.pk).exists()
    assert Import.objects.filter(task=None).count() == 1  # that may be one that is being read now
    assert ImportPart.objects.count() == 2


def test_an_import_that_fails_while_it_is_read_leaves_nothing(project: Project, alice: User) -> None:
    def items() -> Iterator[NewMemory]:
        for number in range(200):
            yield NewMemory(content=str(number))
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        services.import_memories(alice, project, items())
    assert nothing_is_left()


def test_reading_an_import_takes_short_transactions_and_few_queries(project: Project, alice: User) -> None:
    with CaptureQueriesContext(connection) as captured:
        services.import_memories(alice, project, [NewMemory(content=str(number)) for number in range(1000)])
    writes = [query for query in captured if "import_part" in query["sql"] or "memories_importpart" in query["sql"]]
    assert len(writes) == 20
    assert len(captured) < 100


# --- the work


@pytest.fixture
def parent(project: Project, alice: User) -> TaskLog:
    return services.import_memories(alice, project, [NewMemory(content=f"Text number {n}.") for n in range(120)])


def test_the_parts_go_with_the_making_of_their_memories(parent: TaskLog, project: Project) -> None:
    row = run(parent)
    assert (row.status, row.done, row.total, row.stage) == (Status.PROCESSING, 0, 120, "children")
    assert not ImportPart.objects.exists()
    made = list(Memory.objects.order_by("id").values_list("content", "task__parent"))
    assert made == [(f"Text number {n}.", parent.pk) for n in range(120)]


def test_a_cancelled_import_keeps_what_is_left_for_its_retry(
    parent: TaskLog, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_count = runner.Progress.save_count

    def cancel_after_the_first_part(progress: runner.Progress, done: int) -> None:
        save_count(progress, done)
        if done == 50:
            TaskLog.objects.filter(pk=parent.pk).update(cancel_requested_at=F("created_at"))

    monkeypatch.setattr(runner.Progress, "save_count", cancel_after_the_first_part)
    assert run(parent).status == Status.CANCELLED
    monkeypatch.undo()
    tasks.cancel_active(parent.children.all())
    assert [part.count for part in ImportPart.objects.all()] == [50, 20]
    again = run(tasks.retry(parent))
    assert again.total == 120
    assert Memory.objects.count() == 120
    assert not ImportPart.objects.exists()
    assert Memory.objects.filter(task__parent=again, task__status=Status.PENDING).count() == 120
    assert Import.objects.get().task_id == again.pk


def test_an_attempt_that_was_overtaken_makes_nothing(parent: TaskLog, monkeypatch: pytest.MonkeyPatch) -> None:
    make = import_memories._make_children

    def overtaken(task: TaskLog, memories: list[Memory]) -> None:
        make(task, memories)
        TaskLog.objects.filter(pk=task.pk).update(attempt=F("attempt") + 1)

    monkeypatch.setattr(import_memories, "_make_children", overtaken)
    runner.run(parent.pk, import_memories.run, "test")
    assert not Memory.objects.exists()
    assert not parent.children.exists()
    assert ImportPart.objects.count() == 3


def test_a_retry_leaves_alone_what_was_done_deleted_or_asked_for_since(parent: TaskLog, project: Project) -> None:
    run(parent)
    children = list(parent.children.order_by("id"))
    for child in children[4:]:
        TaskLog.objects.filter(pk=child.pk).update(status=Status.COMPLETED, progress=100, finished_at=F("created_at"))
    for child in children[:4]:
        claimed = transitions.claim(child.pk, "test")
        assert claimed is not None
        transitions.fail(claimed, "It could not be read.", retryable=True)
    transitions.refresh_parent(parent.pk)
    done = TaskLog.objects.get(pk=parent.pk)
    assert (done.status, done.result) == (Status.COMPLETED, {"completed": 116, "failed": 4})
    deleted, asked, *failed = [child.memory for child in children[:4]]
    assert deleted is not None
    services.delete_memory(deleted)
    assert asked is not None
    services.reprocess_memory(asked)
    again = run(tasks.retry(done))
    assert [child.memory for child in again.children.order_by("id")] == failed
    twice = run(tasks.retry(TaskLog.objects.get(pk=_cancelled(again).pk)))
    assert [child.memory for child in twice.children.order_by("id")] == failed


def _cancelled(task: TaskLog) -> TaskLog:
    return tasks.cancel(task)


def test_an_import_whose_parts_are_gone_fails_with_a_sentence(parent: TaskLog) -> None:
    Import.objects.all().delete()
    failed = run(parent)
    assert failed.status == Status.FAILED
    assert "import it again" in failed.error


def test_each_batch_is_one_event_of_the_parent(parent: TaskLog) -> None:
    run(parent)
    told = TaskEvent.objects.filter(task=parent).order_by("seq").values_list("data", flat=True)
    assert [data["done"] for data in told if data["stage"] == "accept"] == [0, 50, 100, 120]


def test_lists_of_tasks_do_not_read_the_parts(parent: TaskLog, client: Client, project: Project) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(f"/project/{project.pk}/tasks").status_code == 200
        assert client.get(f"/project/{project.pk}/import").status_code == 200
    assert not any("importpart" in query["sql"] for query in captured)


# --- the page


def page(client: Client, project: Project, *files: tuple[str, bytes]) -> Any:
    sent = [SimpleUploadedFile(name, data) for name, data in files]
    return client.post(f"/project/{project.pk}/import", {"file": sent})


def test_files_lead_to_the_page_of_their_import(client: Client, project: Project) -> None:
    answer = page(client, project, ("a.jsonl", lines({"content": "one"}, 5)), ("b.txt", b"two"))
    row = Import.objects.get()
    assert answer["Location"] == f"/project/{project.pk}/import/{row.pk}"
    assert (row.name, row.accepted, row.rejected) == ("2 files", 2, 1)
    shown = client.get(answer["Location"]).content.decode()
    assert "a.jsonl" in shown
    assert f'task="{row.task_id}"' in shown
    listed = client.get(f"/project/{project.pk}/import").content.decode()
    assert "2 files" in listed
    assert str(row.pk) in client.get(f"/project/{project.pk}/tasks/{row.task_id}").content.decode()


def test_names_and_reasons_are_data(client: Client, project: Project) -> None:
    evil = zipped(**{'<img src=x onerror="alert(1)">__exe': b"MZ", "=1+1__exe": b"MZ", "a__txt": b"Ada"})
    answer = page(client, project, ("<b>.zip", evil))
    shown = client.get(answer["Location"]).content.decode()
    assert "<img src=x" not in shown
    assert "&lt;img src=x" in shown
    assert "<b>.zip" not in shown
    table = client.get(f"{answer['Location']}/rejected.csv")
    assert table["Content-Type"].startswith("text/csv")
    assert "attachment" in table["Content-Disposition"]
    assert "\r\n'=1+1.exe,," in table.content.decode()


def test_the_page_shows_all_rejected_lines_in_pages(client: Client, project: Project) -> None:
    answer = page(client, project, ("a.jsonl", lines({"content": "one"}, *[5] * 120)))
    assert "Line 2" in client.get(answer["Location"]).content.decode()
    assert "Line 121" in client.get(f"{answer['Location']}?page=3").content.decode()
    assert len(client.get(f"{answer['Location']}/rejected.csv").content.splitlines()) == 121


def test_the_same_content_at_once_is_told_with_a_link_to_the_running_import(client: Client, project: Project) -> None:
    data = lines({"content": "one"})
    page(client, project, ("a.jsonl", data))
    running = Import.objects.get()
    again = page(client, project, ("b.jsonl", data))
    assert again.status_code == 409
    assert f"/project/{project.pk}/import/{running.pk}" in again.content.decode()
    assert Import.objects.count() == 1
    assert running.task is not None
    tasks.cancel(running.task)
    assert page(client, project, ("a.jsonl", data)).status_code == 302


def test_the_second_of_two_at_the_same_moment_is_refused_when_it_is_accepted(project: Project, alice: User) -> None:
    uploads = [staging.Upload(project, alice.pk, digest="d" * 64) for _ in range(2)]
    for upload in uploads:
        upload.add(NewMemory(content="one"), 1)
    services.start_import(uploads[0], alone=True)
    with pytest.raises(AlreadyRunning), uploads[1]:
        services.start_import(uploads[1], alone=True)
    assert Import.objects.count() == TaskLog.objects.count() == 1


def test_where_too_many_tasks_wait_nothing_is_kept(
    client: Client, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **options: object) -> TaskLog:
        raise tasks.StateConflict("Too many tasks wait.")

    monkeypatch.setattr(tasks, "submit", full)
    answer = page(client, project, ("a.jsonl", lines({"content": "one"})))
    assert (answer.status_code, "Too many tasks wait." in answer.content.decode()) == (429, True)
    (tmp_path / "m.jsonl").write_bytes(lines({"content": "one"}))
    with pytest.raises(CommandError, match="Too many"):
        ingest(project, str(tmp_path / "m.jsonl"))
    assert nothing_is_left()


@pytest.mark.parametrize(
    ("files", "status", "words"),
    [
        ([], 400, "No file came along"),
        ([("a.jsonl", b"no")], 400, "No memory in it can be imported. Nothing was saved."),
        ([("a.jsonl", b"")], 400, "There is no memory in it"),
        ([("a.json", b"[1")], 400, "not JSON"),
        ([("a.jsonl", b" " * 600_000), ("b.jsonl", b" " * 600_000)], 413, "1 MB"),
    ],
)
@pytest.mark.usefixtures("small")
def test_what_the_page_refuses(
    client: Client, project: Project, files: list[tuple[str, bytes]], status: int, words: str
) -> None:
    answer = page(client, project, *files)
    assert answer.status_code == status
    assert words in answer.content.decode()
    assert nothing_is_left()


def test_who_sees_the_page(client: Client, project: Project, bob: User, charlie: User) -> None:
    answer = page(client, project, ("a.jsonl", lines({"content": "one"}, 5)))
    detail, table = answer["Location"], f"{answer['Location']}/rejected.csv"
    client.force_login(bob)
    assert client.get(f"/project/{project.pk}/import").status_code == 403
    assert page(client, project, ("a.jsonl", b"{}")).status_code == 403
    assert [client.get(address).status_code for address in (detail, table)] == [200, 200]
    client.force_login(charlie)
    addresses = (f"/project/{project.pk}/import", detail, table)
    assert [client.get(address).status_code for address in addresses] == [404, 404, 404]
    other = services.create_project(charlie, name="Other")
    assert client.get(detail.replace(str(project.pk), str(other.pk))).status_code == 404


def test_the_pages_offer_the_import_to_who_may(client: Client, project: Project, bob: User) -> None:
    link = f'href="/project/{project.pk}/import"'
    for address in ("", "memories", "memories/new"):
        assert link in client.get(f"/project/{project.pk}/{address}").content.decode()
    client.force_login(bob)
    assert link not in client.get(f"/project/{project.pk}/memories").content.decode()


# --- the command


def ingest(project: Project, path: str, *options: str) -> tuple[str, str]:
    out, errors = io.StringIO(), io.StringIO()
    call_command("ingest", path, "--project", str(project.pk), "--no-wait", *options, stdout=out, stderr=errors)
    return out.getvalue(), errors.getvalue()


def test_the_command_imports_a_folder(project: Project, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/a.txt").write_text("Ada moved.")
    (tmp_path / "b.jsonl").write_bytes(lines({"content": "Bob stayed."}, 5))
    (tmp_path / "c.bin").write_bytes(b"\x00")
    out, errors = ingest(project, str(tmp_path))
    task = TaskLog.objects.get()
    assert out.strip() == str(task.pk)
    assert "2 memories accepted, 2 not taken." in errors
    assert "b.jsonl, line 2: " in errors
    run(task)
    assert sorted(Memory.objects.values_list("content", flat=True)) == ["Ada moved.", "Bob stayed."]
    assert Memory.objects.get(content="Ada moved.").metadata == {"file": "deep/a.txt"}


@pytest.mark.parametrize(
    ("name", "data", "options"),
    [
        ("m.zip", zipped(a__txt=b"one", b__txt=b"two"), []),
        ("m.jsonl", lines({"content": "one"}, {"content": "two"}), []),
        ("m.json", b'[{"content": "one"}, {"content": "two"}]', []),
        ("m.data", lines({"content": "one"}, {"content": "two"}), ["--format", "jsonl"]),
    ],
)
def test_the_command_imports_files_of_many(
    project: Project, tmp_path: Path, name: str, data: bytes, options: list[str]
) -> None:
    (tmp_path / name).write_bytes(data)
    ingest(project, str(tmp_path / name), *options)
    assert Import.objects.get().accepted == 2


def test_a_list_of_messages_is_one_conversation(project: Project, tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text('[{"speaker": "Ada", "content": "Hello."}, {"speaker": "Bob", "content": "Hi."}]')
    ingest(project, str(tmp_path / "m.json"))
    assert Memory.objects.get().content == "Ada: Hello.\nBob: Hi."


@pytest.mark.parametrize("data", [b"", b"no\n", b'{"content": ""}'])
def test_the_command_says_why_it_imported_nothing(project: Project, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m.jsonl").write_bytes(data)
    with pytest.raises(CommandError) as error:
        ingest(project, str(tmp_path / "m.jsonl"))
    assert error.value.returncode == 1
    assert nothing_is_left()
