"""API keys: made once, shown once, looked up by their SHA-256."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from memories.models import ApiKey

if TYPE_CHECKING:
    from django.contrib.auth.models import User

FORM = re.compile(r"ms_sk_[0-9a-f]{64}")
SHOWN = 12  # characters of a key that stay readable, so that its owner can tell keys apart
STAMP_EVERY = timedelta(minutes=1)  # how exact `last_used_at` is: a write at each request would queue up on SQLite


def issue(user: User, name: str) -> tuple[ApiKey, str]:
    """A new key of the user's: its row, and the key itself, which is kept nowhere."""
    key = f"ms_sk_{secrets.token_hex(32)}"
    return ApiKey.objects.create(user=user, name=name, prefix=key[:SHOWN], digest=digest(key)), key


def find(key: str) -> ApiKey | None:
    """The row of a key with its user, None when it is unknown or its user inactive; notes the use."""
    return find_many([key]).get(key)


def find_many(given: Iterable[str]) -> dict[str, ApiKey]:
    """The rows of those keys that are known and whose users are active; notes their use."""
    digests = {digest(key): key for key in given if FORM.fullmatch(key)}
    if not digests:
        return {}
    rows = ApiKey.objects.select_related("user").filter(digest__in=digests, user__is_active=True)
    found = {digests[row.digest]: row for row in rows}
    _note_use(found.values())
    return found


def user_of(key: str) -> User | None:
    """Whose key this is; None when it is unknown or its user inactive."""
    row = find(key)
    return row.user if row else None


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _note_use(rows: Iterable[ApiKey]) -> None:
    now = timezone.now()
    due = [row.pk for row in rows if row.last_used_at is None or row.last_used_at < now - STAMP_EVERY]
    if due:
        ApiKey.objects.filter(pk__in=due).update(last_used_at=now)
