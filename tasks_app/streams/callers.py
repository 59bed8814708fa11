"""Who opens a stream, and whether they still may."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.http.cookie import parse_cookie
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from memories import keys
from memories.models import ApiKey, Membership, Project
from tasks_app.streams.table import chunks


@dataclass(frozen=True, slots=True)
class Caller:
    """A user, and the key or the session that proves it."""

    user_id: int
    staff: bool
    key_id: UUID | None = None
    session_key: str = ""
    session_hash: str = ""


def identify(headers: Mapping[str, str]) -> Caller | None:
    """The caller of a request by its `authorization` or `cookie` header; None when neither proves a user."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        row = keys.find(credentials.strip())
        return Caller(row.user_id, row.user.is_staff, key_id=row.pk) if row else None
    session_key = parse_cookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME, "")
    return _of_session(session_key) if session_key else None


def _of_session(session_key: str) -> Caller | None:
    """What django.contrib.auth.get_user does, but for its rotation of sessions: a stream sets no cookies."""
    session = SessionStore(session_key)
    user_id = session.get(SESSION_KEY)
    if user_id is None or session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    user = User.objects.filter(pk=get_user_model()._meta.pk.to_python(user_id), is_active=True).first()
    session_hash = session.get(HASH_SESSION_KEY, "")
    if user is None or not _matches(user, session_hash):
        return None
    return Caller(user.pk, user.is_staff, session_key=session_key, session_hash=session_hash)


def _matches(user: User, session_hash: str) -> bool:
    """A changed password ends the sessions that were opened with the old one."""
    wanted = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(session_hash, each) for each in wanted)


def projects_of(caller: Caller) -> set[UUID]:
    """All projects of the caller; for staff, all there are."""
    if caller.staff:
        return set(Project.objects.values_list("pk", flat=True))
    return set(Membership.objects.filter(user_id=caller.user_id).values_list("project_id", flat=True))


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
    users = {
        user.pk: user
        for ids in chunks({caller.user_id for caller in callers})
        for user in User.objects.filter(pk__in=ids, is_active=True)
    }
    key_ids = {
        key
        for ids in chunks({caller.key_id for caller in callers if caller.key_id})
        for key in ApiKey.objects.filter(pk__in=ids).values_list("pk", flat=True)
    }
    sessions = {
        key
        for ids in chunks({caller.session_key for caller in callers if caller.session_key})
        for key in SessionStore.get_model_class()
        .objects.filter(session_key__in=ids, expire_date__gt=timezone.now())
        .values_list("session_key", flat=True)
    }
    memberships = {
        row
        for ids in chunks(users)
        for row in Membership.objects.filter(user_id__in=ids).values_list("user_id", "project_id")
    }
    every = Project.objects.values_list("pk", flat=True) if any(caller.staff for caller in callers) else ()
    return Rights(
        frozenset(caller for caller in callers if _still(caller, users, key_ids, sessions)),
        frozenset(memberships),
        frozenset(every),
    )


def _still(caller: Caller, users: Mapping[int, User], key_ids: set[UUID], sessions: set[str]) -> bool:
    user = users.get(caller.user_id)
    if user is None or user.is_staff != caller.staff:
        return False
    if caller.key_id is not None:
        return caller.key_id in key_ids
    return caller.session_key in sessions and _matches(user, caller.session_hash)
