"""What every page may say of the product and of how it is run."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def product(request: HttpRequest) -> dict[str, object]:
    return {"streams_on": settings.MEMSTACK_STREAMS, "debug_on": settings.DEBUG}
