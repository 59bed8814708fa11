"""Articles and files from the address or the upload to the graph: the steps, what is kept, what fails and how."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import docx
import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from memories import files, queries, services
from memories.engine import documents, summary
from memories.fetching import Rules
from memories.llm import dialects
from memories.models import Memory, Passage, Project, SavedDocument
from memories.pipelines import contents, ingest_article, ingest_episode, ingest_file, originals
from tasks_app import runner, transitions
from tasks_app.models import Status, TaskCheckpoint, TaskEvent, TaskLog
from tests import llm_server
from tests.fetching.servers import Server, reply, serving

pytestmark = pytest.mark.django_db(transaction=True)
STEPS = [
    ("started", 1),
    ("fetch_start", 2),
    ("fetch_complete", 15),
    ("media_detect_start", 16),
    ("media_detected", 18),
    ("content_extract_start", 20),
    ("content_extracted", 50),
    ("ai_start", 52),
    ("ai_complete", 60),
    ("start", 62),
    ("schema", 65),
    ("extract", 68),
    ("sync", 74),
    ("communities", 82),
    ("episode", 90),
    ("save_start", 92),
    ("save_complete", 98),
]
TEXT = (
    "# The engine\n\nAda Lovelace met Charles Babbage in London in 1833. She wrote the first program.\n\n"
    "## Later\n\nCharles Babbage lived in London until 1871. He worked for the University of Cambridge.\n"
)


class Killed(BaseException):
    """What no handler of the attempt sees, as with SIGKILL."""


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, settings: Any) -> None:
    settings.MEMSTACK_DATA_DIR = tmp_path / "var"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on loopback, which the rules of the fetch allow."""
    with serving({"/page": reply(TEXT.encode(), content_type="text/markdown; charset=utf-8", ETag='"1"')}) as running:
        rules = Rules(allowed_private_hosts=frozenset({f"127.0.0.1:{running.port}"}))
        monkeypatch.setattr(originals, "page_rules", lambda: rules)
        yield running


@pytest.fixture
def article(alice: User, project: Project, server: Server) -> Memory:
    return services.save_article(alice, project, server.url("/page"))


def run(memory: Memory) -> TaskLog:
    """The memory's newest task, run once."""
    memory.refresh_from_db()
    assert memory.task is not None
    pipeline = {"ingest_article": ingest_article.run, "ingest_file": ingest_file.run}[memory.task.kind]
    TaskLog.objects.filter(pk=memory.task.pk).update(run_after=None)
    runner.run(memory.task.pk, pipeline, "test")
    memory.refresh_from_db()
    return task_of(memory)


def task_of(memory: Memory) -> TaskLog:
    """As it is now."""
    assert memory.task_id is not None
    return TaskLog.objects.get(pk=memory.task_id)


def die(memory: Memory) -> None:
    """An attempt whose process is killed, and whose lease has run out."""
    with pytest.raises(Killed):
        run(memory)
    TaskLog.objects.filter(memory=memory).update(lease_until=Now())
    for expired in transitions.expired_leases():
        transitions.expire_lease(expired)


def steps_of(task: TaskLog) -> list[tuple[str, int]]:
    """(step, percent) at each change of the step."""
    found: list[tuple[str, int]] = []
    for event in TaskEvent.objects.filter(task=task, type="progress").order_by("seq"):
        if event.data["step"] and (not found or found[-1][0] != event.data["step"]):
            found.append((event.data["step"], event.data["progress"]))
    return found


def upload(user: User, project: Project, folder: Path, name: str, data: bytes) -> Memory:
    path = folder / "upload"
    path.write_bytes(data)
    return services.save_file(user, project, path, name)


def word_file() -> bytes:
    document = docx.Document()
    document.add_heading("The engine", 1)
    document.add_paragraph("Ada Lovelace met Charles Babbage in London in 1833.")
    document.core_properties.author = "Maria Costa"
    data = io.BytesIO()
    document.save(data)
    return data.getvalue()


# --- to the end


def test_an_article_goes_through_every_step_in_order(article: Memory) -> None:
    task = run(article)
    assert task.status == Status.COMPLETED, task.error
    assert steps_of(task) == STEPS
    told = [event.data["progress"] for event in TaskEvent.objects.filter(task=task).order_by("seq")]
    assert told[-1] == 100
    assert told == sorted(told)
    assert task.result["words"] == len(article.content.split())  # type: ignore[index]


