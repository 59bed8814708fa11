"""Importing files: the form, what became of an import, and its rejected lines as a table to take away."""

from __future__ import annotations

import csv
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_http_methods

from memories import feeds, queries, services
from memories.api import bulk
from memories.importing import opml, sources
from memories.importing.refusals import AlreadyRunning, ImportRefused
from memories.importing.staging import Upload
from memories.models import Import
from memories.views.base import Place, Role, draw, member, paginate, project_page
from tasks_app.models import TaskLog
from tasks_app.services import StateConflict

NEWEST = 10
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@require_http_methods(["GET", "POST"])
@project_page(see=Role.EDITOR)
def import_new(request: HttpRequest, place: Place) -> HttpResponse:
    """The form, and the newest imports. A post with files leads to the page of the new import."""
    if request.method != "POST":
        return _form(request, place)
    try:
        return _received(request, place, request.FILES.getlist("file"))
    except AlreadyRunning as error:
        return _form(request, place, problem=str(error), running=error.running, status=409)
    except StateConflict as error:
        return _form(request, place, problem=str(error), status=429)
    except bulk.NothingGood as error:
        told = [(bulk.place(one), one.error) for one in error.told[: bulk.SHOWN]]
        return _form(request, place, problem=f"{error} Nothing was saved.", told=told, status=400)
    except ImportRefused as error:
        return _form(request, place, problem=str(error), status=413 if error.too_large else 400)


def _form(request: HttpRequest, place: Place, status: int = 200, **context: object) -> HttpResponse:
    limits = {"max_bytes": settings.MAX_UPLOAD_BYTES, "max_files": settings.DATA_UPLOAD_MAX_NUMBER_FILES}
    newest = queries.imports(place.project)[:NEWEST]
    return draw(request, place, "memories/import_new.html", "import", status=status, newest=newest, **limits, **context)


def _received(request: HttpRequest, place: Place, files: list[Any]) -> HttpResponse:
    """The page of the new import, or the feeds where a list of them (OPML) came alone. Raises as `_receive`."""
    if len(files) == 1 and opml.is_list(files[0]):
        counts = feeds.follow_list(member(request), place.project, opml.subscriptions(files[0]))
        messages.success(request, str(counts))
        return redirect("feeds", place.project.pk)
    return redirect("import", place.project.pk, _receive(request, place, files).pk)


def _receive(request: HttpRequest, place: Place, files: list[Any]) -> Import:
    """The accepted import; ImportRefused or AlreadyRunning, and then nothing was kept."""
    if not files:
        raise ImportRefused("No file came along; choose one or more, or drop them here.")
    named = [(file.name or "file", file) for file in files]
    name = sources.shown(named[0][0]) if len(named) == 1 else f"{len(named)} files"
    digest = bulk.digest_of(files)
    if running := queries.running_import(place.project, digest):
        raise AlreadyRunning(running)
    with Upload(place.project, member(request).pk, name=name, digest=digest) as upload:
        bulk.fill(upload, sources.read_all(named))
        services.start_import(upload, alone=True)
    return upload.row


@require_GET
@project_page()
def import_detail(request: HttpRequest, place: Place, import_id: UUID) -> HttpResponse:
    """How far it is, and every line that could not be taken."""
    row = _get(place, import_id)
    return draw(
        request,
        place,
        "memories/import_detail.html",
        "import",
        upload=row,
        task=_newest(row),
        page=paginate(request, row.rejected_lines.all()),
    )


@require_GET
@project_page()
def rejected_csv(request: HttpRequest, place: Place, import_id: UUID) -> HttpResponse:
    """The rejected lines for a spreadsheet: file, line, reason."""
    row = _get(place, import_id)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="rejected-{row.pk}.csv"'
    table = csv.writer(response)
    table.writerow(["file", "line", "reason"])
    for one in row.rejected_lines.iterator():
        table.writerow([_cell(one.file), one.line or "", _cell(one.error)])
    return response


def _cell(text: str) -> str:
    """A name that a spreadsheet would take for a formula is told to be text."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _get(place: Place, import_id: UUID) -> Import:
    return get_object_or_404(queries.imports(place.project), pk=import_id)


def _newest(row: Import) -> TaskLog | None:
    """The import's task, or the retry of it that waits."""
    task = row.task
    while task and (retry := task.retried_by.defer("payload").order_by("-id").first()):
        task = retry
    return task
