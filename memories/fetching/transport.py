"""One request at a time over connections of our own: no cookies, no credentials, no proxies, no redirects by itself."""

from __future__ import annotations

from collections.abc import Iterator

import httpcore
import httpx

from memories.fetching.connections import Backend, tls_context


class Transport(httpx.BaseTransport):
    """httpx's own transport takes no network backend. A connection serves one request, so no state is shared."""

    def __init__(self, backend: Backend) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls_context(),
            network_backend=backend,
            max_keepalive_connections=0,
            http1=True,
            http2=False,
            retries=0,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer's head; its body comes while it is read. httpcore's exceptions are not translated."""
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        answer = self._pool.handle_request(httpcore.Request(request.method, url, headers=request.headers.raw))
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions={}, request=request
        )

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()
