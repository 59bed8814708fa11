"""The process that reads a document: what it may use, how it ends, and that nothing of it is left."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from memories.engine.documents import Limits, read
from memories.engine.documents import reading as parent
from memories.engine.documents.errors import UnreadableDocument
from memories.engine.documents.limits import MEGABYTE
from memories.engine.documents.model import Document
from tests.engine.documents.files import HTML, LIMITS, PDF, WORD, Words, pdf, repacked, word, written_page
from tests.stack import children as children_of
from tests.stack import wait_for

PROSE = "".join(
    f"<p>In {year} the bridge was closed for weeks, and nobody had been told of it in time.</p>" for year in range(90)
)
ROOT = Path(__file__).resolve().parents[3]


def nothing(*_: object) -> None:
    return None


def started(
    path: Path, media_type: str = HTML, limits: Limits = LIMITS, stop: Callable[[], None] = nothing
) -> Document:
    return read(
        path, media_type, name=path.name, url="https://site.example/", progress=nothing, stop=stop, limits=limits
    )


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text(
        f"<html lang=en><title>Bridge</title><meta name=date content=2024-03-05><body>{PROSE}</body></html>"
    )
    return path


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A page that keeps the parser busy for minutes: attributes are compared with each other."""
    path = tmp_path / "endless.html"
    path.write_text("<html><body><p " + " ".join(f"a{i}=b" for i in range(400_000)) + ">text</p></body></html>")
    return path


def children() -> set[int]:
    return set(children_of(os.getpid()))


def is_gone(pid: int) -> bool:
    """Also when only its number is left, since nobody has asked how it ended."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def test_a_document_comes_back_whole(page: Path) -> None:
    found = started(page)
    assert (found.title, found.language) == ("Bridge", "en")
    assert found.published_at is not None
    assert found.published_at.utcoffset() is not None
    assert len(found.blocks) == 90


def test_progress_by_pages(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf([written_page(number, ["Some text."]) for number in range(1, 31)]))
    told: list[tuple[int, int]] = []
    read(path, PDF, progress=lambda done, total: told.append((done, total)), stop=nothing)
    assert told[0] == (0, 30)
    assert told[-1] == (30, 30)
    assert told == sorted(told)


def test_a_refusal_comes_back_as_its_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"no pdf")
    with pytest.raises(UnreadableDocument, match="damaged"):
        started(path, PDF)


def test_a_text_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="no text in this document"):
        started(word(tmp_path / "a.docx", lambda document: None), WORD)


class CalledOff(Exception):
    """What `stop` raises."""


def test_stopping_ends_it_at_once(endless: Path) -> None:
    before, begun, asked = children(), time.monotonic(), []

    def stop() -> None:
        asked.append(time.monotonic())
        if len(asked) == 12:
            raise CalledOff

    with pytest.raises(CalledOff):
        started(endless, stop=stop)
    assert time.monotonic() - begun < 30
    gaps = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert sorted(gaps)[len(gaps) // 2] < 0.2
    assert children() <= before


def test_time_is_limited(endless: Path) -> None:
    before, begun = children(), time.monotonic()
    with pytest.raises(UnreadableDocument, match="took too long"):
        started(endless, limits=Limits(seconds=1.5, cpu_seconds=20))
    assert time.monotonic() - begun < 30
    assert children() <= before


def test_cpu_is_limited(endless: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(UnreadableDocument, match="took too long"):
        started(endless, limits=Limits(seconds=40, cpu_seconds=1))
    assert time.monotonic() - begun < 35


def test_memory_is_limited(tmp_path: Path) -> None:
    path = tmp_path / "large.html"
    path.write_text("<html><body>" + "<p>word</p>" * 150_000)
    with pytest.raises(UnreadableDocument, match="more memory"):
        started(path, limits=Limits(memory_bytes=220 * MEGABYTE))


def test_a_bomb_that_passes_the_first_look_meets_the_memory_limit(tmp_path: Path) -> None:
    """Deflated 150 to 1, so it is opened; as a tree it is larger than what the process may have."""
    plain = word(tmp_path / "plain.docx", nothing)
    inner = "".join(f"<w:p><w:r><w:t>{i * 7919 % 100_003}</w:t></w:r></w:p>" for i in range(700_000))
    xml = f'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{inner}</w:body></w:document>'
    bomb = repacked(plain, tmp_path / "bomb.docx", {"word/document.xml": xml.encode()})
    with pytest.raises(UnreadableDocument, match="more memory"):
        started(bomb, WORD, limits=Limits(memory_bytes=320 * MEGABYTE))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["parts", "attributes", "depth", "links", "rows"])
def test_pages_of_twenty_megabytes_made_to_do_harm(tmp_path: Path, kind: str) -> None:
    markup = {
        "parts": "<p>some words</p>" * 1_200_000,
        "attributes": "<p " + " ".join(f"a{i}=b" for i in range(2_000_000)) + ">",
        "depth": "<div>" * 4_000_000,
        "links": "<a href='/x.mp3'>x</a>" * 900_000,
        "rows": "<table>" + "<tr><td>a</td></tr>" * 1_000_000,
    }[kind]
    path = tmp_path / "a.html"
    path.write_text(f"<html><body>{PROSE}{markup}")
    before, begun = children(), time.monotonic()
    try:
        assert started(path, limits=Limits(seconds=60)).text
    except UnreadableDocument as refusal:
        assert str(refusal).endswith(".")  # noqa: PT017 -- either is an end
    assert time.monotonic() - begun < 65
    assert children() <= before


def test_a_child_that_dies_is_told_of(monkeypatch: pytest.MonkeyPatch, page: Path, tmp_path: Path) -> None:
    (tmp_path / "crash.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setattr(parent, "ROOT", tmp_path)
    monkeypatch.setattr(parent, "CHILD", "crash")
    with pytest.raises(UnreadableDocument, match="damaged"):
        started(page)


@pytest.mark.parametrize("answer", ["print('no json')", 'print(\'{"type": "finished"}\')', "print('x' * 10)", "pass"])
def test_a_child_that_says_nonsense_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, page: Path, tmp_path: Path, answer: str
) -> None:
    (tmp_path / "nonsense.py").write_text(f"import sys\nsys.stdin.readline()\n{answer}\n")
    monkeypatch.setattr(parent, "ROOT", tmp_path)
    monkeypatch.setattr(parent, "CHILD", "nonsense")
    with pytest.raises(UnreadableDocument):
        started(page)


def test_a_child_that_never_stops_talking_is_ended(monkeypatch: pytest.MonkeyPatch, page: Path, tmp_path: Path) -> None:
    (tmp_path / "flood.py").write_text("import os\nwhile True:\n    os.write(1, b'x' * 65536)\n")
    monkeypatch.setattr(parent, "ROOT", tmp_path)
    monkeypatch.setattr(parent, "CHILD", "flood")
    monkeypatch.setattr(parent, "MOST_MESSAGE", 5 * MEGABYTE)
    with pytest.raises(UnreadableDocument, match="more memory"):
        started(page)


def test_it_dies_with_its_parent(endless: Path, tmp_path: Path) -> None:
    script = f"""
        from pathlib import Path
        from memories.engine.documents import read
        read(Path({str(endless)!r}), "text/html", progress=lambda a, b: None, stop=lambda: None)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT)
    try:
        (child,) = wait_for(lambda: children_of(process.pid) or None, 60)
        time.sleep(0.5)  # it has begun to read by then
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert wait_for(lambda: is_gone(child) or None, 60)
    finally:
        process.kill()
        process.wait()


