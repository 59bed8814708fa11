"""Addresses of the web: taken apart in one way only, and written in one form."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit

import idna

from memories.fetching import errors

DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST = 2000
SAFE_PATH = "/!$&'()*+,;=:@-._~"
SAFE_QUERY = SAFE_PATH + "?"
HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")
UNFIT = re.compile(r"[\x00-\x20\x7f-\x9f\\]")
ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
TRACKING = re.compile(
    r"(?:utm|mtm|pk|piwik|hsa|oly|vero|itm|at)_.+|"
    r"(?:fbc|gc|dc|twc|yc|ysc|ttc|msclk|igsh|wbra|gbra|rdt_c|epi_|srslt)l?id|"
    r"mc_(?:cid|eid)|_hs(?:enc|mi)|_ga|_gl|mkt_tok|li_fat_id|igsh|s_kwcid|wickedid|__s",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Address:
    """An address as it is fetched: `host` is a name in ASCII, or an IP address as usually written, without brackets."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query, percent-encoded."""

    @property
    def authority(self) -> str:
        """ "host" or "host:port", in brackets where it must be."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def url(self) -> str:
        return self.origin + self.target


def parse(url: str) -> Address:
    """Takes an address apart; FetchError for one that can't be fetched, or is written to mislead."""
    text = url.strip()
    if len(text) > LONGEST:
        raise errors.bad_address(f"it has more than {LONGEST:,} characters")
    try:
        parts = urlsplit(text)
        host, port, user = parts.hostname or "", parts.port, parts.username
    except ValueError:
        raise errors.bad_address("it is not written as one") from None
    if port == 0:
        raise errors.bad_address("there is no port 0")
    if parts.scheme not in DEFAULT_PORTS:
        raise errors.bad_address("it does not begin with http:// or https://")
    if user is not None or "@" in parts.netloc:
        raise errors.bad_address("it holds a user name or password")
    if UNFIT.search(parts.netloc):
        raise errors.bad_address("its host is not written as one")
    target = _without_dots(quote(parts.path or "/", safe=SAFE_PATH + "%"))
    if parts.query:
        target += "?" + quote(parts.query, safe=SAFE_QUERY + "%")
    return Address(parts.scheme, host_of(host), DEFAULT_PORTS[parts.scheme] if port is None else port, target)


def host_of(written: str) -> str:
    """The host in the one form that is used: lower case, ASCII, no dot at the end, IPv4 with four decimal numbers."""
    host = _ascii(written.lower())
    host = host[:-1] if host.endswith(".") else host
    if ":" in host:
        return _ipv6(host)
    if not HOST_NAME.fullmatch(host) or len(host) > 253:
        raise errors.bad_address("its host is not written as one")
    return _ipv4(host) if NUMBER.fullmatch(host.rpartition(".")[2]) else host


def _ascii(host: str) -> str:
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode(
            "ascii"
        )  # also ①②⑦.⓪.⓪.① and 127。0。0。1 become what they look like
    except (idna.IDNAError, UnicodeError):
        raise errors.bad_address("its host is not written as one") from None


def _ipv4(host: str) -> str:
    """Octal, hexadecimal, short and one-number forms as four decimal numbers, as the system would take them."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        raise errors.bad_address("its host is a number, but no IP address") from None


def _ipv6(host: str) -> str:
    if "%" in host:
        raise errors.bad_address("its host names a network interface")
    try:
        return str(ipaddress.IPv6Address(host))
    except ValueError:
        raise errors.bad_address("its host is not written as one") from None


def joined(base: Address, location: str) -> Address:
    """Where a redirect of `base` leads."""
    try:
        return parse(urljoin(base.url, location.strip()))
    except ValueError:
        raise errors.bad_address("it leads on to something that is no address") from None


def canonical(url: str) -> str:
    """The form that is the same for all addresses of one article; FetchError as `parse`.

    Without fragment (but for `#!`, which pages built by scripts use as a path), tracking parameters and default port;
    case, dots and percent-encoding in their one form. The order of parameters stays.
    """
    address = parse(url)
    path, _, query = address.target.partition("?")
    kept = [part for part in query.split("&") if part and not TRACKING.fullmatch(part.partition("=")[0])]
    fragment = urlsplit(url.strip()).fragment
    return "".join(
        [
            address.origin,
            _plain(path),
            "?" + _plain("&".join(kept)) if kept else "",
            "#" + quote(fragment, safe=SAFE_QUERY + "%") if fragment.startswith("!") else "",
        ]
    )


def key_of(url: str) -> str:
    """What is the same for all addresses of one article, in 64 characters; FetchError as `parse`."""
    return hashlib.sha256(canonical(url).encode()).hexdigest()


def shown(url: str) -> str:
    """What a page is called until its title is known."""
    return url.strip().partition("://")[2].removeprefix("www.").rstrip("/")[:500]


def _without_dots(path: str) -> str:
    return urlsplit(urljoin("http://h/", path)).path if "/." in path else path


def _plain(text: str) -> str:
    """Escapes in upper case, and none for letters that need none."""
    return ESCAPE.sub(_unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    byte = unquote_to_bytes(match[0])
    return byte.decode("ascii") if byte[0] in UNRESERVED else match[0].upper()
