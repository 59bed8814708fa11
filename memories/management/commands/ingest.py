"""`manage.py ingest <path|url|->`: saves a text, a conversation, an article, a document or a recording, or imports many
memories, and follows the task."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from memories import saving, services, uploads
from memories.engine.types import Message
from memories.files import NoRoom
from memories.importing import bookmarks, texts
from memories.importing.refusals import ImportRefused, Unreadable
from memories.management.importing import follow_feeds, import_file, import_path
from memories.management.projects import find_project, follow, owner_of
from memories.models import Project
from memories.validation import NewMemory, check_content
from tasks_app.services import StateConflict, TooManyPending

MANY = {".jsonl": "jsonl", ".ndjson": "jsonl", ".zip": "zip", ".csv": "csv", ".opml": "opml"}
DOCUMENTS = {".pdf", ".docx", ".doc", ".html", ".htm", ".wav", ".mp3", ".m4a", ".mp4", ".ogg", ".oga", ".flac"}
FORMATS = ("text", "conversation", "jsonl", "json", "zip", "csv", "html", "opml", "file")


class Command(BaseCommand):
    help = (
        "Saves a text file (or - for standard input), an address, a document (PDF, Word, HTML) or a recording as a "
        "memory. A .json list of {speaker, content} is one conversation. A folder, a .zip, a .jsonl, a .json list of "
        "memories, or bookmarks (.html, .csv, .json of Karakeep) are imported as many; the feeds of a .opml are "
        "followed. Exit code 1: nothing was done, or it failed; 3: some memories were left out or failed; 130: "
        "interrupted, the task goes on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", help="a file, a folder, an http(s) address, or - for standard input")
        parser.add_argument("--project", required=True, help="the project's id, or its name")
        parser.add_argument("--format", choices=FORMATS, default="", help="by default what the file's name says")
        parser.add_argument("--title", default="", help="of a single memory; by default the file's name")
        parser.add_argument(
            "--tag", action="append", default=[], help="of a single memory; may be given more than once"
        )
        parser.add_argument("--no-wait", action="store_true", help="print the task's id and return")

    def handle(self, *args: Any, **options: Any) -> None:
        project, path = find_project(options["project"]), options["path"]
        given = options["format"] or format_of(path)
        if given in ("url", "file"):
            self._save_document(project, given, options)
        elif given in ("text", "conversation"):
            self._save_one(project, given == "conversation", options)
        elif given == "opml":
            follow_feeds(self, project, path)
        elif options["title"] or options["tag"]:
            raise CommandError("--title and --tag are for a single memory; in an import each memory has its own.")
        elif path == "-":
            self._import_input(project, f"standard input.{given}", wait=not options["no_wait"])
        else:
            import_path(self, project, Path(path), ending=options["format"], wait=not options["no_wait"])

    def _import_input(self, project: Project, name: str, *, wait: bool) -> None:
        with texts.temporary() as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.seek(0)
            import_file(self, project, name, copy, wait=wait)

    def _save_document(self, project: Project, given: str, options: dict[str, Any]) -> None:
        """An address, or a copy of a file: it goes into the store, and the person's own stays where it is."""
        if options["title"]:
            raise CommandError("--title is for texts; an article or a file has its own, which you can change later.")
        user, path = owner_of(project).pk, options["path"]
        try:
            if given == "url":
                saved = saving.save_article(user, project, path, options["tag"])
            else:
                name = "standard input" if path == "-" else Path(path).name
                with _opened(path) as file, uploads.copy_of(file) as copy:
                    saved = saving.save_file(user, project, copy, name, options["tag"])
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except OSError as error:
            raise CommandError(f"{path} can't be read: {error.strerror}.") from None
        except (StateConflict, NoRoom) as error:
            raise CommandError(str(error)) from None
        if not saved.is_new:
            self.stderr.write("The project has it already.")
        if saved.memory.task is not None:
            follow(self, saved.memory.task, wait=not options["no_wait"])

    def _save_one(self, project: Project, conversation: bool, options: dict[str, Any]) -> None:
        text = read_text(options["path"])
        title = options["title"] or (Path(options["path"]).name if options["path"] != "-" else "")
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


def _opened(path: str) -> AbstractContextManager[IO[bytes]]:
    return nullcontext(sys.stdin.buffer) if path == "-" else Path(path).open("rb")


def format_of(path: str) -> str:
    """One of FORMATS, "url" or "folder", by the name; a .json file by how its list begins."""
    if path.lower().startswith(("https://", "http://")):
        return "url"
    suffix = Path(path).suffix.lower()
    if path != "-" and Path(path).is_dir():
        return "folder"
    if suffix in MANY:
        return MANY[suffix]
    if suffix in DOCUMENTS:
        return "html" if suffix in {".html", ".htm"} and _is_list(path) else "file"
    if suffix == ".json":
        return "conversation" if _begins_with_a_message(path) else "json"
    return "text"


def _is_list(path: str) -> bool:
    """Whether it is a list of bookmarks, not a page."""
    try:
        with Path(path).open("rb") as file:
            return bool(bookmarks.HTML_LIST.search(file.read(4096)))
    except OSError:
        return False


def _begins_with_a_message(path: str) -> bool:
    """Whether it is a list whose first entry has a speaker, so one conversation and not many memories."""
    try:
        with Path(path).open("rb") as file, texts.as_utf8(file) as readable:
            first = next(texts.Values(readable).array(), None)
    except (OSError, Unreadable, ImportRefused):
        return False
    return isinstance(first, dict) and "speaker" in first


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
