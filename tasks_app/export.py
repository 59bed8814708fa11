"""Tasks as CSV, row by row: a spreadsheet may open it, so no cell is left that one would take for a formula."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from tasks_app.models import TaskLog
from tasks_app.queries import in_full

BATCH = 500
COLUMNS = (
    "id", "project", "kind", "status", "progress", "stage", "message", "error", "attempt", "retries", "deaths",
    "memory", "memory_title", "parent", "retry_of", "worker", "created_at", "started_at", "finished_at",
    "duration_seconds", "cpu_seconds", "peak_memory_mb", "llm_tokens",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class _Line:
    """A file of one line for csv.writer."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def take(self) -> str:
        text, self.text = self.text, ""
        return text


def csv_response(request: HttpRequest, rows: QuerySet[TaskLog], name: str) -> StreamingHttpResponse:
    """The rows, newest first, as a download that begins at once and holds BATCH rows in memory."""
    chunks: Any = _asynchronous(rows) if isinstance(request, ASGIRequest) else chunks_of(rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(chunks, content_type="text/csv; charset=utf-8", headers=headers)


def chunks_of(rows: QuerySet[TaskLog]) -> Iterator[str]:
    """The header, then the lines of BATCH rows at a time."""
    line = _Line()
    writer = csv.writer(line)
    writer.writerow(COLUMNS)
    yield line.take()
    before: UUID | None = None
    while batch := _batch(rows, before):
        writer.writerows([plain(value) for value in _cells(task)] for task in batch)
        yield line.take()
        before = batch[-1].pk


async def _asynchronous(rows: QuerySet[TaskLog]) -> AsyncIterator[str]:
    """The same for the ASGI server, which would gather an ordinary iterator whole before it sends any of it."""
    chunks = chunks_of(rows)
    while chunk := await sync_to_async(lambda: next(chunks, ""))():
        yield chunk


def _batch(rows: QuerySet[TaskLog], before: UUID | None) -> list[TaskLog]:
    older = rows if before is None else rows.filter(pk__lt=before)
    return in_full(older.order_by("-id").values_list("pk", flat=True)[:BATCH])


def plain(value: object) -> str:
    """The text of a cell; what begins like a formula gets an apostrophe before it."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _cells(task: TaskLog) -> Iterator[object]:
    own: dict[str, object] = {
        "project": task.project_id,
        "memory": task.memory_id,
        "memory_title": task.memory.title if task.memory else None,
        "parent": task.parent_id,
        "retry_of": task.retry_of_id,
    }
    for name in COLUMNS:
        value = own[name] if name in own else getattr(task, name)
        yield value.isoformat() if isinstance(value, datetime) else value
