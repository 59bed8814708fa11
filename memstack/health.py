"""/healthz: the process is alive. /readyz: what works; 503 only when no request could be answered.

A broker, worker or dispatcher that is away delays work and loses none, so it leaves the status at 200.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Any, TypedDict

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.backoff import NoBackoff
from redis.retry import Retry

from tasks_app import presence
from tasks_app.models import WorkerHeartbeat

logger = logging.getLogger(__name__)
BROKER_SECONDS = 0.25
UNKNOWN = "unknown while the database does not answer"


class State(TypedDict):
    ok: bool
    detail: str


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    states = {"database": _guarded(database)}
    answers = states["database"]["ok"]
    states["migrations"] = _guarded(migrations) if answers else _state(UNKNOWN, ok=False)
    states["broker"] = broker()
    for kind in WorkerHeartbeat.Kind:
        states[kind.value] = _guarded(lambda kind=kind: alive(kind)) if answers else _state(UNKNOWN, ok=False)  # type: ignore[misc]
    able = states["database"]["ok"] and states["migrations"]["ok"]
    word = "unavailable" if not able else "ok" if all(state["ok"] for state in states.values()) else "degraded"
    return JsonResponse({"status": word, **states}, status=200 if able else 503)


def database() -> State:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return _state(connection.vendor)


def migrations() -> State:
    applied = MigrationRecorder(connection).migration_qs.values_list("app", "name")
    pending = known_migrations() - set(applied)
    if not pending:
        return _state("all applied")
    return _state(f"{len(pending)} to apply: run manage.py manage_migrations apply", ok=False)


@cache
def known_migrations() -> frozenset[tuple[str, str]]:
    """The migrations of this version of the code; they do not change while the process lives."""
    return frozenset(MigrationLoader(None).graph.nodes)


def broker() -> State:
    try:
        _broker_client().ping()
    except (redis.RedisError, OSError):
        return _state("does not answer; work is accepted and starts when it is back", ok=False)
    return _state("answers")


@cache
def _broker_client() -> redis.Redis:
    limits: dict[str, Any] = {
        "socket_timeout": BROKER_SECONDS,
        "socket_connect_timeout": BROKER_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
    if settings.REDIS_URL:
        return redis.Redis.from_url(settings.REDIS_URL, **limits)
    return redis.Redis(unix_socket_path=str(settings.VALKEY_SOCKET), **limits)


def alive(kind: WorkerHeartbeat.Kind) -> State:
    count = presence.alive(kind).count()
    if not count:
        return _state("none gave a sign of life in the last 20 s; work is accepted and waits", ok=False)
    return _state(f"{count} alive")


def _state(detail: str, *, ok: bool = True) -> State:
    return State(ok=ok, detail=detail)


def _guarded(ask: Callable[[], State]) -> State:
    """A database error becomes a state; its text goes to the log, for it may name hosts and users."""
    try:
        return ask()
    except DatabaseError as error:
        logger.warning("readyz: %s", error)
        connection.close()
        return _state("the database does not answer", ok=False)
