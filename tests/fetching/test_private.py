"""Nothing on this machine or its network can be reached, however the address is written.

The canary listens on loopback and counts connections; the fixture fails when there was one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from memories.fetching import FetchError, Rules, fetch, networks
from tests.fetching.servers import Server, leads_to, reply, serving

DISGUISES = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.1.2.3",
    "2130706433",
    "0x7f000001",
    "0X7F000001",
    "0x7f.0.0.1",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "0177.0.0.01",
    "127.0.0.1.",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "１２７.０.０.１",  # noqa: RUF001
    "loc\u00adalhost",
    "ⓛocalhost",
    "%31%32%37.0.0.1",
    "0",
    "0.0.0.0",  # noqa: S104
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:0:0:0:0:80ff:fffe]",
    "[::1%25lo]",
    "[::1%lo]",
    "user@127.0.0.1",
    "example.com@127.0.0.1",
    "example.com:80@127.0.0.1",
    "127.0.0.1\\@example.com",
    "127.0.0.1#@example.com",
    "127.0.0.1 example.com",
    "127.0.0.1\t",
    "127.0.0.1%00.example.com",
    "127.0.0.1%2f.example.com",
]
TARGETS = [f"http://{host}:{{port}}/" for host in DISGUISES] + [
    "http:127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "http:\\\\127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "\thttp://127.0.0.1:{port}/",
    "ht\ntp://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "HTTP://127.0.0.1:{port}/",
    "ws://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "data:text/html,<p>x",
    "http+unix://%2Ftmp%2Fsocket/",
    "http://[::ffff:127.0.0.1]:{port}:{port}/",
    "http://127.0.0.1:{port}:80/",
    "http://127.0.0.1:0{port}/",
]


def refused(url: str, folder: Path, rules: Rules) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetch(url, folder, rules, progress=lambda done, total: None, stop=lambda: None)
    return caught.value


@pytest.mark.parametrize("target", TARGETS)
def test_loopback_in_every_disguise(canary: Server, folder: Path, target: str) -> None:
    error = refused(target.format(port=canary.port), folder, Rules(ports=frozenset({80, 443, canary.port})))
    assert error.code in {"private_address", "bad_address", "no_such_host", "name_lookup"}
    assert not error.retryable or error.code == "name_lookup"


@pytest.mark.parametrize("target", TARGETS)
def test_a_redirect_to_loopback_in_every_disguise(
    canary: Server, server: Server, fails: Callable[..., FetchError], target: str
) -> None:
    server.answers["/"] = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n" % target.format(
        port=canary.port
    ).replace("\n", "").encode("utf-8")
    error = fails(ports=frozenset({80, 443, canary.port}))
    assert error.code in {"private_address", "bad_address", "no_such_host", "name_lookup", "downgrade", "http_404"}


def test_another_port_of_an_allowed_host(canary: Server, server: Server, fails: Callable[..., FetchError]) -> None:
    server.answers["/"] = leads_to(canary.url())
    assert fails().code == "port_not_allowed"
    assert fails(ports=frozenset({canary.port})).code == "private_address"


def test_robots_that_lead_to_a_private_host(canary: Server, server: Server, fails: Callable[..., FetchError]) -> None:
    server.answers |= {"/robots.txt": leads_to(canary.url("/robots.txt")), "/": reply()}
    assert fails(ports=frozenset({canary.port})).code == "private_address"


ADDRESSES = [
    "127.0.0.1",
    "127.255.255.254",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.127.255.255",
    "0.0.0.0",  # noqa: S104
    "0.1.2.3",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "233.252.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "64:ff9b::127.0.0.1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "4000::1",
    "example.com",
    "1.2.3",
]


@pytest.mark.parametrize("address", ["", *ADDRESSES])
def test_a_name_that_resolves_to_no_public_address(canary: Server, folder: Path, address: str) -> None:
    """The sentence does not tell what it resolved to."""
    rules = Rules(ports=frozenset({canary.port}), resolver=lambda host, port: [address])
    error = refused(f"http://page.example:{canary.port}/", folder, rules)
    assert (error.code, error.retryable) == ("private_address", False)
    assert not address or address not in str(error)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700:4700::1111", "2a00::1"]
)
def test_what_is_public_is(address: str) -> None:
    assert networks.is_public(address)


@pytest.mark.parametrize("addresses", [["93.184.216.34", "127.0.0.1"], ["127.0.0.1", "93.184.216.34"]])
def test_one_private_address_among_public_ones(canary: Server, folder: Path, addresses: list[str]) -> None:
    rules = Rules(ports=frozenset({canary.port}), resolver=lambda host, port: addresses)
    assert refused(f"http://page.example:{canary.port}/", folder, rules).code == "private_address"


def test_a_name_that_changes_between_check_and_use(server: Server, canary: Server, folder: Path) -> None:
    """The first answer is what is checked and what is connected to; nobody asks again, not for robots.txt either.

    The name is looked up for the server first (allowed for this name), and would lead to the canary's address after.
    """
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    server.answers["/"] = reply()
    allowed = frozenset({f"page.example:{server.port}"})
    page = fetch(
        f"http://page.example:{server.port}/",
        folder,
        Rules(allowed_private_hosts=allowed, resolver=rebinding),
        progress=lambda done, total: None,
        stop=lambda: None,
    )
    assert page.size
    assert [one.path for one in server.requests] == ["/robots.txt", "/"]
    assert server.requests[1].headers["host"] == f"page.example:{server.port}"
    assert asked == ["page.example"]


def test_a_name_that_is_public_when_checked_and_private_after(
    canary: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection goes to the address that was checked, so the system's resolver is not asked by the socket."""
    answers = iter([["192.0.0.0"], ["127.0.0.1"]])
    monkeypatch.setattr(networks, "is_public", lambda address: address == "192.0.0.0")
    rules = Rules(
        ports=frozenset({canary.port}),
        resolver=lambda host, port: next(answers),
        connect_seconds=0.5,
        obey_robots=False,
    )
    error = refused(f"http://localhost:{canary.port}/", folder, rules)
    assert error.code in {"unreachable", "too_slow", "refused"}


