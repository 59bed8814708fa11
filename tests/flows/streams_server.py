"""Web processes as of the measurements, with a middleware that compresses: `python -m tests.flows.streams_server …`."""

from __future__ import annotations

import sys

from django.conf import settings
from django.core.asgi import get_asgi_application

from bench.streams_server import VARIANTS, Application, main, ours, stock

GZIP = "django.middleware.gzip.GZipMiddleware"


def ours_with_gzip() -> Application:
    settings.MIDDLEWARE = [GZIP, *settings.MIDDLEWARE]
    return ours()


def stock_with_gzip() -> Application:
    stock()
    settings.MIDDLEWARE = [GZIP]
    return get_asgi_application()


VARIANTS.update({"ours-gzip": ours_with_gzip, "stock-gzip": stock_with_gzip})

if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