def test_an_article_has_its_text_its_document_and_its_graph(article: Memory, server: Server) -> None:
    run(article)
    row = SavedDocument.objects.get(memory=article)
    assert article.title == "The engine"
    assert "Ada Lovelace met Charles Babbage" in article.content
    assert (row.media_type, row.etag, row.url) == ("text/markdown", '"1"', server.url("/page"))
    assert row.fetched_at is not None
    assert [block["kind"] for block in row.blocks][:2] == ["heading", "paragraph"]
    assert article.summary
    for sentence in row.summary:
        assert article.content[sentence["start"] : sentence["end"]] == sentence["text"]
    detail = queries.memory_detail(article)
    assert {"Ada Lovelace", "Charles Babbage"} <= {found.entity.name for found in detail.entities}
    assert detail.facts


def test_nothing_of_it_stays_behind(article: Memory, tmp_path: Path) -> None:
    task = run(article)
    assert not TaskCheckpoint.objects.filter(task=task).exists()
    assert list((tmp_path / "var" / "work").iterdir()) == []


def test_a_word_file_is_read_from_the_store_and_stays_there(alice: User, project: Project, tmp_path: Path) -> None:
    data = word_file()
    memory = upload(alice, project, tmp_path, "engine.docx", data)
    assert memory.title == "engine.docx"
    task = run(memory)
    assert task.status == Status.COMPLETED, task.error
    assert steps_of(task) == STEPS
    row = SavedDocument.objects.get(memory=memory)
    assert (memory.title, row.author) == ("The engine", "Maria Costa")
    assert files.path_of(row.file).read_bytes() == data
    services.delete_memory(memory)
    assert not files.path_of(row.file).exists()


# --- once more


def test_what_has_not_changed_keeps_its_text(article: Memory, server: Server) -> None:
    run(article)
    before = (article.content, article.title, SavedDocument.objects.get(memory=article).blocks)
    server.answers["/page"] = reply(b"", "304 Not Modified")
    services.reprocess_memory(article)
    task = run(article)
    assert (task.status, steps_of(task)) == (Status.COMPLETED, STEPS), task.error
    assert server.requests[-1].headers["if-none-match"] == '"1"'
    row = SavedDocument.objects.get(memory=article)
    assert (article.content, article.title, row.blocks) == before
    assert queries.memory_detail(article).facts


def test_a_new_version_takes_the_place_of_the_old_one_at_once(article: Memory, server: Server) -> None:
    run(article)
    first = Passage.objects.filter(memory=article).count()
    server.answers["/page"] = reply(b"# Another\n\nMarie Curie worked in Paris.", content_type="text/markdown")
    services.reprocess_memory(article)
    run(article)
    assert article.title == "Another"
    assert article.content.endswith("Marie Curie worked in Paris.")
    assert Passage.objects.filter(memory=article).exclude(generation=article.generation).count() == 0
    assert first >= 1
    assert SavedDocument.objects.get(memory=article).etag == ""


def test_a_failed_refetch_leaves_what_was_there(article: Memory, server: Server) -> None:
    run(article)
    before = queries.memory_detail(article)
    content = article.content
    server.answers["/page"] = reply(b"", "404 Not Found")
    services.reprocess_memory(article)
    task = run(article)
    assert (task.status, task.retryable) == (Status.FAILED, False)
    assert article.content == content
    assert [fact.pk for fact in queries.memory_detail(article).facts] == [fact.pk for fact in before.facts]


def test_a_title_and_a_time_that_a_person_gave_stay(article: Memory, server: Server) -> None:
    run(article)
    moment = article.reference_time.replace(year=1999)
    services.update_memory(article, {"title": "Mine", "reference_time": moment})
    asked = len(server.requests)
    task = run(article)
    assert task.status == Status.COMPLETED, task.error
    assert len(server.requests) == asked, "a new time needs no new page"
    services.reprocess_memory(article)
    run(article)
    assert (article.title, article.reference_time) == ("Mine", moment)


# --- what was done is not done again


def count_calls(monkeypatch: pytest.MonkeyPatch, place: Any, name: str) -> list[str]:
    calls: list[str] = []
    original = getattr(place, name)

    def counted(*args: Any, **options: Any) -> Any:
        calls.append(name)
        return original(*args, **options)

    monkeypatch.setattr(place, name, counted)
    return calls


def dies_once(monkeypatch: pytest.MonkeyPatch, place: Any, name: str) -> None:
    original = getattr(place, name)

    def dying(*args: Any, **options: Any) -> Any:
        monkeypatch.setattr(place, name, original)
        raise Killed

    monkeypatch.setattr(place, name, dying)