class TestAllowed:
    """What the operator names may be private, and only that."""

    def test_by_name_with_its_port(self, server: Server, folder: Path) -> None:
        server.answers["/"] = reply()
        rules = Rules(
            allowed_private_hosts=frozenset({f"wiki.home:{server.port}"}), resolver=lambda host, port: ["127.0.0.1"]
        )
        page = fetch(
            f"http://WIKI.home.:{server.port}/", folder, rules, progress=lambda done, total: None, stop=lambda: None
        )
        assert page.size

    def test_by_name_with_allowed_ports(self, server: Server, folder: Path) -> None:
        server.answers["/"] = reply()
        rules = Rules(
            ports=frozenset({server.port}),
            allowed_private_hosts=frozenset({"wiki.home"}),
            resolver=lambda host, port: ["127.0.0.1"],
        )
        url = f"http://wiki.home:{server.port}/"
        assert fetch(url, folder, rules, progress=lambda done, total: None, stop=lambda: None).size

    def test_another_name_of_the_same_machine(self, canary: Server, folder: Path) -> None:
        rules = Rules(
            ports=frozenset({canary.port}),
            allowed_private_hosts=frozenset({"wiki.home"}),
            resolver=lambda host, port: ["127.0.0.1"],
        )
        for host in ("evil.example", "wiki.home.evil.example", "xwiki.home", "127.0.0.1"):
            assert refused(f"http://{host}:{canary.port}/", folder, rules).code == "private_address"

    @pytest.mark.parametrize("address", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1", "64:ff9b::7f00:1"])  # noqa: S104
    def test_never_link_local_or_worse(self, folder: Path, address: str) -> None:
        rules = Rules(allowed_private_hosts=frozenset({"wiki.home"}), resolver=lambda host, port: [address])
        assert refused("http://wiki.home/", folder, rules).code == "private_address"


@pytest.mark.parametrize("port", [22, 25, 6379, 8080, 0, 65535])
def test_ports_that_are_not_of_the_web(folder: Path, port: int) -> None:
    asked: list[str] = []
    rules = Rules(resolver=lambda host, port: asked.append(host) or ["93.184.216.34"])  # type: ignore[func-returns-value]
    assert refused(f"http://page.example:{port}/", folder, rules).code in {"port_not_allowed", "bad_address"}
    assert not asked


def test_an_address_without_end(folder: Path) -> None:
    assert refused("http://page.example/" + "a" * 5000, folder, Rules()).code == "bad_address"


def test_errors_tell_the_host_and_no_more(folder: Path, server: Server, fails: Callable[..., FetchError]) -> None:
    with serving() as other:
        error = fails(other.url("/share?token=topsecret"), allowed=[f"127.0.0.1:{other.port}"])
    assert error.code == "http_404"
    assert "topsecret" not in str(error)
