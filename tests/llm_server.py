"""A server that speaks as much of OpenAI's protocol as is asked of it, and as well or badly as a test wants."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Request = dict[str, Any]
Behaviour = Callable[["Reply", Request], None]
KEY = "sk-test-0123456789abcdef"
MODEL = "small-model"
WORKS = re.compile(r"([A-Z]\w+(?: [A-Z]\w+)?) works for ([A-Z]\w+)(?: in ([A-Z]\w+))?[^.]*\.")
MET = re.compile(r"([A-Z]\w+(?: [A-Z]\w+)?) met ([A-Z]\w+(?: [A-Z]\w+)?)[^.]*\.")


class Reply(BaseHTTPRequestHandler):
    """One answer on its way out."""

    server: LlmServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.take(request, {name.lower(): value for name, value in self.headers.items()})
        try:
            self.server.behaviour(self, request)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def send(self, status: int, body: Any, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def say(self, text: str, tokens_in: int = 100, tokens_out: int = 10, finish: str = "stop") -> None:
        self.send(200, completion(text, tokens_in, tokens_out, finish))


class LlmServer(ThreadingHTTPServer):
    """Runs from `with` to its end; `requests` are what it was asked, `most_at_once` how many at one time."""

    daemon_threads = True

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), Reply)
        self._behaviour = behaviour
        self.requests: list[Request] = []
        self.headers: list[dict[str, str]] = []
        self.running = self.most_at_once = 0
        self.released = threading.Event()  # who hangs does so until then
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def environment(self) -> dict[str, str]:
        """Settings that name it."""
        return {
            "MEMSTACK_LLM_BASE_URL": self.url,
            "MEMSTACK_LLM_MODEL": MODEL,
            "MEMSTACK_LLM_API_KEY": KEY,
            "MEMSTACK_LLM_TIMEOUT": "5",
        }

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()

    def take(self, request: Request, headers: dict[str, str]) -> None:
        with self._lock:
            self.requests.append(request)
            self.headers.append(headers)

    def behaviour(self, reply: Reply, request: Request) -> None:
        with self._lock:
            self.running += 1
            self.most_at_once = max(self.most_at_once, self.running)
        try:
            self._behaviour(reply, request)
        finally:
            with self._lock:
                self.running -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave are what is tested."""


def completion(text: str, tokens_in: int = 100, tokens_out: int = 10, finish: str = "stop") -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
        },
    }


def asked(request: Request) -> dict[str, Any]:
    """The data of the question."""
    data: dict[str, Any] = json.loads(request["messages"][-1]["content"])
    return data


def noted(request: Request) -> dict[str, Any]:
    """What a good reader notes of "X works for Y in Z." and "X met Y."."""
    return {"passages": [{"n": passage["n"], **_read(passage["text"])} for passage in asked(request)["passages"]]}


def _read(text: str) -> dict[str, Any]:
    entities: dict[str, str] = {}
    facts = []
    for match in WORKS.finditer(text):
        entities |= {match[1]: "person", match[2]: "organization"} | ({match[3]: "location"} if match[3] else {})
        facts.append(fact(match[1], "works_for", match[2], match[0]))
    for match in MET.finditer(text):
        entities |= {match[1]: "person", match[2]: "person"}
        facts.append(fact(match[1], "met", match[2], match[0]))
    return {"entities": [entity(*each) for each in entities.items()], "facts": facts}


def entity(name: str, kind: str, *texts: str) -> dict[str, Any]:
    return {"name": name, "type": kind, "texts": list(texts or (name,))}


def fact(subject: str, predicate: str, object_: str | None, sentence: str, **more: Any) -> dict[str, Any]:
    return {
        "subject": subject,
        "subject_text": subject,
        "predicate": predicate,
        "object": object_,
        "object_text": object_,
        "value": None,
        "sentence": sentence,
        "valid_at": None,
        "invalid_at": None,
        "polarity": "affirmed",
        **more,
    }


# --- behaviours


def well(reply: Reply, request: Request) -> None:
    reply.say(json.dumps(noted(request)))