def test_no_attempt_fetches_or_reads_what_an_earlier_one_has(
    article: Memory, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = count_calls(monkeypatch, documents, "read")
    summaries = count_calls(monkeypatch, summary, "summarize")
    dies_once(monkeypatch, contents, "detect")
    die(article)
    dies_once(monkeypatch, summary, "summarize")
    die(article)
    monkeypatch.setattr(transitions, "MAX_DEATHS", 5)
    dies_once(monkeypatch, ingest_episode, "_resolve")  # the extraction has begun, and dropped what was kept of it
    die(article)
    task = run(article)
    assert (task.status, task.attempt) == (Status.COMPLETED, 4), task.error
    assert server.paths == ["/page"]
    assert (reads, summaries) == (["read"], ["summarize"])


def test_a_file_that_was_lost_meanwhile_is_fetched_again(
    article: Memory, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    dies_once(monkeypatch, contents, "detect")
    die(article)
    assert article.task_id
    originals.forget(article.task_id)
    assert run(article).status == Status.COMPLETED
    assert server.paths == ["/page", "/page"]


# --- failures


def test_what_is_not_there_fails_at_once_and_leaves_a_memory_without_text(article: Memory, server: Server) -> None:
    server.answers.clear()
    task = run(article)
    assert (task.status, task.retryable, task.attempt) == (Status.FAILED, False, 1)
    assert "404" in task.error or "no such page" in task.error.lower() or "not there" in task.error.lower()
    assert (article.content, article.generation, Passage.objects.count()) == ("", 0, 0)
    assert article.title == server.url("/page").removeprefix("http://")


def test_somebody_elses_trouble_is_tried_again_a_few_times(article: Memory, server: Server) -> None:
    server.answers["/page"] = reply(b"", "500 Internal Server Error")
    for attempt in (1, 2):
        task = run(article)
        assert (task.status, task.retries) == (Status.PENDING, attempt)
        assert task.run_after is not None
        assert task.message.startswith("Trying again in")
    task = run(article)
    assert (task.status, task.retryable, task.attempt) == (Status.FAILED, True, 3)
    server.answers["/page"] = reply(TEXT.encode(), content_type="text/markdown")
    services.reprocess_memory(article)
    assert run(article).status == Status.COMPLETED


def seconds_to_wait(task: TaskLog) -> float:
    assert task.run_after is not None
    return (task.run_after - task.changed_at).total_seconds()


def test_a_server_that_says_when_is_asked_again_then(article: Memory, server: Server) -> None:
    server.answers["/page"] = reply(b"", "429 Too Many Requests", Retry_After="90")
    task = run(article)
    assert task.status == Status.PENDING
    assert 89 < seconds_to_wait(task) <= 91
    server.answers["/page"] = reply(TEXT.encode(), content_type="text/markdown")
    assert run(article).status == Status.COMPLETED


def test_nobody_waits_for_a_day(article: Memory, server: Server) -> None:
    server.answers["/page"] = reply(b"", "429 Too Many Requests", Retry_After="86400")
    task = run(article)
    assert (task.status, task.retryable) == (Status.FAILED, True)


def test_a_damaged_file_fails_with_a_sentence(alice: User, project: Project, tmp_path: Path) -> None:
    memory = upload(alice, project, tmp_path, "broken.pdf", b"%PDF-1.7\n\x00\x01" + b"nothing of a PDF " * 40)
    task = run(memory)
    assert (task.status, task.retryable, memory.content) == (Status.FAILED, False, "")
    assert task.error.endswith(".")


@pytest.mark.parametrize("harm", ["lost", "changed"])
def test_a_stored_file_that_is_not_as_it_came_is_not_read(
    alice: User, project: Project, tmp_path: Path, harm: str
) -> None:
    memory = upload(alice, project, tmp_path, "engine.docx", word_file())
    path = files.path_of(SavedDocument.objects.get(memory=memory).file)
    path.unlink() if harm == "lost" else path.write_bytes(word_file() + b" ")
    task = run(memory)
    assert (task.status, task.retryable) == (Status.FAILED, False)


# --- twice the same


def test_an_address_that_leads_to_a_known_article_is_not_saved_twice(
    article: Memory, alice: User, project: Project, server: Server
) -> None:
    run(article)
    server.answers["/short"] = reply(b"", "302 Found", Location="/page")
    second = services.save_article(alice, project, server.url("/short"))
    task = run(second)
    assert (task.status, task.retryable) == (Status.FAILED, False)
    assert "The engine" in task.error


def test_an_article_is_known_by_where_it_led_to(alice: User, project: Project, server: Server) -> None:
    server.answers["/short"] = reply(b"", "302 Found", Location="/page")
    memory = services.save_article(alice, project, server.url("/short"))
    assert run(memory).status == Status.COMPLETED
    assert services.save_article(alice, project, server.url("/page")) == memory


# --- cancelling


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (originals, "fetch"),
        (contents, "detect"),
        (documents, "read"),
        (summary, "summarize"),
        (ingest_episode, "worked_out"),
        (ingest_episode, "outcome"),
    ],
)
def test_a_cancelled_article_leaves_nothing_half(
    article: Memory, monkeypatch: pytest.MonkeyPatch, place: Any, name: str
) -> None:
    original: Callable[..., Any] = getattr(place, name)
    begun: list[str] = []

    def called_off(*args: Any, **options: Any) -> Any:
        begun.append(name)
        transitions.request_cancel(task_of(article))
        return original(*args, **options)

    monkeypatch.setattr(place, name, called_off)
    task = run(article)
    assert begun
    assert task.status == Status.CANCELLED, task.error
    assert (article.content, article.generation) == ("", 0)
    assert not TaskCheckpoint.objects.exists()
    assert set(TaskEvent.objects.filter(task=task).values_list("type", flat=True)) == {"progress", "cancelled"}


