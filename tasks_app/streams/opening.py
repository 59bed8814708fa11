"""From a request to an open stream, or to the answer that refuses it. Runs in a database thread."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from tasks_app.channels import project_of
from tasks_app.events import project_channel, task_channel
from tasks_app.streams import callers, table
from tasks_app.streams.frames import UNKNOWN_TASK, MalformedId, parse_positions, parse_uuid, retry_field
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
    """`scope` is "tasks", "projects" or "" for all projects; `identifier` is as it stands in the path.

    `projects` limits the stream of all projects to some of them.
    """

    scope: str
    identifier: str
    headers: Mapping[str, str]
    last_id: str
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


def open_stream(request: Request) -> Viewer | Answer:
    """The viewer of a stream that the caller may read, or why there is none."""
    try:
        given = parse_positions(request.last_id) if request.last_id else {}
    except MalformedId:
        return bad_last_id()
    caller = callers.identify(request.headers)
    if caller is None:
        return problem(
            HTTPStatus.UNAUTHORIZED,
            "Send an API key in the Authorization header (Bearer ms_sk_...), or log in.",
            WWW_Authenticate="Bearer",
        )
    if request.scope == "tasks":
        return _open_task(caller, request.identifier, given)
    if request.scope == "projects":
        return _open_project(caller, request.identifier, given)
    return _open_all(caller, given, request.projects)


def _open_task(caller: callers.Caller, identifier: str, given: dict[str, int]) -> Viewer | Answer:
    task = parse_uuid(identifier)
    channel = task_channel(task) if task else ""
    project = project_of(caller.user_id, channel)
    if project is None:
        return Answer(HTTPStatus.OK, EVENT_STREAM, UNKNOWN_TASK)
    if given.keys() - {channel}:
        return bad_last_id()
    last = given.get(channel)
    if last is not None and last == table.ended_at(channel):
        return Answer(HTTPStatus.NO_CONTENT, {"Cache-Control": "no-cache"})
    return TaskViewer(caller, {channel: last}, project)


def _open_project(caller: callers.Caller, identifier: str, given: dict[str, int]) -> Viewer | Answer:
    project = parse_uuid(identifier)
    channel = project_channel(project) if project else ""
    if project_of(caller.user_id, channel) is None:
        return problem(HTTPStatus.NOT_FOUND, "There is no such project.")
    if given.keys() - {channel}:
        return bad_last_id()
    return Viewer(caller, {channel: given.get(channel)}, project)


def _open_all(caller: callers.Caller, given: dict[str, int], projects: tuple[str, ...]) -> Viewer | Answer:
    if any(not channel.startswith("project-") for channel in given):
        return bad_last_id()
    only = frozenset(filter(None, map(parse_uuid, projects))) if projects else None
    found = callers.projects_of(caller) if only is None else callers.projects_of(caller) & only
    if only is not None and not found:
        return problem(HTTPStatus.NOT_FOUND, "There is no such project.")
    unknown = table.NEW if given else None
    positions = {channel: given.get(channel, unknown) for channel in map(project_channel, found)}
    return AllProjectsViewer(caller, positions, only=only)
