"""Articles, documents and recordings with real processes: every step when it happens, faults, and the ways to fail."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pytest

from tests import recordings
from tests.fetching.servers import Asked, Server, drips, leads_to, reply, serving
from tests.flows.articles_parts import (
    PARAGRAPHS,
    Reader,
    Told,
    bomb,
    encrypted_pdf,
    moment,
    page,
    pdf_file,
    post_article,
    post_file,
    steps,
    word_file,
)
from tests.memories.test_ingest_documents import STEPS
from tests.stack import PATIENCE, Stack, wait_for

pytestmark = pytest.mark.flow
SOON = 0.25  # seconds from most steps to their reader; by the look at the table each second it would be twice that
CALLED_OFF = 8.0  # seconds, of a busy machine; what it was about takes half a minute
STALL = 2.0  # seconds that a busy machine may hold up one of them; less than the page takes to come


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def canary() -> Iterator[Server]:
    """Listens on loopback and is never allowed."""
    with serving() as running:
        yield running
        assert running.connections == 0, running.requests


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def stack(request: pytest.FixtureRequest, server: Server) -> Iterator[Stack]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database("articles")
    private = {"MEMSTACK_PRIVATE_HOSTS": f"127.0.0.1:{server.port}"}
    with Stack(database_url=url, workers=2, environment=private) as running:
        wait_for(lambda: running.client.get("/readyz").json()["worker"]["ok"] or None, PATIENCE)
        yield running


def memory_of(stack: Stack, saved: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = stack.get(f"memories/{saved['id']}")
    return found


# --- when it happens


def test_every_step_of_a_dripping_page_is_seen_when_it_happens(stack: Stack, server: Server) -> None:
    body = page()
    server.answers["/dripping"] = drips(lambda: server, body, 3.0)
    saved = post_article(stack, stack.project("Dripping"), server.url("/dripping"))
    with Reader(stack, saved["task_id"]) as reader:
        told = reader.ended()
    assert told[-1].type == "completed", told[-1].data
    assert steps(told) == STEPS
    assert_told_soon(told)
    counts = [one.data["done"] for one in told if one.data["step"] == "fetch_start" and one.data["done"]]
    assert len(counts) > 5, "the bytes are counted while they come"
    assert counts == sorted(counts)
    first = {one.data["step"]: one for one in reversed(told)}
    assert first["fetch_complete"].data["done"] is None
    spread = _at(first["fetch_complete"]) - _at(first["fetch_start"])
    assert spread > 2.5, "the steps do not come all at once"
    assert len(counts) <= 10 * spread + 8, "and no more than ten times a second"


def _at(one: Told) -> float:
    return moment(one.data["at"])


def assert_told_soon(told: list[Told]) -> None:
    late = [(one.data["step"], round(one.delay, 3)) for one in told if one.delay > SOON]
    assert median(one.delay for one in told) < SOON, late
    assert max(one.delay for one in told) < STALL, late


def test_an_article_is_read_with_its_details(stack: Stack, server: Server) -> None:
    server.answers["/article"] = reply(page(), ETag='"v1"')
    saved = post_article(stack, stack.project("Details"), server.url("/article"))
    assert stack.wait_for_task(saved["task_id"])["status"] == "completed"
    memory = memory_of(stack, saved)
    document = memory["document"]
    assert memory["title"] == "The analytical engine"
    assert (document["author"], document["site"], document["language"]) == ("Maria Costa", "Engine News", "en")
    assert memory["reference_time"] == "2024-05-01T08:00:00Z"
    for paragraph in PARAGRAPHS:
        assert paragraph in memory["content"]
    assert "Imprint" not in memory["content"]
    assert {"heading", "paragraph", "list_item"} <= {block["kind"] for block in document["blocks"]}
    assert document["summary"]
    for sentence in document["summary"]:
        assert memory["content"][sentence["start"] : sentence["end"]] == sentence["text"]
    assert {"Ada Lovelace", "Charles Babbage"} <= {entity["name"] for entity in memory["entities"]}
    assert memory["facts"]


def test_a_pdf_has_its_pages_and_a_word_file_its_text(stack: Stack) -> None:
    project = stack.project("Files")
    pdf, word = (
        post_file(stack, project, "engine.pdf", pdf_file()),
        post_file(stack, project, "engine.docx", word_file()),
    )
    with Reader(stack, pdf["task_id"]) as reader:
        told = reader.ended()
    assert (told[-1].type, steps(told)) == ("completed", STEPS), told[-1].data
    assert stack.wait_for_task(word["task_id"])["status"] == "completed"
    assert [passage["page"] for passage in memory_of(stack, pdf)["passages"]] == [1, 2, 3]
    assert PARAGRAPHS[2] in memory_of(stack, word)["content"]
    whole = stack.client.get(f"/api/v1/memories/{pdf['id']}/media")
    assert whole.content == pdf_file()


def test_a_recording_is_heard_with_its_seconds_counted(stack: Stack) -> None:
    data = recordings.SPEECH.read_bytes()
    saved = post_file(stack, stack.project("Recording"), "austen.ogg", data)
    with Reader(stack, saved["task_id"]) as reader:
        told = reader.ended(180)
    assert (told[-1].type, steps(told)) == ("completed", STEPS), told[-1].data
    counted = [one.data for one in told if one.data["step"] == "content_extract_start" and one.data["total"]]
    assert counted
    assert counted[-1]["total"] == int(recordings.SECONDS)
    assert_told_soon(told)
    memory = memory_of(stack, saved)
    assert "Dashwood" in memory["content"]
    assert all(passage["seconds"] is not None for passage in memory["passages"])
    assert memory["document"]["duration_seconds"] == pytest.approx(recordings.SECONDS, abs=0.2)
    part = stack.client.get(f"/api/v1/memories/{saved['id']}/media", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, data[10:20])


@pytest.mark.slow
def test_a_page_about_a_recording_becomes_both(stack: Stack, server: Server) -> None:
    server.answers["/austen.ogg"] = reply(recordings.SPEECH.read_bytes(), content_type="audio/ogg")
    player = '<meta property="og:audio" content="/austen.ogg"><meta property="og:audio:type" content="audio/ogg">'
    server.answers["/episode"] = reply(page(PARAGRAPHS[0], head=player, title="Episode one"))
    saved = post_article(stack, stack.project("Episode"), server.url("/episode"))
    assert stack.wait_for_task(saved["task_id"], 180)["status"] == "completed"
    memory = memory_of(stack, saved)
    assert PARAGRAPHS[0] in memory["content"]
    assert "Dashwood" in memory["content"]
    assert memory["passages"][0]["seconds"] is None
    assert memory["passages"][-1]["seconds"] is not None
    assert memory["document"]["has_file"]


# --- killed and called off


def kill_worker_of(stack: Stack, task: str) -> None:
    """Kills all children of the pool: the one that has the task is among them."""
    assert stack.get(f"tasks/{task}")["status"] == "processing"
    for pid in stack.pool():
        os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_a_worker_that_dies_while_it_fetches(stack: Stack, server: Server) -> None:
    server.answers["/slow"] = drips(lambda: server, page(), 4.0)
    saved = post_article(stack, stack.project("Killed"), server.url("/slow"))
    with Reader(stack, saved["task_id"]) as reader:
        reader.until("fetch_start", 100)
        kill_worker_of(stack, saved["task_id"])
        told = reader.ended(120)
    assert (told[-1].type, told[-1].data["attempt"]) == ("completed", 2)
    assert [one.data["seq"] for one in told] == list(range(1, len(told) + 1))
    assert memory_of(stack, saved)["facts"]


@pytest.mark.slow
def test_a_worker_that_dies_while_it_listens(stack: Stack, tmp_path: Path) -> None:
    long = recordings.write(tmp_path / "long.wav", _repeated(4), "pcm_s16le")
    saved = post_file(stack, stack.project("Killed listening"), "long.wav", long.read_bytes())
    with Reader(stack, saved["task_id"]) as reader:
        reader.until("content_extract_start", 1)
        kill_worker_of(stack, saved["task_id"])
        told = reader.ended(240)
    assert (told[-1].type, told[-1].data["attempt"]) == ("completed", 2)
    assert "Dashwood" in memory_of(stack, saved)["content"]
    assert not list((stack.folder / "work").iterdir())


def _repeated(times: int) -> recordings.Samples:
    import numpy as np

    return np.tile(recordings.speech(), times)


def cancel(stack: Stack, reader: Reader) -> float:
    """Seconds until the end was told."""
    began = time.monotonic()
    assert stack.client.post(f"/api/v1/tasks/{reader.task}/cancel").status_code == 202
    told = reader.ended()
    assert told[-1].type == "cancelled"
    return time.monotonic() - began


def test_a_fetch_is_called_off_within_a_second(stack: Stack, server: Server) -> None:
    server.answers["/endless"] = drips(lambda: server, page(), 40.0)
    saved = post_article(stack, stack.project("Called off"), server.url("/endless"))
    with Reader(stack, saved["task_id"]) as reader:
        reader.until("fetch_start", 10)
        assert cancel(stack, reader) < CALLED_OFF
    memory = memory_of(stack, saved)
    assert (memory["content"], memory["passages"], memory["processing_status"]) == ("", [], "cancelled")


@pytest.mark.slow
def test_listening_is_called_off_within_a_second(stack: Stack, tmp_path: Path) -> None:
    long = recordings.write(tmp_path / "long.wav", _repeated(12), "pcm_s16le")
    saved = post_file(stack, stack.project("Called off listening"), "long.wav", long.read_bytes())
    with Reader(stack, saved["task_id"]) as reader:
        reader.until("content_extract_start", 1)
        assert cancel(stack, reader) < CALLED_OFF
    assert memory_of(stack, saved)["content"] == ""
    wait_for(lambda: None if _listeners(stack) else True, 20, lambda: f"it goes on: {_listeners(stack)}")


def _listeners(stack: Stack) -> list[str]:
    """Not those of another test that runs at the same time."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if "memories.engine.speech.child" in words and '"listen"' in words and str(stack.folder) in words:
            found.append(words)
    return found


