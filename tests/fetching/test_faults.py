"""Each way in which a fetch can fail is told in a sentence, and says whether another try helps."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from memories.fetching import FetchError
from memories.fetching.connections import tls_context
from tests.fetching.conftest import Fetch
from tests.fetching.servers import PAGE, Asked, Server, certificate, drips, leads_to, reply, serving, tls

Fails = Callable[..., FetchError]
MB = 1024 * 1024
SOON = 15.0  # seconds, of a busy machine; the servers here would go on for much longer


STATUSES = [
    ("404 Not Found", False, "not there"),
    ("410 Gone", False, "for good"),
    ("403 Forbidden", False, "does not let"),
    ("401 Unauthorized", False, "login"),
    ("407 Proxy Authentication Required", False, "login"),
    ("429 Too Many Requests", True, "too many"),
    ("500 Internal Server Error", True, "fault of its own"),
    ("503 Service Unavailable", True, "fault of its own"),
    ("418 I'm a teapot", False, "HTTP 418"),
    ("204 No Content", False, "HTTP 204"),
    ("304 Not Modified", False, "HTTP 304"),
    ("302 Found", False, "HTTP 302"),
]


@pytest.mark.parametrize(("status", "retryable", "word"), STATUSES)
def test_what_the_status_means(server: Server, fails: Fails, status: str, retryable: bool, word: str) -> None:
    server.answers["/"] = reply(b"", status) if "204" not in status and "304" not in status else _bare(status)
    error = fails()
    assert (error.code, error.retryable, error.permanent) == (f"http_{status[:3]}", retryable, not retryable)
    assert word in str(error)


def _bare(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n".encode()


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_how_long_to_wait_is_kept_in_both_forms(server: Server, fails: Fails, status: str) -> None:
    server.answers["/"] = reply(b"", status, Retry_After="90")
    error = fails()
    assert error.retry_after == 90
    assert "90 seconds" in str(error)
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    server.answers["/"] = reply(b"", status, Retry_After=later)
    assert fails().retry_after == pytest.approx(600, abs=5)
    for nonsense, told in [("soon", None), ("-1", None), ("99999999999", None), ("999999999", 86400)]:
        server.answers["/"] = reply(b"", status, Retry_After=nonsense)
        assert fails().retry_after == told


def test_no_such_host(fails: Fails) -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    error = fails("http://nothing.example/", resolver=unknown)
    assert (error.code, error.retryable) == ("no_such_host", False)


def test_names_cannot_be_looked_up(fails: Fails) -> None:
    def away(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    error = fails("http://page.example/", resolver=away)
    assert (error.code, error.retryable) == ("name_lookup", True)


def test_a_name_server_that_does_not_answer(fails: Fails) -> None:
    began, over = time.monotonic(), threading.Event()

    def silent(host: str, port: int) -> list[str]:
        over.wait(60)
        return []

    error = fails("http://page.example/", resolver=silent, connect_seconds=0.5)
    over.set()
    assert (error.code, error.retryable) == ("name_lookup", True)
    assert time.monotonic() - began < SOON


def test_refused(fails: Fails) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    error = fails(f"http://127.0.0.1:{port}/", allowed=[f"127.0.0.1:{port}"])
    assert (error.code, error.retryable) == ("refused", True)


def test_a_host_that_never_answers(fails: Fails) -> None:
    """A listener whose queue is full drops what else comes, as a firewall does."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    port = listener.getsockname()[1]
    crowd = [socket.socket() for _ in range(4)]
    try:
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        time.sleep(0.1)
        began = time.monotonic()
        error = fails(f"http://127.0.0.1:{port}/", allowed=[f"127.0.0.1:{port}"], connect_seconds=0.6)
        assert (error.code, error.retryable) == ("too_slow", True)
        assert time.monotonic() - began < SOON
    finally:
        for one in [*crowd, listener]:
            one.close()


def test_a_second_address_is_tried(server: Server, get: Fetch) -> None:
    server.answers["/"] = reply()
    page = get(
        f"http://two.example:{server.port}/",
        resolver=lambda host, port: ["127.0.0.9", "127.0.0.1"],
        allowed=[f"two.example:{server.port}"],
    )
    assert page.size == len(PAGE)