CONFINED = """
    import resource, socket, subprocess, sys
    from memories.engine.documents.confinement import confine
    from memories.engine.documents.limits import Limits
    confine(Limits())
    {action}
"""


@pytest.mark.parametrize(
    "action",
    [
        "open('/dev/shm/memstack-no', 'w').write('x' * 10_000)",
        "socket.socket()",
        "socket.getaddrinfo('localhost', 80)",
        "subprocess.run(['true'])",
        "__import__('os').system('true')",
        "__import__('os').fork()",
        "files = [open('/dev/null') for _ in range(100)]",
        "x = bytearray(2_000_000_000)",
    ],
)
def test_what_it_may_not_do(action: str) -> None:
    script = textwrap.dedent(CONFINED).format(action=action)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    Path("/dev/shm/memstack-no").unlink(missing_ok=True)  # noqa: S108
    assert done.returncode == 1
    assert any(word in done.stderr for word in ("PermissionError", "OSError", "MemoryError"))


def test_it_has_nothing_of_the_users_environment(monkeypatch: pytest.MonkeyPatch, page: Path, tmp_path: Path) -> None:
    (tmp_path / "tell.py").write_text(
        "import os, sys\nfrom pathlib import Path\n"
        f"Path({str(tmp_path / 'environment')!r}).write_text(repr((dict(os.environ), sys.flags.no_user_site)))\n"
    )
    monkeypatch.setenv("MEMSTACK_LLM_API_KEY", "secret")
    monkeypatch.setattr(parent, "ROOT", tmp_path)
    monkeypatch.setattr(parent, "CHILD", "tell")
    with pytest.raises(UnreadableDocument):
        started(page)
    told = (tmp_path / "environment").read_text()
    assert "secret" not in told
    assert "HOME" not in told
    assert told.endswith("1)")


def test_the_pipes_are_closed(page: Path) -> None:
    started(page)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        started(page)
    assert len(os.listdir("/proc/self/fd")) <= before


def test_words_of_a_page(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf([[Words(72, 700, "One · two… “three” fünf €")]]))
    assert started(path, PDF).text == "One · two… “three” fünf €"