# --- a page about a recording


PLAYER = (
    b"<!doctype html><html><head><title>One</title></head>"
    b'<body><p>Ada spoke.</p><audio src="/one.ogg"></audio></body></html>'
)


def test_a_recording_that_cannot_be_had_is_noted_and_looked_for_again(
    alice: User, project: Project, server: Server
) -> None:
    server.answers["/episode"] = reply(PLAYER, ETag='"1"')
    memory = services.save_article(alice, project, server.url("/episode"))
    task = run(memory)
    assert task.status == Status.COMPLETED, task.error
    row = SavedDocument.objects.get(memory=memory)
    assert memory.content == "Ada spoke."
    assert len(row.notes) == 1
    assert "could not be heard" in row.notes[0]
    services.reprocess_memory(memory)
    run(memory)
    assert "if-none-match" not in server.requests[-2].headers
    assert server.paths == ["/episode", "/one.ogg"] * 2


def test_a_recording_that_is_away_for_a_moment_is_waited_for(alice: User, project: Project, server: Server) -> None:
    server.answers |= {"/episode": reply(PLAYER), "/one.ogg": reply(b"", "503 Service Unavailable")}
    memory = services.save_article(alice, project, server.url("/episode"))
    for _ in range(2):
        assert run(memory).status == Status.PENDING
    assert run(memory).status == Status.COMPLETED
    assert server.paths == ["/episode", "/one.ogg", "/one.ogg", "/one.ogg"]


def test_what_processes_left_that_died_is_swept(article: Memory, tmp_path: Path, settings: Any) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "uploads"
    assert article.task_id is not None
    long_ago = time.time() - 2 * 24 * 3600
    folders = [tmp_path / "var/work" / str(name) for name in (uuid4(), article.task_id, uuid4())]
    left = [*folders, tmp_path / "uploads" / "upload-x", tmp_path / "uploads" / "upload-y"]
    for folder in left:
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"x")
        os.utime(folder, (long_ago, long_ago))
    os.utime(folders[2])
    os.utime(left[4])
    originals.sweep()
    assert [folder.exists() for folder in left] == [False, True, True, False, True]


# --- with a language model


def test_a_models_summary_names_its_places_and_its_tokens_are_counted(
    alice: User, project: Project, tmp_path: Path, settings: Any
) -> None:
    def reads_and_summarises(reply: llm_server.Reply, request: llm_server.Request) -> None:
        if not any("summarise" in part["content"] for part in request["messages"]):
            return llm_server.well(reply, request)
        return reply.say(json.dumps({"sentences": [{"text": "Anna Smith has work at Acme.", "passages": [0]}]}))

    dialects.forget()
    text = "Anna Smith works for Acme in Berlin.\n\nPeter Jones met Anna Smith in 2019."
    with llm_server.LlmServer(reads_and_summarises) as running:
        for name, value in running.environment.items():
            setattr(settings, name, int(value) if value.isdigit() else value)
        memory = upload(alice, project, tmp_path, "note.txt", text.encode())
        task = run(memory)
    assert task.status == Status.COMPLETED, task.error
    (sentence,) = SavedDocument.objects.get(memory=memory).summary
    assert sentence == {"text": "Anna Smith has work at Acme.", "start": 0, "end": len(text)}
    assert task.llm_tokens == 220
