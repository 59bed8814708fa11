"""Django as one thread a request."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class DjangoApplication(ASGIHandler):
    """All middleware and the view run in the request's one thread.

    None of ours is async. Django would run those that could be in the event loop and the others in a thread, and each
    change between the two cost a request half a millisecond of CPU and a turn of a loop that has streams to serve.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        answer: HttpResponseBase = await sync_to_async(self.get_response, thread_sensitive=True)(request)
        return answer
