"""Files to read, made on the spot: PDF by hand, since nothing here writes it, and Word by python-docx."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import docx

from memories.engine.documents.formats import reader_of
from memories.engine.documents.limits import Limits
from memories.engine.documents.messages import Job
from memories.engine.documents.model import Block, Document

HTML = "text/html"
PDF = "application/pdf"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")  # ISO 32000-1, 7.6.3.3


def read_here(
    path: Path,
    media_type: str,
    *,
    url: str = "",
    charset: str = "",
    limits: Limits = Limits(),  # noqa: B008 -- frozen
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Document:
    """As the child process does it, in this one."""
    job = Job(path, media_type, url, path.name, charset, limits)
    return reader_of(media_type, path.name)(job, progress)


def page_of(
    tmp_path: Path, markup: str | bytes, *, url: str = "https://site.example/a/b", charset: str = ""
) -> Document:
    path = tmp_path / "page.html"
    path.write_bytes(markup if isinstance(markup, bytes) else markup.encode())
    return read_here(path, HTML, url=url, charset=charset)


def shown(document: Document) -> list[tuple[str, int, str]]:
    """(kind, level, text) of the blocks."""
    return [(block.kind, block.level, document.text[block.start : block.end]) for block in document.blocks]


def texts(document: Document, kind: str = "") -> list[str]:
    return [text for found, _, text in shown(document) if not kind or found == kind]


def are_exact(text: str, blocks: Iterable[Block]) -> bool:
    """In order, without overlap, and each begins and ends with something that is seen."""
    end = 0
    for block in blocks:
        piece = text[block.start : block.end]
        if block.start < end or not piece or piece != piece.rstrip() or (block.kind != "code" and piece[0].isspace()):
            return False
        end = block.end
    return True


@dataclass(frozen=True)
class Words:
    """A line on a page: points from the lower left corner. Font 1 is Helvetica, 2 is Helvetica-Bold."""

    x: float
    y: float
    text: str
    size: float = 11
    font: int = 1


@dataclass(frozen=True)
class Scan:
    """A page that is one picture."""


def written_page(number: int, lines: Sequence[str]) -> list[Words]:
    """A page with a running header, a page number, and these lines."""
    header = Words(72, 800, "The Annual Report of the Society", 9)
    body = [Words(72, 740 - 14 * i, line) for i, line in enumerate(lines)]
    return [header, *body, Words(290, 30, f"Page {number}", 9)]


def pdf(
    pages: Sequence[Sequence[Words] | Scan],
    *,
    info: dict[str, str] | None = None,
    language: str = "",
    password: str = "",
) -> bytes:
    """A PDF 1.4 file. With a password the dictionary of the standard handler (40-bit RC4) is there; the text lies open."""
    objects: list[bytes] = []
    kids = " ".join(f"{5 + 2 * i} 0 R" for i in range(len(pages)))
    lang = f" /Lang ({language})" if language else ""
    objects.append(f"<< /Type /Catalog /Pages 2 0 R{lang} >>".encode())
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode())
    for name in ("Helvetica", "Helvetica-Bold"):
        objects.append(f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>".encode())
    image = 5 + 2 * len(pages)
    for i, page in enumerate(pages):
        resources = f"<< /Font << /F1 3 0 R /F2 4 0 R >> /XObject << /I {image} 0 R >> >>"
        entry = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {6 + 2 * i} 0 R /Resources {resources} >>"
        )
        objects += [entry.encode(), _stream(_drawn(page))]
    objects.append(
        _stream(
            b"\x80", "/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8"
        )
    )
    trailer = f"/Root 1 0 R /Size {len(objects) + 2}"
    if info:
        objects.append(("<< " + " ".join(f"/{key} ({value})" for key, value in info.items()) + " >>").encode("latin-1"))
        trailer += f" /Info {len(objects)} 0 R"
    if password:
        objects.append(_encryption(password))
        trailer += f" /Encrypt {len(objects)} 0 R /ID [<{'00' * 16}><{'00' * 16}>]"
    return _assembled(objects, trailer)


def _drawn(page: Sequence[Words] | Scan) -> bytes:
    if isinstance(page, Scan):
        return b"q 595 0 0 842 0 0 cm /I Do Q"
    return b"\n".join(
        b"BT /F%d %.1f Tf 1 0 0 1 %.1f %.1f Tm (%s) Tj ET" % (one.font, one.size, one.x, one.y, _escaped(one.text))
        for one in page
    )


def _escaped(text: str) -> bytes:
    return text.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _stream(data: bytes, entries: str = "") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), entries.encode(), data)


def _assembled(objects: Sequence[bytes], trailer: str) -> bytes:
    out = io.BytesIO(b"%PDF-1.4\n")
    out.seek(0, io.SEEK_END)
    places = []
    for number, content in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(f"trailer\n<< {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


def _encryption(password: str) -> bytes:
    padded = (password.encode() + _PADDING)[:32]
    owner = _rc4(hashlib.md5(padded).digest()[:5], padded)  # noqa: S324 -- what the format asks for
    rights = (-4 & 0xFFFFFFFF).to_bytes(4, "little")
    key = hashlib.md5(padded + owner + rights + bytes(16)).digest()[:5]  # noqa: S324
    entries = f"/O <{owner.hex()}> /U <{_rc4(key, _PADDING).hex()}>"
    return f"<< /Filter /Standard /V 1 /R 2 /P -4 {entries} >>".encode()


def _rc4(key: bytes, data: bytes) -> bytes:
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def word(path: Path, fill: Callable[[docx.document.Document], None]) -> Path:
    document = docx.Document()
    fill(document)
    document.save(str(path))
    return path


def repacked(source: Path, target: Path, changes: dict[str, bytes]) -> Path:
    """The packed file with other parts in place of these, or beside them."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, changes.get(name, old.read(name)))
        for name in changes.keys() - set(old.namelist()):
            new.writestr(name, changes[name])
    return target
