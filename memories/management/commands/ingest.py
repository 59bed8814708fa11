"""`manage.py ingest <path|->`: saves a text, or a conversation as JSON, and follows its ingestion."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from memories import services
from memories.engine.types import Message
from memories.management.projects import find_project, follow, owner_of
from memories.validation import NewMemory, check_content
from tasks_app.services import TooManyPending


class Command(BaseCommand):
    help = "Saves a text file (or - for standard input) as a memory. A .json file holds a list of messages."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "path", help="a text file, a .json list of {speaker, content, at?}, or - for standard input"
        )
        parser.add_argument("--project", required=True, help="the project's id, or its name")
        parser.add_argument("--title", default="", help="by default the file's name")
        parser.add_argument("--tag", action="append", default=[], help="may be given more than once")
        parser.add_argument("--no-wait", action="store_true", help="print the task's id and return")

    def handle(self, *args: Any, **options: Any) -> None:
        project = find_project(options["project"])
        text = read_text(options["path"])
        title = options["title"] or (Path(options["path"]).name if options["path"] != "-" else "")
        conversation = options["path"].endswith(".json")
        try:
            new = NewMemory(
                content="" if conversation else check_content(text),
                messages=read_messages(text) if conversation else (),
                content_type="conversation" if conversation else "text",
                title=title,
                tags=options["tag"],
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        try:
            memory = services.create_memory(owner_of(project), project, new)
        except TooManyPending as full:
            raise CommandError(str(full)) from None
        assert memory.task is not None  # noqa: S101 - create_memory has just enqueued it
        follow(self, memory.task, wait=not options["no_wait"])


def read_text(path: str) -> str:
    """The file's text, or what comes on standard input; CommandError where it can't be read as UTF-8."""
    try:
        raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8 (byte {error.start}); convert it and try again.") from None


def read_messages(text: str) -> tuple[Message, ...]:
    """Messages of a JSON list; CommandError says which entry is wrong."""
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise CommandError(f"The file is not JSON: {error}.") from None
    if not isinstance(rows, list) or not rows:
        raise CommandError("The file must hold a list of messages: [{speaker, content, at?}, …].")
    return tuple(_message(number, row) for number, row in enumerate(rows, 1))


def _message(number: int, row: Any) -> Message:
    if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in ("speaker", "content")):
        raise CommandError(f"Message {number} must have a speaker and a content, both text.")
    return Message(speaker=row["speaker"], content=check_content(row["content"]), at=_moment(number, row.get("at")))


def _moment(number: int, value: Any) -> datetime | None:
    if value is None:
        return None
    moment = parse_datetime(value) if isinstance(value, str) else None
    if moment is None:
        raise CommandError(f"Message {number}: {value!r} is not a time like 2024-05-07T10:00:00Z.")
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
