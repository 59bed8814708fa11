"""Connections of our own: looked up once, checked, made to the very address that was checked, and watched over.

httpcore asks the `Backend` for a connection to a host. The name is resolved here, each address that comes back is
checked, and the socket is connected to one of those, so a name that resolves to something else a moment later changes
nothing. TLS still names and verifies the host.
"""

from __future__ import annotations

import errno
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import certifi
import httpcore

from memories.fetching import errors, networks
from memories.fetching.errors import FetchError
from memories.fetching.rules import Resolver, Rules

LOOK_SECONDS = 0.1
MOST_ADDRESSES = 4
T = TypeVar("T")


class Patience:
    """How long a fetch may take, and whether it was called off. Whatever waits does so here, in steps of 0.1 s."""

    def __init__(self, seconds: float, stop: Callable[[], None]) -> None:
        self._began = time.monotonic()
        self._seconds = seconds
        self._stop = stop
        self._asked = 0.0

    def extend(self, seconds: float) -> None:
        """Sets the total, counted from the beginning."""
        self._seconds = seconds

    def look(self) -> None:
        """Raises what `stop` raises, or that the time is over. Cheap to call often."""
        now = time.monotonic()
        if now - self._asked >= LOOK_SECONDS:
            self._asked = now
            self._stop()
        if now - self._began > self._seconds:
            raise errors.too_slow(self._seconds)

    def wait(self, ready: Callable[[float], Any], seconds: float, late: FetchError) -> None:
        """Until `ready(seconds)` is true; `late` is raised after `seconds`."""
        until = time.monotonic() + seconds
        while not ready(LOOK_SECONDS):
            self.look()
            if time.monotonic() > until:
                raise late


class Backend(httpcore.NetworkBackend):
    """Makes the connections of one fetch. A host is looked up once."""

    def __init__(self, rules: Rules, patience: Patience) -> None:
        self._rules = rules
        self._patience = patience
        self._pinned: dict[tuple[str, int], Sequence[str]] = {}

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to an address of the host that may be connected to; FetchError."""
        addresses = self._checked(host, port)
        share = self._rules.connect_seconds / len(addresses)
        for number, address in enumerate(addresses, 1):
            try:
                return Stream(self._connected(address, port, host, share), host, self._rules, self._patience)
            except FetchError as error:
                if number == len(addresses) or error.code not in {"refused", "unreachable", "too_slow"}:
                    raise
        raise errors.unreachable(host)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise errors.bad_address("it is a socket of this machine")

    def _checked(self, host: str, port: int) -> Sequence[str]:
        named = _written(host) in self._rules.allowed_private_hosts
        with_port = f"{_written(host)}:{port}" in self._rules.allowed_private_hosts
        if port not in self._rules.ports and not with_port:
            raise errors.port_not_allowed(host, port)
        if (host, port) not in self._pinned:
            self._pinned[host, port] = self._looked_up(host, port)
        addresses = self._pinned[host, port]
        for address in addresses:
            if not networks.is_public(address) and not ((named or with_port) and networks.is_own(address)):
                raise errors.private(host)
        return addresses[:MOST_ADDRESSES]

    def _looked_up(self, host: str, port: int) -> Sequence[str]:
        """The system's resolver can't be interrupted, so it works in a thread that nobody waits for too long."""
        answer: list[Sequence[str] | Exception] = []
        resolver = self._rules.resolver or resolve
        thread = threading.Thread(target=_ask, args=[resolver, host, port, answer], daemon=True, name="name lookup")
        thread.start()

        def answered(seconds: float) -> bool:
            thread.join(seconds)
            return bool(answer)

        self._patience.wait(answered, self._rules.connect_seconds, errors.not_looked_up(host))
        return _addresses(host, answer[0])

    def _connected(self, address: str, port: int, host: str, seconds: float) -> socket.socket:
        connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            code = connection.connect_ex((address, port))
            if code == errno.EINPROGRESS:
                late = errors.slow_connect(host, self._rules.connect_seconds)
                self._patience.wait(_poller(connection, select.POLLOUT), seconds, late)
                code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise errors.refused(host) if code == errno.ECONNREFUSED else errors.unreachable(host)
        except BaseException:
            connection.close()
            raise
        return connection


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _ask(resolver: Resolver, host: str, port: int, answer: list[Sequence[str] | Exception]) -> None:
    try:
        answer.append(resolver(host, port))
    except Exception as error:
        answer.append(error)


def resolve(host: str, port: int) -> Sequence[str]:
    """The system's addresses of the host, in its order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _addresses(host: str, answer: Sequence[str] | Exception) -> Sequence[str]:
    if isinstance(answer, socket.gaierror) and answer.errno in {socket.EAI_AGAIN, socket.EAI_SYSTEM, socket.EAI_FAIL}:
        raise errors.not_looked_up(host)
    if isinstance(answer, Exception) or not answer:
        raise errors.no_such_host(host)
    return answer


def _poller(connection: socket.socket, events: int) -> Callable[[float], Any]:
    poll = select.poll()
    poll.register(connection, events)
    return lambda seconds: poll.poll(seconds * 1000)


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """Trusts what the machine trusts, and the public authorities where it has none installed."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context


class Stream(httpcore.NetworkStream):
    """A connected socket that blocks for 0.1 s at most. The time limits are the rules', not httpx's."""

    def __init__(self, connection: socket.socket, host: str, rules: Rules, patience: Patience) -> None:
        self._socket = connection
        self._host = host
        self._rules = rules
        self._patience = patience

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._done(lambda: self._socket.recv(max_bytes), select.POLLIN)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        while buffer:
            sent = self._done(lambda piece=buffer: self._socket.send(piece), select.POLLOUT)  # type: ignore[misc]
            buffer = buffer[sent:]

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            wrapped = ssl_context.wrap_socket(
                self._socket, server_hostname=server_hostname, do_handshake_on_connect=False
            )
            self._socket = wrapped
            self._done(wrapped.do_handshake, select.POLLIN)
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise errors.bad_certificate(self._host, error.verify_message) from None
        except (ssl.SSLError, ValueError):
            self.close()
            raise errors.no_secure_connection(self._host) from None
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        self._socket.close()

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return bool(_poller(self._socket, select.POLLIN)(0))
        return self._socket if info == "socket" else None

    def _done(self, work: Callable[[], T], events: int) -> T:
        """What `work` returns, when the socket is ready for it."""
        self._patience.look()
        late = errors.idle(self._host, self._rules.idle_seconds)
        until = time.monotonic() + self._rules.idle_seconds
        while True:
            try:
                return work()
            except ssl.SSLWantReadError:
                wanted = select.POLLIN
            except ssl.SSLWantWriteError:
                wanted = select.POLLOUT
            except BlockingIOError:
                wanted = events
            except ssl.SSLError:
                raise
            except OSError:
                raise errors.broken_off(self._host) from None
            self._patience.wait(_poller(self._socket, wanted), until - time.monotonic(), late)
