"""Pages, files and a reader for the tests of articles over real processes."""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

import docx
import httpx

from tests.stack import Stack, wait_for

PARAGRAPHS = (
    "Ada Lovelace met Charles Babbage at a party in London in June 1833, when she was seventeen years old.",
    "Charles Babbage showed her a part of the difference engine, which he had built in Marylebone.",
    "In 1843 Ada Lovelace published her notes on the analytical engine, with a program for the Bernoulli numbers.",
    "Luigi Menabrea had written the paper that she translated; he lived in Turin and later became prime minister.",
    "The British Museum keeps some of the drawings, and the Science Museum built the engine in 1991.",
)


def page(*paragraphs: str, title: str = "The analytical engine", head: str = "") -> bytes:
    """An article as web pages are: with navigation and a footer around it."""
    body = "".join(f"<p>{text}</p>" for text in paragraphs or PARAGRAPHS)
    return (
        f"<!doctype html><html lang=en><head><title>{title} | Engine News</title>"
        f'<meta property="og:site_name" content="Engine News"><meta name="author" content="Maria Costa">'
        f'<meta property="article:published_time" content="2024-05-01T08:00:00Z">{head}</head>'
        f"<body><nav><a href=/>Home</a> <a href=/news>News</a></nav><main><article><h1>{title}</h1>{body}"
        "<h2>What came of it</h2><ul><li>Programs are written to this day.</li>"
        "<li>Engines are built of silicon.</li></ul></article></main><footer>Imprint and privacy</footer></body></html>"
    ).encode()


def word_file(*paragraphs: str) -> bytes:
    document = docx.Document()
    document.add_heading("The analytical engine", 1)
    for text in paragraphs or PARAGRAPHS:
        document.add_paragraph(text)
    data = io.BytesIO()
    document.save(data)
    return data.getvalue()


def pdf_file(pages: int = 3) -> bytes:
    """A PDF with a text on each page, written by hand."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    kids = []
    font = 3 + 2 * pages
    for number in range(pages):
        text = PARAGRAPHS[number % len(PARAGRAPHS)]
        halves = text[: len(text) // 2].rsplit(" ", 1)
        lines = [halves[0], text[len(halves[0]) :].strip()]
        drawn = b"BT /F1 12 Tf 72 720 Td 16 TL " + b" ".join(b"(%s) Tj T*" % line.encode() for line in lines) + b" ET"
        place = 3 + 2 * number
        kids.append(b"%d 0 R" % place)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 %d 0 R >> >> >>" % (place + 1, font)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn))
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), pages)
    data, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    return data + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)


def encrypted_pdf() -> bytes:
    """A PDF that says it is encrypted, with keys that no empty password opens."""
    lock = b"/Encrypt << /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P -44 >> /ID [<00> <00>]" % (
        b"ab" * 32,
        b"cd" * 32,
    )
    return pdf_file(1).replace(b"/Root 1 0 R", b"/Root 1 0 R " + lock)


def bomb() -> bytes:
    """A Word file of some kilobytes whose text unpacks to 300 MB."""
    data = io.BytesIO(word_file())
    with zipfile.ZipFile(data) as good:
        parts = {name: good.read(name) for name in good.namelist()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bad:
        for name, content in parts.items():
            with bad.open(name, "w") as part:
                part.write(content)
                if name == "word/document.xml":
                    for _ in range(300):
                        part.write(b" " * 1_000_000)
    return packed.getvalue()


@dataclass(frozen=True, slots=True)
class Told:
    """An event and how many seconds after it happened it came, both by this machine's clock."""

    type: str
    data: dict[str, Any]
    delay: float


@dataclass
class Reader:
    """Reads a task's stream in a thread from `with` to its end, beginning with what was told before.

    The delay of an event that happened before it listened is 0: it was not waited for.
    """

    stack: Stack
    task: str
    told: list[Told] = field(default_factory=list)
    failure: str = ""

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        wait_for(lambda: True if self.told or self.failure else None, 60, lambda: "the stream says nothing")
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._thread.join(1)

    def _read(self) -> None:
        headers = {"Authorization": f"Bearer {self.stack.key}", "Last-Event-ID": f"task-{self.task}:0"}
        kind, listening = "", 0.0
        try:
            with httpx.stream(
                "GET", f"{self.stack.url}/api/v1/tasks/{self.task}/stream", headers=headers, timeout=120
            ) as response:
                listening = time.time()
                for line in response.iter_lines():
                    name, _, value = line.partition(": ")
                    if name == "event":
                        kind = value
                    elif name == "data":
                        data = json.loads(value)
                        at = moment(data["at"])
                        self.told.append(Told(kind, data, time.time() - at if at > listening else 0.0))
        except httpx.HTTPError as error:
            self.failure = repr(error)

    def ended(self, seconds: float = 180) -> list[Told]:
        """All that was told, once the stream has ended."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"the stream has not ended: {self.told[-3:]}"
        assert not self.failure, self.failure
        return self.told

    def until(self, step: str, done: int = 0, seconds: float = 120) -> Told:
        """The first event of a step, with a counter of at least `done`."""

        def there() -> Told | None:
            return next(
                (one for one in self.told if one.data["step"] == step and (one.data["done"] or 0) >= done), None
            )

        return wait_for(there, seconds, lambda: f"no step {step}: {self.told[-3:]}")


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def steps(told: list[Told]) -> list[tuple[str, int]]:
    """(step, percent) at each change of the step."""
    found: list[tuple[str, int]] = []
    for one in told:
        if one.type == "progress" and one.data["step"] and (not found or found[-1][0] != one.data["step"]):
            found.append((one.data["step"], one.data["progress"]))
    return found


def post_file(stack: Stack, project: str, name: str, data: bytes) -> dict[str, Any]:
    answer = stack.client.post("/api/v1/files", data={"project": project}, files={"file": (name, data)})
    assert answer.status_code == 201, answer.text
    saved: dict[str, Any] = answer.json()
    return saved


def post_article(stack: Stack, project: str, url: str) -> dict[str, Any]:
    """What is answered: a new memory, or the one that has the address already, however it is written."""
    answer = stack.client.post("/api/v1/articles", json={"project": project, "url": url})
    assert answer.status_code in (200, 201), answer.text
    saved: dict[str, Any] = answer.json()
    return saved
