"""`Idempotency-Key`: a creating request that is sent again gets the first answer again, for 24 hours."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from memories.api.base import user_of
from memories.api.problems import Conflict
from memories.models import IdempotencyKey

HEADER = "Idempotency-Key"
MAX_LENGTH = 255


class KeyReused(Conflict):
    default_detail = "This Idempotency-Key was used with another request; take a new key for a new request."
    default_code = "idempotency_key_reused"


def once(request: Request, create: Callable[[], Response]) -> Response:
    """Runs `create`, or answers as it did when the request's key was first seen.

    The key is written in the transaction of the creation: requests at the same moment wait for it, then find the
    answer. `create` raises what must not be kept, and then nothing is. KeyReused (409) for another request's key.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return create()
    _check(key)
    fingerprint = _fingerprint(request)
    with transaction.atomic():
        row = _take(request, key, fingerprint)
        if row.fingerprint != fingerprint:
            raise KeyReused
        if row.status is not None:
            return Response(row.body, status=row.status, headers={"Idempotent-Replayed": "true"})
        answer = create()
        row.status, row.body = answer.status_code, json.loads(JSONRenderer().render(answer.data))
        row.save(update_fields=["status", "body"])
    return answer


def _take(request: Request, key: str, fingerprint: str) -> IdempotencyKey:
    """The row of the key: its answer is there when the request was answered, else the row is this transaction's."""
    user = user_of(request)
    rows = IdempotencyKey.objects.filter(user=user)
    rows.filter(created_at__lt=Now() - IdempotencyKey.KEPT).delete()
    new = IdempotencyKey(user=user, key=key, fingerprint=fingerprint)
    IdempotencyKey.objects.bulk_create([new], ignore_conflicts=True)  # waits for a transaction that has the key
    return rows.get(key=key)


def _check(key: str) -> None:
    if not key or len(key) > MAX_LENGTH or not key.isascii() or not key.isprintable():
        raise ValidationError({HEADER: [f"Give 1 to {MAX_LENGTH} printable ASCII characters."]})


def _fingerprint(request: Request) -> str:
    digest = hashlib.sha256(f"{request.method} {request.path.rstrip('/')}\n".encode(errors="surrogatepass"))
    if request.FILES:
        for name, values in sorted(request.POST.lists()):
            digest.update(json.dumps([name, values]).encode())
        for name, file in sorted(request.FILES.items()):
            digest.update(json.dumps([name, _file_digest(file)]).encode())
    else:
        digest.update(json.dumps(request.data, sort_keys=True, default=str).encode())
    return digest.hexdigest()


def _file_digest(file: Any) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
