"""Logs: lines for people, JSON for machines; each tells which request or task it belongs to, and no memory's words."""

from __future__ import annotations

import logging
import re
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import uuid4

from pythonjsonlogger.json import JsonFormatter

HEADER = "X-Request-ID"
REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
TASK_FIELDS = ("task_id", "task_kind", "attempt")
FIELDS = ("request_id", *TASK_FIELDS)
KEPT = {"timestamp", "level", "logger", "message", "process", "status_code", "exc_info", "stack_info", *FIELDS}
QUIET = ("axes", "celery", "kombu", "httpx", "httpx2", "httpcore2", "openai", "django.db.backends")
# PostgreSQL quotes the row or the value that it complains about
QUOTED = re.compile(
    r"^(DETAIL|CONTEXT):.*?(?=\n\nThe above exception|\n\nDuring handling|\Z)", re.MULTILINE | re.DOTALL
)

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_task: ContextVar[dict[str, Any] | None] = ContextVar("task", default=None)
logger = logging.getLogger(__name__)


def configuration(form: str, level: str) -> dict[str, Any]:
    """Django's LOGGING; `form` is "text" or "json"."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"context": {"()": "memstack.logs.Context"}},
        "formatters": {"text": {"()": "memstack.logs.Text"}, "json": {"()": "memstack.logs.Json"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": form, "filters": ["context"]}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {name: {"level": "WARNING"} for name in QUIET},
    }


class Context(logging.Filter):
    """Puts the request and the task at hand on each record."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _request_id.get():
            record.request_id = _request_id.get()
        for name, value in (_task.get() or {}).items():
            setattr(record, name, value)
        return True


class _Discreet(logging.Formatter):
    """An exception may quote what it stumbled over. A task's row keeps it for the operator, the log gives the place."""

    def formatException(self, ei: Any) -> str:
        if _task.get() and ei[1]:
            return "\n\n".join(places(ei[1]))
        return without_quotes(super().formatException(ei))


def places(error: BaseException | None) -> Iterator[str]:
    """Type and stack of an exception and of those that led to it, the latest first."""
    while error is not None:
        yield "".join(["Traceback:\n", *traceback.format_tb(error.__traceback__), type(error).__qualname__])
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def without_quotes(text: str) -> str:
    return QUOTED.sub(r"\1: left out", text)


class Text(_Discreet):
    """`time level logger message [request_id=… task_id=…]`"""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name} {message}", style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:
        known = [f"{name}={getattr(record, name)}" for name in FIELDS if hasattr(record, name)]
        line = without_quotes(super().formatMessage(record))
        return f"{line} [{' '.join(known)}]" if known else line


class Json(_Discreet, JsonFormatter):
    """One JSON object a line: `timestamp` (UTC), `level`, `logger`, `message`, `process`, and what else is known.

    Other extras stay out: Django's request, for one, has the words of a search in its address.
    """

    def __init__(self) -> None:
        names = {"levelname": "level", "name": "logger"}
        super().__init__("{levelname}{name}{message}{process}", style="{", rename_fields=names, timestamp=True)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in log_data.items() if name in KEPT}
        return {**kept, "message": without_quotes(kept["message"])}


def begin_request(given: str | None) -> str:
    """The id of the request at hand: the caller's own when it is one, else a new one.

    It stays until the next one: Django logs a refusal after the last middleware, and servers give each request a
    context of its own.
    """
    own = given if given and REQUEST_ID.fullmatch(given) else uuid4().hex
    _request_id.set(own)
    return own


def request_id() -> str:
    return _request_id.get()


@contextmanager
def task(task_id: object, kind: str, attempt: int) -> Iterator[None]:
    """Names the attempt on every record, and tells of its begin and end."""
    token = _task.set({"task_id": str(task_id), "task_kind": kind, "attempt": attempt})
    began = time.monotonic()
    logger.info("Attempt begins")
    try:
        yield
    finally:
        logger.info("Attempt ends after %.3f s", time.monotonic() - began)
        _task.reset(token)
