"""What each request passes before Django's own middleware."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from memstack import logs
from memstack.metrics import count_request


class RequestIds:
    """Takes the request's id over or makes one, answers with it, and counts the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.monotonic()
        request_id = logs.begin_request(request.headers.get(logs.HEADER))
        response = self._get_response(request)
        response.headers[logs.HEADER] = request_id
        count_request(request.method, response.status_code, time.monotonic() - began)
        return response
