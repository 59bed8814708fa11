"""The rules of fetching as the operator has set them."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings

from memories.fetching import FetchError, Rules, addresses
from memories.fetching.rules import FEEDS, MB

MAX_FEED_BYTES = 5 * MB


class BadRule(Exception):
    """A setting that can't be what was meant; `hint` says what to do."""

    def __init__(self, sentence: str, hint: str) -> None:
        super().__init__(sentence)
        self.hint = hint


def rules() -> Rules:
    """What a fetch may do; BadRule when a setting is wrong."""
    return Rules(
        max_media_bytes=settings.MAX_FILE_BYTES,
        ports=frozenset(_port(text.strip()) for text in settings.MEMSTACK_FETCH_PORTS if text.strip()),
        allowed_private_hosts=frozenset(
            _host(text.strip()) for text in settings.MEMSTACK_PRIVATE_HOSTS if text.strip()
        ),
    )


def feed_rules() -> Rules:
    """The same for feeds, which are small texts, and for pages, which may name one."""
    return replace(rules(), accepted=FEEDS | {"text/html"}, max_page_bytes=MAX_FEED_BYTES)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65_536:
        raise BadRule(
            f"MEMSTACK_FETCH_PORTS names {text}, which is no port.", "Set it to numbers from 1 to 65535, with commas."
        )
    return int(text)


def _host(text: str) -> str:
    """ "Wiki.Home:8080" as a fetch compares it; the default port of http is left out there as here."""
    try:
        address = addresses.parse(f"http://{text}")
    except FetchError:
        address = None
    if address is None or address.target != "/":
        raise BadRule(
            f"MEMSTACK_PRIVATE_HOSTS names {text}, which is no host.",
            "Set it to host names or addresses, each with or without a port: wiki.home, 10.0.0.5:8080, [fd00::1].",
        )
    return address.authority
