"""Real servers on loopback that answer what a test tells them to, byte by byte where it must be."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = b"<!doctype html><html><head><title>A page</title></head><body><p>Some text.</p></body></html>"


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    path: str
    headers: dict[str, str]


Answer = bytes | Callable[["Asked", socket.socket], None]


def reply(body: bytes = PAGE, status: str = "200 OK", content_type: str = "text/html", **headers: str) -> bytes:
    """An answer with its length; `_` in the name of a header stands for "-"."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", f"Content-Type: {content_type}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def leads_to(url: str, status: str = "302 Found") -> bytes:
    return reply(b"", status, Location=url)


class Server:
    """Answers by path; what it does not know is 404. `requests` are those that came; `connections` counts them."""

    def __init__(self, answers: dict[str, Answer] | None = None, context: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, Answer] = answers or {}
        self.requests: list[Asked] = []
        self.connections = 0
        self._context = context
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for, robots.txt left out."""
        return [asked.path for asked in self.requests if asked.path != "/robots.txt"]

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{'https' if self._context else 'http'}://{host}:{self.port}{path}"

    def wait(self, seconds: float) -> bool:
        """Sleeps in an answer; True when the server was closed."""
        return self._ended.wait(seconds)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=[connection], daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:
            connection.settimeout(30)
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                asked = self._read(connection)
                self.requests.append(asked)
                answer = self.answers.get(asked.path, reply(b"", "404 Not Found"))
                if callable(answer):
                    answer(asked, connection)
                else:
                    connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):  # closing with bytes unread would reset what was sent
                    pass

    @staticmethod
    def _read(connection: socket.socket) -> Asked:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                raise ValueError("no request")
            data += piece
        first, *lines = data.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return Asked(first.split(" ")[1], headers)

    def close(self) -> None:
        self._ended.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)


@contextlib.contextmanager
def serving(answers: dict[str, Answer] | None = None, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(answers, context)
    try:
        yield server
    finally:
        server.close()


def drips(
    server: Callable[[], Server], body: bytes, seconds: float, head: bytes | None = None
) -> Callable[[Asked, socket.socket], None]:
    """Sends the body a byte at a time, over so many seconds."""

    def answer(asked: Asked, connection: socket.socket) -> None:
        usual = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body)
        connection.sendall(usual if head is None else head)
        pause = seconds / len(body)
        begun = time.monotonic()
        for number in range(len(body)):
            connection.sendall(body[number : number + 1])
            if server().wait(max(0, begun + pause * (number + 1) - time.monotonic())):
                return

    return answer


def certificate(folder: Path, *names: str, days: int = 2) -> Path:
    """A self-signed certificate with its key in one file, for these names or addresses."""
    path = folder / f"{names[0]}.pem"
    wanted = ",".join(f"IP:{name}" if name[0].isdigit() else f"DNS:{name}" for name in names)
    key, crt = Path(f"{path}.key"), Path(f"{path}.crt")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(crt), "-days", str(days), "-subj", f"/CN={names[0]}"]
    subprocess.run([*command, "-addext", f"subjectAltName={wanted}"], check=True, capture_output=True)
    path.write_bytes(key.read_bytes() + crt.read_bytes())
    return path


def tls(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
