"""What each request passes before Django's own middleware."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

from memstack import logs
from memstack.metrics import count_request

logger = logging.getLogger(__name__)
RETRY_AFTER = "2"


class Requests:
    """Takes the request's id over or makes one, answers with it, and counts the answer.

    A page whose database is away is a 503 that says so; the API has its own words for it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.monotonic()
        request_id = logs.begin_request(request.headers.get(logs.HEADER))
        response = self._get_response(request)
        response.headers[logs.HEADER] = request_id
        count_request(request.method, response.status_code, time.monotonic() - began)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, (OperationalError, InterfaceError)):
            return None
        logger.warning("No page without the database: %s", exception)
        connection.close()
        page = render_to_string("503.html")  # without the request, whose user is in the database
        return HttpResponse(page, status=503, headers={"Retry-After": RETRY_AFTER})
