"""What a fetch brings: the page, what it is, how it is written, what is told meanwhile."""

from __future__ import annotations

import gzip
import hashlib
import socket
import time
import zlib
from itertools import pairwise
from pathlib import Path

import pytest

from memories.fetching import Rules, Validators
from tests.fetching.conftest import Fetch
from tests.fetching.servers import PAGE, Asked, Server, drips, leads_to, reply


def test_a_page_comes_with_what_is_known_of_it(server: Server, get: Fetch) -> None:
    server.answers["/a"] = reply(ETag='"v1"', Last_Modified="Sat, 21 Nov 2026 10:00:00 GMT", Content_Language="en")
    page = get("/a")
    assert page.path.read_bytes() == PAGE
    assert (page.url, page.media_type, page.charset) == (server.url("/a"), "text/html", "utf-8")
    assert (page.size, page.sha256) == (len(PAGE), hashlib.sha256(PAGE).hexdigest())
    assert (page.etag, page.last_modified) == ('"v1"', "Sat, 21 Nov 2026 10:00:00 GMT")
    assert page.headers["content-language"] == "en"
    assert not page.not_modified


def test_the_request_is_plain_and_honest(
    server: Server, get: Fetch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No proxy, no .netrc, no cookie, no credential: neither from the environment nor from an answer before."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.answers["/a"] = leads_to("/b", "302 Found").replace(b"\r\n\r\n", b"\r\nSet-Cookie: session=1\r\n\r\n")
    server.answers["/b"] = reply()
    get("/a")
    assert server.paths == ["/a", "/b"]
    for asked in server.requests:
        assert asked.headers["user-agent"].startswith("MemStack/")
        assert asked.headers["host"] == f"127.0.0.1:{server.port}"
        assert not {"cookie", "authorization", "proxy-authorization", "referer"} & asked.headers.keys()


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(PAGE)),
        ("gzip", gzip.compress(PAGE[:20]) + gzip.compress(PAGE[20:]) + b"\0" * 50),
        ("deflate", zlib.compress(PAGE)),
        ("deflate", zlib.compress(PAGE)[2:-4]),
        ("gzip, gzip", gzip.compress(gzip.compress(PAGE))),
        ("identity", PAGE),
    ],
)
def test_what_comes_packed_is_unpacked(server: Server, get: Fetch, encoding: str, packed: bytes) -> None:
    server.answers["/"] = reply(packed, Content_Encoding=encoding)
    assert get().path.read_bytes() == PAGE


def test_a_large_page_that_is_packed_is_whole(server: Server, get: Fetch) -> None:
    text = PAGE + b"<p>" + b"".join(b"%d " % number for number in range(400_000))
    server.answers["/"] = reply(gzip.compress(text), Content_Encoding="gzip")
    page = get()
    assert page.path.read_bytes() == text
    assert page.sha256 == hashlib.sha256(text).hexdigest()


def test_what_is_asked_for_can_be_unpacked(server: Server, get: Fetch) -> None:
    server.answers["/"] = reply()
    get()
    assert server.requests[-1].headers["accept-encoding"] == "gzip, deflate"


def test_pieces_are_put_together(server: Server, get: Fetch) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (1, PAGE[place : place + 1]) for place in range(len(PAGE)))
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/html\r\n\r\n"
    server.answers["/"] = head + chunks + b"0\r\n\r\n"
    assert get().path.read_bytes() == PAGE


def test_redirects_are_followed_to_the_fifth(server: Server, get: Fetch) -> None:
    server.answers |= {f"/{step}": leads_to(f"/{step + 1}", "301 Moved") for step in range(5)}
    server.answers["/5"] = reply()
    assert get("/0").url == server.url("/5")