def after(seconds: float, then: Behaviour = well) -> Behaviour:
    def behave(reply: Reply, request: Request) -> None:
        reply.server.released.wait(seconds)
        then(reply, request)

    return behave


def hang(reply: Reply, request: Request) -> None:
    reply.server.released.wait(600)
    reply.close_connection = True


def garbage(reply: Reply, request: Request) -> None:
    reply.say("I'd be happy to help! The passages are about people } { who work.")


def no_protocol(reply: Reply, request: Request) -> None:
    reply.send(200, b"<html>It works!</html>", Content_Type="text/html")


def truncated(reply: Reply, request: Request) -> None:
    text = json.dumps(noted(request))
    reply.say(text[: len(text) // 2])


def cut_off(reply: Reply, request: Request) -> None:
    reply.say(json.dumps(noted(request))[:-40], finish="length")


def wrong_schema(reply: Reply, request: Request) -> None:
    reply.say(json.dumps({"passages": [{"n": "zero", "people": ["Anna"]}]}))


def skipping(reply: Reply, request: Request) -> None:
    reply.say(json.dumps({"passages": noted(request)["passages"][:-1]}))


def huge(reply: Reply, request: Request) -> None:
    """Says for ever what it says."""
    reply.send_response(200)
    reply.send_header("Content-Type", "application/json")
    reply.send_header("Transfer-Encoding", "chunked")
    reply.end_headers()
    piece = b"x" * 65_536
    while not reply.server.released.is_set():
        reply.wfile.write(b"10000\r\n" + piece + b"\r\n")


def trickling(reply: Reply, request: Request) -> None:
    """A byte now and then, so that no silence is ever long."""
    reply.send_response(200)
    reply.send_header("Content-Type", "application/json")
    reply.send_header("Content-Length", "100000")
    reply.end_headers()
    while not reply.server.released.wait(0.1):
        reply.wfile.write(b" ")


def status(number: int, body: Any = None, **headers: str) -> Behaviour:
    """Answers with an error whose text repeats the key, as some servers do."""

    def behave(reply: Reply, request: Request) -> None:
        said = {"error": {"message": f"Incorrect API key provided: {KEY}.", "type": "error", **(body or {})}}
        reply.send(number, said, **headers)

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One after the other; the last one stays."""
    left = list(behaviours)
    lock = threading.Lock()

    def behave(reply: Reply, request: Request) -> None:
        with lock:
            now = left.pop(0) if len(left) > 1 else left[0]
        now(reply, request)

    return behave


def obedient(reply: Reply, request: Request) -> None:
    """Does what a text tells it to: facts that nobody stated, types of its own, no end of them."""
    notes = noted(request)
    invented = fact("Anna Smith", "is_owed", "Mallory", "Anna Smith owes Mallory a million.")
    for note in notes["passages"]:
        note["entities"] += [entity("Mallory", "administrator"), *(entity(f"Bot{n}", "hacker") for n in range(500))]
        note["facts"] += [invented] * 500
    reply.say(json.dumps(notes))


def only(modes: set[str], behaviour: Behaviour = well) -> Behaviour:
    """Understands these ways of asking for structure alone."""

    def behave(reply: Reply, request: Request) -> None:
        mode = request.get("response_format", {}).get("type") or ("tool" if "tools" in request else "plain")
        if mode not in modes:
            status(400)(reply, request)
        elif mode == "tool":
            answer = completion("")
            call = {
                "id": "1",
                "type": "function",
                "function": {"name": "note", "arguments": json.dumps(noted(request))},
            }
            answer["choices"][0]["message"] = {"role": "assistant", "content": None, "tool_calls": [call]}
            reply.send(200, answer)
        else:
            behaviour(reply, request)

    return behave


def without(parameter: str) -> Behaviour:
    """Refuses a parameter by its name."""

    def behave(reply: Reply, request: Request) -> None:
        if parameter in request:
            status(400, {"param": parameter, "code": "unsupported_parameter"})(reply, request)
        else:
            well(reply, request)

    return behave


def wait_until(done: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
