"""Who opens a stream, and whether they still may."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.http.cookie import parse_cookie
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from memories import keys
from memories.models import ApiKey, Membership, Project
from tasks_app.streams.table import chunks

SESSION_KEY_FORM = re.compile(r"[0-9a-z]{8,40}")


@dataclass(frozen=True, slots=True)
class Caller:
    """A user, and the key or the session that proves it."""

    user_id: int
    staff: bool
    key_id: UUID | None = None
    session_key: str = ""
    session_hash: str = ""


def identify(requests: Iterable[Mapping[str, str]]) -> list[Caller | None]:
    """The caller of each request by its `authorization` or `cookie` header; None where neither proves a user."""
    proofs = [_proof(headers) for headers in requests]
    by_key = _of_keys({key for key, _ in proofs if key})
    by_session = _of_sessions({session_key for _, session_key in proofs if session_key})
    return [by_key.get(key) if key else by_session.get(session_key) for key, session_key in proofs]


def _proof(headers: Mapping[str, str]) -> tuple[str, str]:
    """The API key or the session's key that a request carries; a key, also a wrong one, rules out the cookie."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip(), ""
    session_key = parse_cookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME, "")
    return "", session_key if SESSION_KEY_FORM.fullmatch(session_key) else ""


def _of_keys(given: Collection[str]) -> dict[str, Caller]:
    return {key: Caller(row.user_id, row.user.is_staff, key_id=row.pk) for key, row in keys.find_many(given).items()}


def _of_sessions(session_keys: Collection[str]) -> dict[str, Caller]:
    """What django.contrib.auth.get_user does, but for its rotation of sessions: a stream sets no cookies."""
    sessions = {row.session_key: row.get_decoded() for row in _sessions(session_keys)} if session_keys else {}
    sessions = {
        session_key: data
        for session_key, data in sessions.items()
        if data.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS and SESSION_KEY in data
    }
    users = {str(user.pk): user for user in _active(data[SESSION_KEY] for data in sessions.values())}
    found = {}
    for session_key, data in sessions.items():
        user, session_hash = users.get(data[SESSION_KEY]), data.get(HASH_SESSION_KEY, "")
        if user is not None and _matches(user, session_hash):
            found[session_key] = Caller(user.pk, user.is_staff, session_key=session_key, session_hash=session_hash)
    return found


def _sessions(session_keys: Iterable[str]) -> Iterator[AbstractBaseSession]:
    """The rows that have not expired."""
    model = SessionStore.get_model_class()
    for each in chunks(session_keys):
        yield from model.objects.filter(session_key__in=each, expire_date__gt=timezone.now())


def _active(user_ids: Iterable[int | str]) -> Iterator[User]:
    for each in chunks(user_ids):
        yield from User.objects.filter(pk__in=each, is_active=True)


def _matches(user: User, session_hash: str) -> bool:
    """A changed password ends the sessions that were opened with the old one."""
    wanted = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(session_hash, each) for each in wanted)


@dataclass(frozen=True, slots=True)
class Rights:
    """Who may still read what, at one moment."""

    callers: frozenset[Caller]
    memberships: frozenset[tuple[int, UUID]]
    every_project: frozenset[UUID]

    def may_read(self, caller: Caller, project: UUID) -> bool:
        return caller in self.callers and (caller.user_id, project) in self.memberships

    def projects_of(self, caller: Caller) -> set[UUID]:
        if caller.staff:
            return set(self.every_project)
        return {project for user_id, project in self.memberships if user_id == caller.user_id}


def rights(callers: Collection[Caller]) -> Rights:
    """The present rights of many callers by a handful of queries, however many streams they have open."""
    users = {user.pk: user for user in _active({caller.user_id for caller in callers})}
    key_ids = {
        key
        for ids in chunks({caller.key_id for caller in callers if caller.key_id})
        for key in ApiKey.objects.filter(pk__in=ids).values_list("pk", flat=True)
    }
    sessions = {row.session_key for row in _sessions({caller.session_key for caller in callers if caller.session_key})}
    return rights_of([caller for caller in callers if _still(caller, users, key_ids, sessions)])


def rights_of(proven: Collection[Caller]) -> Rights:
    memberships = {
        row
        for ids in chunks({caller.user_id for caller in proven})
        for row in Membership.objects.filter(user_id__in=ids).values_list("user_id", "project_id")
    }
    every = Project.objects.values_list("pk", flat=True) if any(caller.staff for caller in proven) else ()
    return Rights(frozenset(proven), frozenset(memberships), frozenset(every))


def _still(caller: Caller, users: Mapping[int, User], key_ids: set[UUID], sessions: set[str]) -> bool:
    user = users.get(caller.user_id)
    if user is None or user.is_staff != caller.staff:
        return False
    if caller.key_id is not None:
        return caller.key_id in key_ids
    return caller.session_key in sessions and _matches(user, caller.session_hash)
