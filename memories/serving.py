"""A memory's file over HTTP: whole or in part (RFC 9110, ranges), as a type that no browser takes for a page.

A strange file must not act in the name of this site: its type is what its bytes were found to be, what a browser could
run is only downloaded, and a sandbox without any rights is around the rest.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from typing import Any, BinaryIO

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header

from memories import files
from memories.models import SavedDocument

PIECE = 256 * 1024
PDF = "application/pdf"
TEXTS = ("text/plain", "text/markdown")
_PLAYED = re.compile(r"(audio|video)/[a-z0-9.+-]+")
_RANGE = re.compile(r"bytes=[ \t]*(\d{1,18})?-(\d{1,18})?[ \t]*", re.ASCII | re.IGNORECASE)
SANDBOX = "sandbox; default-src 'none'"


class Unsatisfiable(Exception):
    """The range begins behind the end."""


class FilePart(StreamingHttpResponse):
    """`length` bytes of a file from `start`, never more than a piece of them in memory.

    Under ASGI Django would make a list of a synchronous iterator's pieces; here each is read in a thread when the
    client has taken the one before, and the database's connection is not kept meanwhile.
    """

    def __init__(self, file: BinaryIO, start: int, length: int, **options: Any) -> None:
        super().__init__(_pieces(file, start, length), **options)
        self._file = file

    def close(self) -> None:
        self._file.close()
        super().close()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await sync_to_async(close_old_connections)()
        pieces = iter(self)
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield piece


def serve(request: HttpRequest, document: SavedDocument | None) -> HttpResponseBase:
    """Answers GET and HEAD for the document's file: 200, 206, 304, 412 or 416. Http404 when it has none."""
    try:
        file = files.open_file(document.file if document else "")
    except FileNotFoundError:
        raise Http404("This memory has no file.") from None
    assert document is not None  # noqa: S101 - for the type checker
    size, etag = file.seek(0, 2), f'"{document.sha256}"'
    response = get_conditional_response(request, etag=etag) or _answer(request, file, size, etag)
    if not isinstance(response, FilePart):
        file.close()
    for name, value in headers(document, etag).items():
        response.headers[name] = value
    return response


def _answer(request: HttpRequest, file: BinaryIO, size: int, etag: str) -> HttpResponseBase:
    if request.method == "HEAD":  # has no ranges
        return HttpResponse(headers={"Content-Length": str(size)})
    try:
        part = wanted(request, etag, size)
    except Unsatisfiable:
        status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        return HttpResponse(status=status, headers={"Content-Range": f"bytes */{size}"})
    if part is None:
        return FilePart(file, 0, size, headers={"Content-Length": str(size)})
    start, end = part
    length = {"Content-Length": str(end - start), "Content-Range": f"bytes {start}-{end - 1}/{size}"}
    return FilePart(file, start, end - start, status=HTTPStatus.PARTIAL_CONTENT, headers=length)


def wanted(request: HttpRequest, etag: str, size: int) -> tuple[int, int] | None:
    """The one range that is asked for, half open; None for the whole file, Unsatisfiable when it has no such bytes.

    What is malformed, of another unit, several ranges, or of another version by If-Range is answered with the whole.
    """
    match = _RANGE.fullmatch(request.headers.get("Range", ""))
    if match is None or request.headers.get("If-Range", etag) != etag:
        return None
    first, last = match.groups()
    if first is None:
        return _suffix(int(last), size) if last else None
    start, end = int(first), min(int(last) + 1 if last else size, size)
    if last and int(last) < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return start, end


def _suffix(length: int, size: int) -> tuple[int, int]:
    if length == 0 or size == 0:
        raise Unsatisfiable
    return max(0, size - length), size


def headers(document: SavedDocument, etag: str) -> dict[str, str]:
    media_type = content_type(document.media_type)
    shown = media_type == PDF or bool(_PLAYED.fullmatch(media_type))
    name = "".join(sign for sign in document.file_name if sign.isprintable() and sign not in "/\\") or "file"
    return {
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Content-Type": media_type,
        "Content-Disposition": content_disposition_header(not shown, name) or "attachment",
        "Content-Security-Policy": SANDBOX,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def content_type(media_type: str) -> str:
    """What the browser is told: recordings and PDF as they are, texts as plain ones, all else as mere bytes."""
    if media_type == PDF or _PLAYED.fullmatch(media_type):
        return media_type
    return "text/plain; charset=utf-8" if media_type in TEXTS else "application/octet-stream"


def _pieces(file: BinaryIO, start: int, length: int) -> Iterator[bytes]:
    file.seek(start)
    while length and (piece := file.read(min(PIECE, length))):
        length -= len(piece)
        yield piece
