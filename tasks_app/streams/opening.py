"""From a request to an open stream, or to the answer that refuses it. Runs in a database thread."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from tasks_app.channels import readable
from tasks_app.events import project_channel, task_channel
from tasks_app.streams import callers, table
from tasks_app.streams.callers import Caller, Rights
from tasks_app.streams.frames import UNKNOWN_TASK, parse_uuid, retry_field
from tasks_app.streams.viewer import AllProjectsViewer, TaskViewer, Viewer

Headers = dict[str, str]
EVENT_STREAM: Headers = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Headers
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Request:
    """`scope` is "tasks", "projects" or "" for all projects; `positions` is what the Last-Event-ID says.

    `projects` limits the stream of all projects to some of them.
    """

    scope: str
    channel: str
    headers: Mapping[str, str]
    positions: Mapping[str, int]
    projects: tuple[str, ...] = ()


def problem(status: HTTPStatus, detail: str, **headers: str) -> Answer:
    """A refusal as RFC 9457 has it."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"Content-Type": "application/problem+json", **named}, json.dumps(body).encode())


def busy() -> Answer:
    later = str(random.randint(3, 10))  # noqa: S311 - no secret
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "Too many streams are open. Close some, or come back later.", Retry_After=later
    )


def come_back() -> Answer:
    """An empty stream. EventSource comes back after it; any status but 200 would end it for good."""
    return Answer(HTTPStatus.OK, EVENT_STREAM, retry_field())


def bad_last_id() -> Answer:
    text = b"The Last-Event-ID is not one of this stream's.\n"
    return Answer(HTTPStatus.BAD_REQUEST, {"Content-Type": "text/plain; charset=utf-8"}, text)


def channel_of(scope: str, identifier: str) -> str:
    """The channel that a path names, "" where it names none."""
    name = {"tasks": task_channel, "projects": project_channel}.get(scope)
    parsed = parse_uuid(identifier)
    return name(parsed) if name and parsed else ""


def open_streams(requests: list[Request]) -> list[Viewer | Answer]:
    """The viewer of each stream that its caller may read, or why there is none: a few queries for all of them."""
    every = callers.identify(request.headers for request in requests)
    pairs = [(request, caller) for request, caller in zip(requests, every, strict=True)]
    known = Known(
        readable({(caller.user_id, request.channel) for request, caller in pairs if caller and request.channel}),
        table.ended_at({request.channel for request, caller in pairs if caller and request.positions}),
        callers.rights_of({caller for request, caller in pairs if caller and not request.scope}),
    )
    return [_open(request, caller, known) for request, caller in pairs]


@dataclass(frozen=True, slots=True)
class Known:
    """What the database says of those who open streams at the same time."""

    readable: Mapping[tuple[int, str], UUID]
    ended: Mapping[str, int]
    rights: Rights  # of those who open the stream of all projects


def _open(request: Request, caller: Caller | None, known: Known) -> Viewer | Answer:
    if caller is None:
        return problem(
            HTTPStatus.UNAUTHORIZED,
            "Send an API key in the Authorization header (Bearer ms_sk_...), or log in.",
            WWW_Authenticate="Bearer",
        )
    if not request.scope:
        return _open_all(caller, request, known.rights.projects_of(caller))
    project = known.readable.get((caller.user_id, request.channel))
    if project is None:
        return _unknown(request.scope)
    if request.positions.keys() - {request.channel}:
        return bad_last_id()
    last = request.positions.get(request.channel)
    if last is not None and last == known.ended.get(request.channel):
        return Answer(HTTPStatus.NO_CONTENT, {"Cache-Control": "no-cache"})
    kind = TaskViewer if request.scope == "tasks" else Viewer
    return kind(caller, {request.channel: last}, project)


def _unknown(scope: str) -> Answer:
    """The same for what is not there and for what is not the caller's."""
    if scope == "tasks":
        return Answer(HTTPStatus.OK, EVENT_STREAM, UNKNOWN_TASK)
    return problem(HTTPStatus.NOT_FOUND, "There is no such project.")


def _open_all(caller: Caller, request: Request, projects: set[UUID]) -> Viewer | Answer:
    given = request.positions
    if any(not channel.startswith("project-") for channel in given):
        return bad_last_id()
    only = frozenset(filter(None, map(parse_uuid, request.projects))) if request.projects else None
    found = projects if only is None else projects & only
    if only is not None and not found:
        return problem(HTTPStatus.NOT_FOUND, "There is no such project.")
    unknown = table.NEW if given else None
    positions = {channel: given.get(channel, unknown) for channel in map(project_channel, found)}
    return AllProjectsViewer(caller, positions, only=only)
