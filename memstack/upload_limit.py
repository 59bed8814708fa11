"""Turns away uploads that are too large before Django writes them to disk."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]
ONE_FILE = "/files"  # how the paths end that take one file
SLACK = 1024 * 1024  # a form's other fields and the lines between its parts


class TooLarge(Exception):
    """The request has more bytes than an upload may."""


class UploadLimit:
    """Answers 413 to a request whose Content-Length is over the limit, or that goes on beyond it without one.

    The rest of such a body is left to the server, which drops it, so that the client comes to read the answer.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        limit = most(scope) + SLACK
        if scope["type"] == "http" and _announced(scope) > limit:
            await _refuse(scope, send)
            return
        try:
            await self._application(scope, _counted(receive, limit), send)
        except TooLarge:
            await _refuse(scope, send)


def most(scope: Any) -> int:
    """How many bytes a request to this path may have: one file, which may be a recording, or an import."""
    path = scope.get("path", "").rstrip("/")
    return settings.MAX_FILE_BYTES if path.endswith(ONE_FILE) else settings.MAX_UPLOAD_BYTES


def _announced(scope: Any) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


def _counted(receive: Receive, limit: int) -> Receive:
    """`receive` that raises TooLarge; Django reads all of a body before it begins to answer."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise TooLarge
        return message

    return counted


async def _refuse(scope: Any, send: Send) -> None:
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    what = (
        "A file may have {:,} MB"
        if scope["path"].rstrip("/").endswith(ONE_FILE)
        else "An upload may have {:,} MB; import it in parts"
    )
    sentence = f"{what.format(most(scope) // 2**20)}. Nothing was saved."
    if scope["path"].startswith("/api/"):
        kind = "application/problem+json"
        problem = {"type": "urn:memstack:problem:too-large", "title": status.phrase, "status": status}
        body = json.dumps({**problem, "detail": sentence})
    else:
        kind, body = "text/html; charset=utf-8", render_to_string("413.html", {"sentence": sentence})
    data = body.encode()
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})
