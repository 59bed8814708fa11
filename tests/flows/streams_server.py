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


def ours_by_pokes() -> Application:
    """What is not told by the broker comes a minute later, and a broker that is far is waited for."""
    from memstack.asgi import application
    from tasks_app.streams.hub import Pace

    application.hub.pace = Pace(sweep=60.0, subscribe=10.0)
    return application


def stock_with_gzip() -> Application:
    stock()
    settings.MIDDLEWARE = [GZIP]
    return get_asgi_application()


VARIANTS.update({"ours-by-pokes": ours_by_pokes, "ours-gzip": ours_with_gzip, "stock-gzip": stock_with_gzip})

if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
