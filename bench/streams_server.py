"""The web process of a measurement: `python -m bench.streams_server ours|stock|bare|plain <descriptor>`.

All four run under uvicorn with the settings of `memstack.web`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import django
import uvicorn
from django.conf import settings
from redis.asyncio import Redis

Application = Callable[..., Awaitable[None]]
EVENTS_CHANNEL = "events_channel"  # where django-eventstream publishes


def ours() -> Application:
    from memstack.asgi import application

    return application


def stock() -> Application:
    """django-eventstream's view over our storage: without middleware and rights, and with the client's own time limits,
    because ours would end its listener in the first quiet moment."""
    settings.MIDDLEWARE = []
    settings.ROOT_URLCONF = "bench.streams_stock"
    settings.EVENTSTREAM_CHANNELMANAGER_CLASS = "bench.streams_stock.ChannelManager"
    settings.EVENTSTREAM_REDIS = without_limits(settings.EVENTSTREAM_REDIS)
    django.setup()
    from django.core.asgi import get_asgi_application

    return get_asgi_application()


def bare() -> Application:
    """The same without a storage: it reads no table, gives no ids, and whoever comes back has missed what was sent."""
    del settings.EVENTSTREAM_STORAGE_CLASS
    return stock()


def without_limits(connection: dict[str, Any]) -> dict[str, Any]:
    limits = {"socket_timeout", "socket_connect_timeout", "retry"}
    return {name: value for name, value in connection.items() if name not in limits}


class Plain:
    """What one writes by hand: Redis to queues to sockets. No table, no rights, no order, no limit."""

    def __init__(self) -> None:
        self.queues: dict[str, set[asyncio.Queue[bytes]]] = defaultdict(set)
        self.listener: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._stream(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        self.listener = asyncio.create_task(self._listen_for_ever())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.listener.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                await self._listen()
            except Exception as error:
                logging.getLogger(__name__).info("The broker is away: %s", error)
                await asyncio.sleep(0.5)

    async def _listen(self) -> None:
        async with Redis(**without_limits(settings.EVENTSTREAM_REDIS)) as client, client.pubsub() as pubsub:
            await pubsub.subscribe(EVENTS_CHANNEL)
            async for message in pubsub.listen():
                if message["type"] == "message":
                    self._publish(json.loads(message["data"]))

    def _publish(self, event: dict[str, str]) -> None:
        name = event["channel"]
        text = f"event: {event['event_type']}\nid: {name}:{event['pub_id']}\ndata: {event['data']}\n\n"
        frame = text.encode()
        for queue in self.queues.get(name, ()):
            queue.put_nowait(frame)

    async def _stream(self, scope: Any, receive: Any, send: Any) -> None:
        kind, identifier = scope["path"].split("/")[3:5]
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.queues[f"{kind[:-1]}-{identifier}"].add(queue)
        pump = asyncio.create_task(self._pump(queue, send))
        while (await receive())["type"] != "http.disconnect":
            pass
        pump.cancel()
        self.queues[f"{kind[:-1]}-{identifier}"].discard(queue)

    async def _pump(self, queue: asyncio.Queue[bytes], send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b": open\n\n", "more_body": True})
        while True:
            await send({"type": "http.response.body", "body": await queue.get(), "more_body": True})


VARIANTS: dict[str, Callable[[], Application]] = {"ours": ours, "stock": stock, "bare": bare, "plain": Plain}


def main(variant: str, descriptor: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "memstack.settings")
    config = uvicorn.Config(
        VARIANTS[variant](),
        timeout_graceful_shutdown=3,
        access_log=False,
        log_config=None,
        server_header=False,
        ws="none",
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
