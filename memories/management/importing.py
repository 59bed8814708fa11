"""An import from the command line: a folder, an archive, a file of memories; watched in the terminal to its end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import IO
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from memories import feeds, services
from memories.api import bulk
from memories.importing import opml, sources
from memories.importing.refusals import ImportRefused
from memories.importing.sources import Found
from memories.importing.staging import Upload
from memories.management.projects import owner_of
from memories.models import Project
from tasks_app.models import Status, TaskLog
from tasks_app.services import StateConflict

POLL_SECONDS = 0.2
LINE_SECONDS = 2.0
TOLD = 20
SOME_LEFT_OUT = 3


def import_path(command: BaseCommand, project: Project, path: Path, *, ending: str = "", wait: bool) -> None:
    """Imports a folder, or a file as if its name had this ending; CommandError with exit code 1 when nothing was
    imported, 3 when some memories were left out."""
    if path.is_dir():
        return _import(command, project, path.name, sources.read_folder(path), wait=wait)
    try:
        with path.open("rb") as file:
            return import_file(command, project, f"{path.name}.{ending}" if ending else path.name, file, wait=wait)
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}.") from None


def import_file(command: BaseCommand, project: Project, name: str, file: IO[bytes], *, wait: bool) -> None:
    """The same for an open file, which can be rewound."""
    _import(command, project, name, sources.read_all([(name, file)]), wait=wait)


def follow_feeds(command: BaseCommand, project: Project, path: str) -> None:
    """Follows the feeds of a list (OPML; - is standard input). CommandError, exit code 3 when some were left out."""
    try:
        with nullcontext(sys.stdin.buffer) if path == "-" else Path(path).open("rb") as file:
            counts = feeds.follow_list(owner_of(project), project, opml.subscriptions(file))
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}.") from None
    except ImportRefused as refused:
        raise CommandError(str(refused)) from None
    for line, reason in counts.refused[:TOLD]:
        command.stderr.write(f"  line {line:,}: {reason}")
    command.stdout.write(str(counts))
    if counts.refused:
        raise CommandError("The rest was not taken; see above.", returncode=SOME_LEFT_OUT)


def _import(command: BaseCommand, project: Project, name: str, found: Iterable[Found], *, wait: bool) -> None:
    try:
        with Upload(project, owner_of(project).pk, name=sources.shown(name)) as upload:
            bulk.fill(upload, found)
            task = services.start_import(upload)
    except bulk.NothingGood as error:
        lines = [f"{bulk.place(one)}: {one.error}".removeprefix(": ") for one in error.told[:TOLD]]
        raise CommandError("\n".join([str(error), *lines])) from None
    except (ImportRefused, StateConflict) as error:
        raise CommandError(str(error)) from None
    _report(command, upload)
    if not wait:
        command.stdout.write(str(task.pk))
        return
    _finish(_follow(task.pk, _writer(command)), upload)


def _report(command: BaseCommand, upload: Upload) -> None:
    """Standard error tells what was left out; standard output is for the task."""
    command.stderr.write(f"{upload.accepted:,} memories accepted, {upload.rejected:,} not taken.")
    for one in upload.told[:TOLD]:
        command.stderr.write(f"  {bulk.place(one) or 'the file'}: {one.error}")
    if upload.rejected > TOLD:
        command.stderr.write(f"  … and {upload.rejected - TOLD:,} more; the import's page shows all.")


def _follow(task_id: UUID, write: Callable[[str], None]) -> TaskLog:
    """Writes how far the import is whenever that changes, until it ends; returns the row then."""
    seen = ""
    try:
        while True:
            task = TaskLog.objects.defer("payload").get(pk=task_id)
            if (line := _line(task)) != seen:
                write(seen := line)
            if task.is_terminal:
                return task
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        raise CommandError(f"Stopped watching; the import goes on as task {task_id}.", returncode=130) from None


def _line(task: TaskLog) -> str:
    counter = f"  {task.done or 0:,} of {task.total:,}" if task.total else ""
    return f"{task.progress:>3} %  {task.status:<10}{counter}"


def _writer(command: BaseCommand) -> Callable[[str], None]:
    """A terminal has one line that moves; a file or pipe gets a line now and then, and the last one."""
    if sys.stdout.isatty():
        return lambda line: command.stdout.write(f"\r{line}\x1b[K", ending="" if " processing" in line else "\n")
    told = 0.0

    def now_and_then(line: str) -> None:
        nonlocal told
        if " processing" not in line or time.monotonic() - told >= LINE_SECONDS:
            told = time.monotonic()
            command.stdout.write(line)

    return now_and_then


def _finish(task: TaskLog, upload: Upload) -> None:
    if task.status != Status.COMPLETED:
        raise CommandError(task.error or f"The import was {task.status}.")
    failed = (task.result or {}).get("failed", 0)
    if failed:
        raise CommandError(f"{failed:,} memories failed; retry the task {task.pk}.", returncode=SOME_LEFT_OUT)
    if upload.rejected:
        raise CommandError("The rest was not taken; see above.", returncode=SOME_LEFT_OUT)
