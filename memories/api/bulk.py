"""Reads what an import is given: JSON, or a file of JSON Lines or of one array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.request import Request

from memories.api.fields import Id
from memories.api.inputs import ImportFile, MemoryItem, new_memory
from memories.api.parsers import loads, read_limited
from memories.api.problems import body
from memories.validation import NewMemory

MAX_ITEMS = 100_000


class Rejected(serializers.Serializer[dict[str, Any]]):
    """A memory that was not taken: its line in the file, or its number in the list, from 1; and why."""

    line = serializers.IntegerField()
    error = serializers.CharField()


class _ImportJSON(serializers.Serializer[Any]):
    project = Id()


def read(request: Request) -> tuple[UUID, list[NewMemory], list[dict[str, Any]]]:
    """(project id, new memories, rejected lines); ValidationError when no memory is valid."""
    project, numbered = _file(request) if request.FILES or _is_form(request) else _json(request)
    one, items, rejected = MemoryItem(), list[NewMemory](), list[dict[str, Any]]()
    for line, item in numbered:
        try:
            if isinstance(item, ParseError):
                raise item
            items.append(new_memory(one.run_validation(item)))
        except (ParseError, ValidationError) as error:
            rejected.append({"line": line, "error": body(error)["detail"]})
    if not items:
        raise ValidationError(_nothing(rejected))
    return project, items, rejected


def _is_form(request: Request) -> bool:
    return (request.content_type or "").startswith("multipart/")


def _nothing(rejected: list[dict[str, Any]]) -> dict[str, Any]:
    if not rejected:
        return {"memories": ["There is no memory in it; send at least one."]}
    return {"memories": {str(row["line"]): [row["error"]] for row in rejected[:20]}}


def _json(request: Request) -> tuple[UUID, Iterable[tuple[int, Any]]]:
    checked = _ImportJSON(data=request.data)
    checked.is_valid(raise_exception=True)
    data: Any = request.data
    return checked.validated_data["project"], _numbered(data.get("memories"))


def _file(request: Request) -> tuple[UUID, Iterable[tuple[int, Any]]]:
    checked = ImportFile(data=request.data)
    checked.is_valid(raise_exception=True)
    try:
        text = read_limited(checked.validated_data["file"]).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValidationError({"file": ["The file is not UTF-8."]}) from None
    if text.lstrip().startswith("["):
        return checked.validated_data["project"], _numbered(_array(text))
    return checked.validated_data["project"], _lines(text)


def _array(text: str) -> Any:
    try:
        return loads(text)
    except ParseError as error:
        raise ValidationError({"file": [str(error.detail)]}) from None


def _numbered(items: Any) -> Iterable[tuple[int, Any]]:
    if not isinstance(items, list):
        raise ValidationError({"memories": ["Give a list of memories."]})
    if len(items) > MAX_ITEMS:
        raise ValidationError({"memories": [f"One import may have {MAX_ITEMS:,} memories; send it in parts."]})
    return enumerate(items, 1)


def _lines(text: str) -> Iterator[tuple[int, Any]]:
    """(line number, value) of each line that isn't blank; the value is a ParseError where it isn't JSON."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield number, loads(line)
        except ParseError as error:
            yield number, error
