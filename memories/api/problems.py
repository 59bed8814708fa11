"""Errors as RFC 9457 problem details: `{type, title, status, detail, errors?}`, `application/problem+json`.

`errors` maps the path of a field ("messages.3.speaker") to sentences.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from memories.files import NoRoom
from memories.services import Refused
from tasks_app.services import StateConflict, TooManyPending

logger = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"
TYPE = "urn:memstack:problem:"
MAX_ERRORS = 50


class Conflict(exceptions.APIException):
    """409: the state of things forbids it; the message says why."""

    status_code = HTTPStatus.CONFLICT
    default_detail = "Something else changed this at the same moment; send the request again."
    default_code = "conflict"


class TooLarge(exceptions.APIException):
    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_detail = "The request is too large; send it in parts."
    default_code = "too_large"


class Unavailable(exceptions.APIException):
    """503: the database does not answer; nothing was accepted."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_detail = "The database does not answer; nothing was saved. Send the request again in a moment."
    default_code = "unavailable"


class TooManyTasks(exceptions.APIException):
    """429: the project has as many tasks waiting as it may; nothing was accepted."""

    status_code = HTTPStatus.TOO_MANY_REQUESTS
    default_detail = "Too many tasks of this project wait; send it again when some have been done."
    default_code = "too_many_tasks"
    wait = 30  # seconds, for Retry-After


class UnknownProject(exceptions.NotFound):
    """404 that names the field: no such project, or not one of the user's."""

    default_detail = "There is no such project, or you are not a member of it."
    default_code = "unknown_project"


class DiskFull(exceptions.APIException):
    """507: the database's disk has no room; nothing was accepted."""

    status_code = HTTPStatus.INSUFFICIENT_STORAGE
    default_detail = "The server's disk is full; nothing was saved. The operator has to free some space."
    default_code = "disk_full"


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response:
    """DRF's hook: any exception of a view as a problem; what nobody expected is logged and becomes a plain 500."""
    error = _as_api_exception(exc)
    if error is None:
        logger.error("%s failed", context.get("view"), exc_info=exc)
        error = exceptions.APIException("Something went wrong on the server; the operator finds it in the log.")
    set_rollback()
    return response(error)


def response(error: exceptions.APIException) -> Response:
    """The problem of an exception, with its headers."""
    headers: dict[str, str] = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    if isinstance(error, Unavailable):
        headers["Retry-After"] = "2"
    return Response(body(error), status=error.status_code, headers=headers, content_type=CONTENT_TYPE)


def body(error: exceptions.APIException) -> dict[str, Any]:
    status = HTTPStatus(error.status_code)
    problem: dict[str, Any] = {"type": TYPE + _code(error), "title": status.phrase, "status": int(status)}
    if isinstance(error, exceptions.ValidationError):
        errors = dict(_flat("", error.detail))
        problem["detail"] = _summary(errors)
        problem["errors"] = dict(list(errors.items())[:MAX_ERRORS])
    else:
        problem["detail"] = str(error.detail)
    if isinstance(error, UnknownProject):
        problem["errors"] = {"project": [problem["detail"]]}
    return problem


@csrf_exempt
def unknown_path(request: HttpRequest) -> JsonResponse:
    """What answers the paths under /api/ that are not there, whatever the method."""
    error = exceptions.NotFound("The API has no such path; /api/docs/ shows those it has.")
    return JsonResponse(body(error), status=error.status_code, content_type=CONTENT_TYPE)


def _as_api_exception(exc: Exception) -> exceptions.APIException | None:
    if isinstance(exc, exceptions.APIException):
        return exc
    if isinstance(exc, DjangoValidationError):
        return exceptions.ValidationError(exc.message_dict if hasattr(exc, "error_dict") else exc.messages)
    message = str(exc)
    for kind, error in (
        (Http404, exceptions.NotFound("There is nothing here that you may see.")),
        (PermissionDenied, exceptions.PermissionDenied(message or None)),
        (TooManyPending, TooManyTasks(message)),
        ((StateConflict, Refused), Conflict(message)),
        (IntegrityError, Conflict()),
        (NoRoom, DiskFull(message)),
        ((OperationalError, InterfaceError), _of_the_database(message)),
        (RequestDataTooBig, TooLarge()),
        ((SuspiciousOperation, UnreadablePostError), exceptions.ParseError("The request can't be read.")),
    ):
        if isinstance(exc, kind):
            return error
    return None


def _of_the_database(message: str) -> exceptions.APIException:
    """SQLite says "database or disk is full", PostgreSQL quotes the system's "No space left on device"."""
    full = "disk is full" in message or "No space left" in message
    return DiskFull() if full else Unavailable()


def _code(error: exceptions.APIException) -> str:
    return "validation" if isinstance(error, exceptions.ValidationError) else error.default_code.replace("_", "-")


def _flat(path: str, detail: Any) -> Iterator[tuple[str, list[str]]]:
    """The leaves of DRF's nested errors, each with its path."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _flat(path if name == "non_field_errors" else f"{path}.{name}".lstrip("."), inner)
    elif isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        for index, item in enumerate(detail):
            yield from _flat(f"{path}.{index}".lstrip("."), item)
    elif detail:
        yield path or "body", [str(item) for item in (detail if isinstance(detail, list) else [detail])]


def _summary(errors: dict[str, list[str]]) -> str:
    if not errors:
        return "The request is not valid."
    (name, sentences), more = next(iter(errors.items())), len(errors) - 1
    return f"{name}: {sentences[0]}" + (f" ({more} more fields have errors.)" if more else "")