class TestTls:
    @pytest.fixture(autouse=True)
    def _fresh(self) -> None:
        tls_context.cache_clear()

    def test_a_good_certificate_of_the_name(self, tmp_path: Path, get: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
        """The connection goes to the checked address; the name is what is verified."""
        pem = certificate(tmp_path, "page.example")
        monkeypatch.setenv("SSL_CERT_FILE", str(pem) + ".crt")
        with serving({"/": reply()}, tls(pem)) as secure:
            page = get(
                secure.url(host="page.example"),
                resolver=lambda host, port: ["127.0.0.1"],
                allowed=[f"page.example:{secure.port}"],
            )
            assert page.path.read_bytes() == PAGE
            assert page.url == secure.url(host="page.example")

    def test_a_certificate_of_another_name(self, tmp_path: Path, fails: Fails, monkeypatch: pytest.MonkeyPatch) -> None:
        pem = certificate(tmp_path, "other.example")
        monkeypatch.setenv("SSL_CERT_FILE", str(pem) + ".crt")
        with serving({"/": reply()}, tls(pem)) as secure:
            error = fails(
                secure.url(host="page.example"),
                resolver=lambda host, port: ["127.0.0.1"],
                allowed=[f"page.example:{secure.port}"],
            )
            assert (error.code, error.retryable) == ("tls", False)
            assert not secure.requests

    def test_a_certificate_that_nobody_vouches_for(self, tmp_path: Path, fails: Fails) -> None:
        with serving({"/": reply()}, tls(certificate(tmp_path, "127.0.0.1"))) as secure:
            error = fails(secure.url(), allowed=[f"127.0.0.1:{secure.port}"])
            assert (error.code, error.retryable) == ("tls", False)
            assert not secure.requests

    def test_no_tls_at_all(self, fails: Fails) -> None:
        with socket.create_server(("127.0.0.1", 0)) as plain:
            port = plain.getsockname()[1]
            thread = threading.Thread(target=_answer_plainly, args=[plain])
            thread.start()
            error = fails(f"https://127.0.0.1:{port}/", allowed=[f"127.0.0.1:{port}"])
            thread.join()
        assert (error.code, error.retryable) == ("tls", False)

    def test_a_handshake_that_never_ends(self, fails: Fails) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            error = fails(f"https://127.0.0.1:{port}/", allowed=[f"127.0.0.1:{port}"], idle_seconds=0.5)
        assert (error.code, error.retryable) == ("too_slow", True)

    def test_from_https_to_http(
        self, server: Server, tmp_path: Path, fails: Fails, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pem = certificate(tmp_path, "127.0.0.1")
        monkeypatch.setenv("SSL_CERT_FILE", str(pem) + ".crt")
        with serving({"/": leads_to(server.url("/plain"))}, tls(pem)) as secure:
            assert fails(secure.url(), allowed=[f"127.0.0.1:{secure.port}"]).code == "downgrade"
        assert not server.paths


def _answer_plainly(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_an_endless_redirect(server: Server, fails: Fails) -> None:
    server.answers |= {"/a": leads_to("/b"), "/b": leads_to("/a")}
    assert fails("/a").code == "endless_redirect"
    assert server.paths == ["/a", "/b"]
    server.answers |= {f"/{step}": leads_to(f"/{step + 1}") for step in range(50)}
    assert fails("/0").code == "endless_redirect"
    assert server.paths[2:] == [f"/{step}" for step in range(6)]


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/", "file:///etc/passwd", "javascript:alert(1)", "http://[x/"])
def test_a_redirect_to_something_else(server: Server, fails: Fails, location: str) -> None:
    server.answers["/"] = leads_to(location)
    error = fails()
    assert (error.code, error.retryable) == ("bad_address", False)


def _and_no_more(server: Server, beginning: bytes) -> Callable[[Asked, socket.socket], None]:
    """Who needs more than the beginning to decide finds the server too slow."""

    def answer(asked: Asked, connection: socket.socket) -> None:
        connection.sendall(beginning)
        server.wait(60)

    return answer


def _endless(head: bytes, piece: bytes) -> Callable[[Asked, socket.socket], None]:
    def answer(asked: Asked, connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(piece)

    return answer


def test_ten_gigabytes_that_are_announced(server: Server, fails: Fails) -> None:
    """One byte more than may come is refused before it comes; nothing is downloaded to find out."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 10737418240\r\n\r\n"
    server.answers["/"] = _and_no_more(server, head + b"<p>" + b"x" * 65533)  # what it is, its first bytes say
    assert fails().code == "too_large"


def test_ten_gigabytes_that_are_not_announced(server: Server, fails: Fails) -> None:
    server.answers["/"] = _endless(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", b"x" * 65536)
    error = fails(max_page_bytes=3 * MB)
    assert error.code == "too_large"
    assert "3 MB" in str(error)


def test_sound_may_be_larger_than_a_page(server: Server, get: Fetch, fails: Fails) -> None:
    sound = b"ID3\x04" + b"\0" * 3 * MB
    server.answers["/"] = reply(sound, content_type="audio/mpeg")
    assert get(max_page_bytes=MB, max_media_bytes=4 * MB).path.stat().st_size == len(sound)
    assert fails(max_page_bytes=MB, max_media_bytes=2 * MB).code == "too_large"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip"])
def test_a_bomb_is_stopped_while_it_unpacks(server: Server, fails: Fails, encoding: str) -> None:
    """A gigabyte of zeroes in a megabyte or less; the answer is there before it could have been unpacked."""
    pack = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | (0 if encoding == "deflate" else 16))
    bomb = pack.compress(b"<html>") + b"".join(pack.compress(b"\x20" * MB) for _ in range(300)) + pack.flush()
    if encoding == "gzip, gzip":
        bomb = gzip.compress(bomb)
    server.answers["/"] = reply(bomb, Content_Encoding=encoding)
    error = fails(max_page_bytes=2 * MB)
    assert error.code == "too_large"
    assert "Unpacked" in str(error)


def test_packed_nothing_without_end_is_too_large(server: Server, fails: Fails) -> None:
    """Empty blocks unpack to nothing, so what comes is counted as well."""
    empty = gzip.compress(b"") * 50_000
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n"
    server.answers["/"] = _endless(head, empty)
    assert fails(max_media_bytes=4 * MB).code == "too_large"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip, gzip", "compress"])
def test_packed_in_a_way_that_was_not_asked_for(server: Server, fails: Fails, encoding: str) -> None:
    server.answers["/"] = reply(PAGE, Content_Encoding=encoding)
    assert fails().code == "encoding"


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(PAGE)[:-12], gzip.compress(PAGE)[:30] + b"xxxx"])
def test_packed_and_damaged(server: Server, fails: Fails, body: bytes) -> None:
    server.answers["/"] = reply(body, Content_Encoding="gzip")
    assert fails().code == "damaged"


def test_a_byte_now_and_then_is_too_slow(server: Server, fails: Fails) -> None:
    """The time between two bytes is short; the whole is what takes too long."""
    server.answers["/"] = drips(lambda: server, PAGE, 40.0)
    began = time.monotonic()
    error = fails(total_seconds=1.5, idle_seconds=1.0)
    assert (error.code, error.retryable) == ("too_slow", True)
    assert time.monotonic() - began < SOON


def test_headers_that_drip_are_too_slow(server: Server, fails: Fails) -> None:
    lines = b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100
    server.answers["/"] = drips(lambda: server, lines, 60.0, head=b"")
    error = fails(total_seconds=1.5, idle_seconds=1.0)
    assert (error.code, error.retryable) == ("too_slow", True)


def test_sound_may_take_longer_than_a_page(server: Server, get: Fetch) -> None:
    sound = b"ID3\x04" + b"\0" * 5000

    def answer(asked: Asked, connection: socket.socket) -> None:
        connection.sendall(reply(sound)[:-100])
        server.wait(2.0)
        connection.sendall(sound[-100:])

    server.answers["/"] = answer
    assert get(total_seconds=1.0, total_media_seconds=30.0).size == len(sound)


def test_a_silent_server_is_idle(server: Server, fails: Fails) -> None:
    def silent(asked: Asked, connection: socket.socket) -> None:
        server.wait(20)

    server.answers["/"] = silent
    error = fails(idle_seconds=0.5)
    assert (error.code, error.retryable) == ("too_slow", True)
    assert "sent nothing" in str(error)


def test_headers_without_end(server: Server, fails: Fails) -> None:
    server.answers["/"] = _endless(b"HTTP/1.1 200 OK\r\n", b"X-Filler: " + b"x" * 1000 + b"\r\n")
    assert fails().code == "broken_off"


def test_interim_answers_without_end(server: Server, fails: Fails) -> None:
    server.answers["/"] = _endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n")
    assert fails(total_seconds=1.0).code == "too_slow"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nContent-Type: text/html\r\n\r\n<html>",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<html",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n<html",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n<html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n<html>",
    ],
)
def test_what_breaks_off_or_is_no_http(server: Server, fails: Fails, answer: bytes) -> None:
    server.answers["/"] = answer
    error = fails()
    assert (error.code, error.retryable) == ("broken_off", True)


@pytest.mark.parametrize(
    ("body", "said", "word"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "text/html", "a picture (image/png)"),
        (b"PK\x03\x04" + b"\0" * 100, "text/html", "a file (application/zip)"),
        (b'{"a": 1}', "application/json", "application/json"),
        (b'<?xml version="1.0"?><rss version="2.0"/>', "text/xml", "among the feeds"),
        (b"\0\1\2\3" * 50, "application/octet-stream", "unknown type"),
        (b"\x1aE\xdf\xa3" + b"\0" * 100, "video/webm", "a video (video/webm)"),
    ],
)
def test_the_wrong_type(server: Server, fails: Fails, body: bytes, said: str, word: str) -> None:
    server.answers["/"] = reply(body, content_type=said)
    error = fails()
    assert (error.code, error.retryable) == ("wrong_type", False)
    assert word in str(error)


def test_a_picture_is_refused_by_its_first_bytes(server: Server, fails: Fails) -> None:
    server.answers["/"] = _and_no_more(server, b"HTTP/1.1 200 OK\r\n\r\n\x89PNG\r\n\x1a\n" + b"\0" * 65536)
    assert fails().code == "wrong_type"


def test_an_empty_page(server: Server, fails: Fails) -> None:
    server.answers["/"] = reply(b"")
    assert fails().code == "empty"
    server.answers["/"] = reply(b"", Content_Encoding="gzip")
    assert fails().code == "empty"


LOGIN = b"<html><form><input name=u><input type='password' name=p></form></html>"


@pytest.mark.parametrize(
    ("leads", "body"),
    [
        ("/login", LOGIN),
        ("/account/sign-in?return_to=%2Fpost", PAGE),
        ("/users/sign_in", LOGIN),
        ("/sso/start?next=/", PAGE),
    ],
)
def test_a_page_behind_a_login(server: Server, fails: Fails, leads: str, body: bytes) -> None:
    server.answers |= {"/post": leads_to(leads), leads: reply(body)}
    error = fails("/post")
    assert (error.code, error.retryable) == ("login", False)
    assert "login" in str(error)


@pytest.mark.parametrize(
    ("place", "leads", "body"),
    [
        ("/login", None, LOGIN),  # asked for by its own address
        ("/post", "/how-logins-work", LOGIN),
        ("/post", "/articles/login-pages", PAGE),
        ("/post", "/blog/oauth2/intro", PAGE),
    ],
)
def test_a_page_about_logins_is_none(server: Server, get: Fetch, place: str, leads: str | None, body: bytes) -> None:
    server.answers[place] = leads_to(leads) if leads else reply(body)
    if leads:
        server.answers[leads] = reply(body)
    assert get(place).size == len(body)


class TestRobots:
    def test_forbidden(self, server: Server, fails: Fails) -> None:
        server.answers["/robots.txt"] = reply(b"User-agent: MemStack\nDisallow: /a\n", content_type="text/plain")
        error = fails("/x/../a/b")
        assert (error.code, error.retryable) == ("robots", False)
        assert not server.paths

    def test_where_a_redirect_leads_is_asked_too(self, server: Server, fails: Fails) -> None:
        with serving({"/robots.txt": reply(b"User-agent: *\nDisallow: /\n", content_type="text/plain")}) as other:
            server.answers["/"] = leads_to(other.url("/page"))
            assert fails(allowed=[f"127.0.0.1:{other.port}"]).code == "robots"
            assert not other.paths

    def test_a_fault_of_the_site_forbids_for_now(self, server: Server, fails: Fails) -> None:
        server.answers |= {"/robots.txt": reply(b"", "503 Service Unavailable"), "/": reply()}
        error = fails()
        assert (error.code, error.retryable) == ("robots_unreadable", True)

    @pytest.mark.parametrize("status", ["404 Not Found", "403 Forbidden", "401 Unauthorized"])
    def test_none_means_that_all_is_allowed(self, server: Server, get: Fetch, status: str) -> None:
        server.answers |= {"/robots.txt": reply(b"", status), "/": reply()}
        assert get().size == len(PAGE)

    def test_more_than_the_standard_wants_is_not_read(self, server: Server, get: Fetch) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nUser-agent: *\nDisallow: /other\n"
        server.answers |= {"/robots.txt": _endless(head, b"# nothing\n" * 6000), "/": reply()}
        assert get().size == len(PAGE)

    def test_any_bytes_may_stand_there(self, server: Server, get: Fetch) -> None:
        server.answers |= {"/robots.txt": reply(bytes(range(256)) * 20, content_type="text/plain"), "/": reply()}
        assert get().size == len(PAGE)
