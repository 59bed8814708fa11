"""What a line of the log tells, and what it must not."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from io import StringIO
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection
from django.test import Client

from memories.models import Project
from memstack import logs
from tasks_app import runner, transitions
from tasks_app.kinds import Kind
from tasks_app.models import TaskLog
from tasks_app.runner import Outcome, Progress

CANARY = "kanarienvogel"


class Written:
    """What a handler of ours writes, and the lines of it."""

    def __init__(self, form: str) -> None:
        made = logs.configuration(form, "INFO")
        self.stream = StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter({"text": logs.Text, "json": logs.Json}[made["handlers"]["console"]["formatter"]]())
        self.handler.addFilter(logs.Context())

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture(params=["text", "json"])
def either(request: pytest.FixtureRequest) -> Iterator[Written]:
    yield from written(request.param)


@pytest.fixture
def as_json() -> Iterator[Written]:
    yield from written("json")


def written(form: str) -> Iterator[Written]:
    made, root = Written(form), logging.getLogger()
    level = root.level
    root.addHandler(made.handler)
    root.setLevel(logging.INFO)
    yield made
    root.removeHandler(made.handler)
    root.setLevel(level)


def test_a_line_is_one_object(as_json: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_request_id", ContextVar("none", default=""))
    logging.getLogger("some.where").warning("two\nlines of %s", "text", extra={"request": CANARY, "status_code": 404})
    [record] = as_json.records
    assert record.pop("timestamp").endswith("+00:00")
    assert record.pop("process") > 0
    assert record == {"level": "WARNING", "logger": "some.where", "message": "two\nlines of text", "status_code": 404}


def test_the_request_is_named_in_the_answer_and_in_what_is_logged_meanwhile(client: Client, as_json: Written) -> None:
    given = "0197a3c4-aaaa_b.c"
    answer = client.get("/nowhere", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] == given
    assert [record["request_id"] for record in as_json.records] == [given]
    other = client.get("/nowhere").headers["X-Request-ID"]
    assert as_json.records[-1]["request_id"] == other != given


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "ü", "a\x00", "-a", "a\r\nSet-Cookie: x", "{}"])
def test_an_id_that_is_none_is_replaced(client: Client, given: str) -> None:
    made = client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert made != given
    assert logs.REQUEST_ID.fullmatch(made)
    assert client.get("/healthz").headers["X-Request-ID"] != made


@pytest.mark.django_db(transaction=True)
def test_a_task_is_named_in_all_that_its_attempt_logs(as_json: Written) -> None:
    task = transitions.enqueue(Project.objects.create(name="Home"), Kind.INGEST_EPISODE)

    def pipeline(progress: Progress) -> Outcome:
        logging.getLogger("deep.inside").info("work")
        raise ZeroDivisionError(CANARY)

    runner.run(task.pk, pipeline, "worker")
    named = [record for record in as_json.records if record.get("task_id") == str(task.pk)]
    assert [record["message"].split(" after ")[0] for record in named] == [
        "Attempt begins", "work", f"Task {task.pk} (ingest_episode) failed in attempt 1", "Attempt ends",
    ]  # fmt: skip
    assert {(record["task_kind"], record["attempt"]) for record in named} == {("ingest_episode", 1)}
    failure = named[2]["exc_info"]
    assert "in pipeline" in failure
    assert failure.endswith("ZeroDivisionError")
    assert CANARY not in as_json.text
    assert CANARY in TaskLog.objects.get(pk=task.pk).traceback


@pytest.mark.django_db(transaction=True)
def test_the_heartbeat_of_a_task_names_it(as_json: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    task = transitions.enqueue(Project.objects.create(name="Home"), Kind.INGEST_EPISODE)
    failed = threading.Event()

    def broken(_: object) -> bool:
        failed.set()
        raise RuntimeError(CANARY)

    def pipeline(progress: Progress) -> Outcome:
        assert failed.wait(5)
        return Outcome({}, "Done")

    monkeypatch.setattr(runner, "CANCEL_SECONDS", 0.01)
    monkeypatch.setattr(transitions, "cancel_requested", broken)
    runner.run(task.pk, pipeline, "worker")
    told = [record for record in as_json.records if "Heartbeat" in record["message"]]
    assert told
    assert {record.get("task_id") for record in told} == {str(task.pk)}
    assert CANARY not in as_json.text


def test_a_chain_of_exceptions_is_told_by_places(either: Written) -> None:
    with logs.task("0197", "ingest_episode", 1):
        try:
            try:
                int(CANARY)
            except ValueError as error:
                raise KeyError(CANARY) from error
        except KeyError:
            logging.getLogger("here").exception("it failed")
    assert CANARY not in either.text
    assert "KeyError" in either.text
    assert "ValueError" in either.text
    assert either.text.count("test_a_chain_of_exceptions") == 2


def test_what_postgresql_quotes_is_left_out(either: Written) -> None:
    quoted = f"null value in column\nDETAIL:  Failing row contains (1, {CANARY}\nmore {CANARY}).\n"
    log = logging.getLogger("here")
    log.warning("The database: %s", IntegrityError(quoted))
    try:
        try:
            raise DataError(quoted)
        except DataError as error:
            raise IntegrityError(quoted) from error
    except IntegrityError:
        log.exception("it failed")
    assert CANARY not in either.text
    assert "null value in column" in either.text
    assert either.text.count("left out") == 3
    assert "test_what_postgresql_quotes" in either.text


def test_statements_are_not_logged_whatever_the_level() -> None:
    assert logs.configuration("text", "DEBUG")["loggers"]["django.db.backends"] == {"level": "WARNING"}


def test_text_lines_tell_the_same(client: Client) -> None:
    for made in written("text"):
        client.get("/nowhere", headers={"X-Request-ID": "abc"})
        assert made.text.endswith("WARNING django.request Not Found: /nowhere [request_id=abc]\n")


def test_the_product_logs_so(settings: Any) -> None:
    assert settings.LOGGING["handlers"]["console"]["formatter"] == "text"
    assert connection.vendor  # settings are those of the tests, made from the product's