def test_what_has_not_changed_does_not_come_again(server: Server, get: Fetch, folder: Path) -> None:
    def answer(asked: Asked, connection: socket.socket) -> None:
        same = asked.headers.get("if-none-match") == '"v1"' and asked.headers.get("if-modified-since") == "yesterday"
        connection.sendall(reply(b"", "304 Not Modified", ETag='"v1"') if same else reply(ETag='"v2"'))

    server.answers["/"] = answer
    same = get(known=Validators('"v1"', "yesterday"))
    assert same.not_modified
    assert (same.etag, same.last_modified) == ('"v1"', "yesterday")
    assert not list(folder.iterdir())
    changed = get(known=Validators('"v0"'))
    assert (changed.not_modified, changed.etag) == (False, '"v2"')


def test_progress_counts_what_comes_over_the_network(server: Server, get: Fetch) -> None:
    text = PAGE + b"x" * 3_000_000
    server.answers["/known"] = reply(text)
    server.answers["/unknown"] = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + text
    told: list[tuple[int, int | None]] = []
    get("/known", progress=lambda done, total: told.append((done, total)))
    assert told[0] == (0, len(text))
    assert told[-1] == (len(text), len(text))
    assert told == sorted(told)
    told.clear()
    get("/unknown", progress=lambda done, total: told.append((done, total)))
    assert [total for _, total in told] == [None] * len(told)
    assert told[-1][0] == len(text)


def test_a_page_that_comes_slowly_comes_and_is_told_of(server: Server, get: Fetch) -> None:
    server.answers["/"] = drips(lambda: server, PAGE, 2.0)
    told: list[tuple[int, int | None]] = []
    assert get(progress=lambda done, total: told.append((done, total))).path.read_bytes() == PAGE
    assert 8 <= len(told) <= 25


def test_who_calls_it_off_is_heard_at_once(server: Server, get: Fetch, folder: Path) -> None:
    """In the middle of a body that does not come, and before a connection that is not made."""

    class CalledOff(Exception):
        pass

    def hangs(asked: Asked, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<html>")
        server.wait(20)

    calls: list[float] = []
    until = time.monotonic() + 1.0

    def stop() -> None:
        calls.append(time.monotonic())
        if calls[-1] > until:
            raise CalledOff

    server.answers["/"] = hangs
    with pytest.raises(CalledOff):
        get(stop=stop)
    assert time.monotonic() - until < 10
    gaps = [later - earlier for earlier, later in pairwise(calls)]
    assert max(gaps) < 0.25
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("header", "path", "name"),
    [
        ('attachment; filename="report.pdf"', "/x", "report.pdf"),
        ("attachment; filename*=UTF-8''B%C3%BCcher.txt", "/x", "Bücher.txt"),
        ('attachment; filename="../../etc/passwd"', "/x", "passwd"),
        ('attachment; filename="..\\\\x\u202egnp.exe"', "/x", "xgnp.exe"),
        ("", "/some/talk%20one.html?x=1", "talk one.html"),
        ("", "/", ""),
    ],
)
def test_a_file_has_a_name_and_no_path(server: Server, get: Fetch, header: str, path: str, name: str) -> None:
    answer = reply().replace(b"\r\n", b"\r\nContent-Disposition: " + header.encode() + b"\r\n", 1)
    server.answers[path] = answer if header else reply()
    assert get(path).file_name == name


def test_robots_are_asked_once_and_obeyed(server: Server, get: Fetch) -> None:
    server.answers["/robots.txt"] = reply(b"User-agent: *\nDisallow: /private\n", content_type="text/plain")
    server.answers |= {"/a": leads_to("/b"), "/b": reply()}
    get("/a")
    assert [asked.path for asked in server.requests] == ["/robots.txt", "/a", "/b"]


def test_rules_may_leave_robots_alone(server: Server, get: Fetch) -> None:
    server.answers["/robots.txt"] = reply(b"User-agent: *\nDisallow: /\n", content_type="text/plain")
    server.answers["/"] = reply()
    get(obey_robots=False)
    assert [asked.path for asked in server.requests] == ["/"]


def test_limits_are_those_that_are_promised() -> None:
    rules = Rules()
    assert (rules.max_page_bytes, rules.max_media_bytes) == (25 * 2**20, 500 * 2**20)
    assert rules.ports == {80, 443}
    assert not rules.allowed_private_hosts
    assert rules.obey_robots