# --- the ways to fail


def closes_early(asked: Asked, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9000\r\n\r\n<html><body>Half a")


def endless(asked: Asked, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<!doctype html><p>")
    for _ in range(10_000):
        connection.sendall(b"More and more of it. " * 50_000)


LOGIN = (
    b"<!doctype html><title>Log in</title><body><form action=/login method=post>"
    b"<p>Please log in to read on.</p><input name=user><input type=password name=pass></form>"
)
ANSWERS: dict[str, Any] = {
    "/404": reply(b"", "404 Not Found"),
    "/403": reply(b"", "403 Forbidden"),
    "/500": reply(b"", "500 Internal Server Error"),
    "/round": leads_to("/round"),
    "/picture": reply(b"\x89PNG\r\n\x1a\n" + b"\x00" * 5000, content_type="image/png"),
    "/empty": reply(b""),
    "/blank": reply(b"<!doctype html><html><body></body></html>"),
    "/login": reply(LOGIN),
    "/half": closes_early,
    "/large": endless,
    "/feed": reply(
        b'<?xml version="1.0"?><rss version="2.0"><channel></channel></rss>', content_type="application/rss+xml"
    ),
    "/broken.mp4": reply(b"\x00\x00\x00\x18ftypmp42" + b"\x07" * 9000, content_type="video/mp4"),
}
LATER = {"/500", "/half", "/empty"}  # another try may help with these


@pytest.mark.slow
def test_each_way_to_fail_has_its_sentence_and_leaves_nothing(stack: Stack, server: Server, canary: Server) -> None:
    server.answers.update(ANSWERS)
    server.answers["/inward"] = leads_to(canary.url("/secret"))
    project = stack.project("Failures")
    addresses = {path: server.url(path) for path in [*ANSWERS, "/inward"]}
    addresses["nobody"] = "http://no-such-host.invalid/"
    addresses["private"] = canary.url("/")
    for disguise in ("2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "127.1", "localhost", "127.0.0.1.nip.io"):
        addresses[disguise] = f"http://{disguise}:{canary.port}/"
    saved = {name: post_article(stack, project, url) for name, url in addresses.items()}
    silent = recordings.write(stack.folder / "silent.wav", recordings.silence(3), "pcm_s16le")
    for name, data in (
        ("encrypted.pdf", encrypted_pdf()),
        ("broken.pdf", pdf_file()[:300]),
        ("bomb.docx", bomb()),
        ("silent.wav", silent.read_bytes()),
    ):
        saved[name] = post_file(stack, project, name, data)
    wrong: dict[str, object] = {}
    for name, one in saved.items():
        task = stack.wait_for_task(one["task_id"], 120)
        memory = memory_of(stack, one)
        found = (task["status"], memory["content"], memory["passages"], memory["entities"], memory["summary"])
        if found != ("failed", "", [], [], "") or not task["error"].endswith("."):
            wrong[name] = (found, task["error"])
        if name in LATER and not task["retryable"]:
            wrong[name] = "a retry may help"
        if (
            name in {"/404", "/round", "/picture", "/login", "private", "encrypted.pdf", "bomb.docx"}
            and task["retryable"]
        ):
            wrong[name] = "a retry can't help"
    assert not wrong
    assert stack.get("entities", project=project)["count"] == 0


@pytest.mark.slow
def test_a_server_that_asks_for_patience_gets_it(stack: Stack, server: Server) -> None:
    asked: list[float] = []

    def busy_once(request: Asked, connection: socket.socket) -> None:
        asked.append(time.monotonic())
        answer = reply(b"", "429 Too Many Requests", Retry_After="3") if len(asked) == 1 else reply(page())
        connection.sendall(answer)

    server.answers["/busy"] = busy_once
    saved = post_article(stack, stack.project("Patience"), server.url("/busy"))
    assert stack.wait_for_task(saved["task_id"])["status"] == "completed"
    assert len(asked) == 2
    assert 3.0 <= asked[1] - asked[0] < 20.0


def test_what_has_failed_can_be_tried_again(stack: Stack, server: Server) -> None:
    server.answers.pop("/later", None)
    saved = post_article(stack, stack.project("Again"), server.url("/later"))
    assert stack.wait_for_task(saved["task_id"])["status"] == "failed"
    server.answers["/later"] = reply(page())
    retried = stack.post(f"tasks/{saved['task_id']}/retry")
    assert stack.wait_for_task(retried["task_id"])["status"] == "completed"
    assert memory_of(stack, saved)["facts"]


def test_a_file_that_is_too_large_is_not_waited_for(stack: Stack) -> None:
    where = httpx.URL(stack.url)
    request = (
        f"POST /api/v1/files HTTP/1.1\r\nHost: {where.netloc.decode()}\r\nAuthorization: Bearer {stack.key}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {10 * 2**30}\r\n\r\n--x"
    )
    with socket.create_connection((where.host, where.port or 80), timeout=60) as connection:
        connection.sendall(request.encode())
        answer = ""
        while "500 MB" not in answer and (part := connection.recv(4096).decode()):
            answer += part
    assert answer.startswith("HTTP/1.1 413")
    assert "500 MB" in answer
