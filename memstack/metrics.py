"""`/metrics` for Prometheus, and who may read it."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Histogram, Info, ProcessCollector
from prometheus_client.exposition import choose_encoder

from memories import keys
from memstack import __version__
from tasks_app.metrics import Broker, Rows, Streams

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
REFUSAL = (
    "Send Authorization: Bearer with MEMSTACK_METRICS_TOKEN or the API key of a staff user. "
    "Without either, only this machine itself may read, in development, when no token is set.\n"
)

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
for _collector in (Rows(), Broker(), Streams()):
    REGISTRY.register(_collector)
Info("memstack", "The version that runs.", registry=REGISTRY).info({"version": __version__})
REQUESTS = Histogram(
    "memstack_http_request_seconds",
    "Answers of this web process, streams excepted; status is the class, such as 2xx.",
    ["method", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)


def count_request(method: str | None, status: int, seconds: float) -> None:
    """Of clients' own making is only the method, which becomes one of a few labels."""
    REQUESTS.labels(method if method in METHODS else "other", f"{status // 100}xx").observe(seconds)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    try:
        allowed = may_read(request)
    except DatabaseError:
        connection.close()
        return HttpResponse("The database does not answer.\n", status=503, content_type="text/plain")
    if not allowed:
        headers = {"WWW-Authenticate": "Bearer"}
        return HttpResponse(REFUSAL, status=401, content_type="text/plain", headers=headers)
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(REGISTRY), content_type=content_type)


def may_read(request: HttpRequest) -> bool:
    """Whoever has the token, staff, and this machine itself while nothing says that it is open to others."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    bearer = given.strip() if scheme.lower() == "bearer" else ""
    token = settings.MEMSTACK_METRICS_TOKEN
    if token and constant_time_compare(bearer, token):
        return True
    if not bearer and not token and not settings.PRODUCTION and _comes_from_here(request):
        return True
    user = keys.user_of(bearer) if bearer else request.user
    return bool(user and user.is_active and user.is_staff)


def _comes_from_here(request: HttpRequest) -> bool:
    """A request of this machine that no proxy passed on; a proxy's own address says nothing of who is asking."""
    try:
        local = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
    return local and not any(name in request.headers for name in FORWARDED)
