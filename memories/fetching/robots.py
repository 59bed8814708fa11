"""What a site lets programs fetch (RFC 9309)."""

from __future__ import annotations

from collections.abc import Callable

from protego import Protego

from memories.fetching import errors
from memories.fetching.addresses import Address

MAX_BYTES = 512 * 1024  # the standard wants 500 KiB to be read; what lies beyond is not looked at
NAME = "MemStack"
Reader = Callable[[Address], tuple[int, bytes]]
"""(status, the first bytes) of the robots.txt at an address, redirects followed."""


class Robots:
    """Asks each site once; of one fetch."""

    def __init__(self, read: Reader) -> None:
        self._read = read
        self._known: dict[str, Protego | None] = {}

    def ensure_allowed(self, address: Address) -> None:
        """FetchError when the site forbids the address, or can't say."""
        if address.origin not in self._known:
            self._known[address.origin] = self._rules_of(address)
        rules = self._known[address.origin]
        if rules is not None and not rules.can_fetch(address.url, NAME):
            raise errors.robots_forbid(address.host)

    def _rules_of(self, address: Address) -> Protego | None:
        """None: there are none, so all is allowed. A site that fails to answer forbids all, says the standard."""
        place = Address(address.scheme, address.host, address.port, "/robots.txt")
        status, body = self._read(place)
        if status >= 500:
            raise errors.robots_unreadable(address.host)
        return Protego.parse(body.decode("utf-8", "replace")) if status == 200 else None
