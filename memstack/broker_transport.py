"""Celery's Redis transport, made to drop what is no message: kombu ends the worker over it, or never listens again."""

from __future__ import annotations

import logging
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis

logger = logging.getLogger(__name__)


class Channel(redis.Channel):
    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # its types do not know it
        except ValueError:  # no JSON, no UTF-8
            logger.warning("Something in a queue is no JSON; it was dropped")
            raise Empty from None


class Transport(redis.Transport):
    Channel = Channel

    def _deliver(self, message: Any, queue: str | None) -> None:
        if is_message(message):
            super()._deliver(message, queue)
        else:
            logger.warning("Something in the queue %s is no message; it was dropped", queue)


def is_message(message: Any) -> bool:
    """Whether it has what kombu's messages are made from."""
    if not isinstance(message, dict) or not isinstance(message.get("body"), str):
        return False
    properties = message.get("properties")
    return (
        isinstance(properties, dict)
        and isinstance(properties.get("delivery_tag"), str)
        and isinstance(properties.get("delivery_info"), dict)
    )


def install() -> None:
    """Every connection of this process to a `redis://`, `rediss://` or `redis+socket://` address uses it."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
