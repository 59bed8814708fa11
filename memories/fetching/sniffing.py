"""What a file is, by what it holds; what a server says of it, or its name, decides only between kinds of text.

The signatures are those of the kinds that can be saved, and of some others so that a refusal can name them. General
tables of signatures take much of what is a plain text for something else.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from memories.fetching import charsets

HEAD = 4096
TAIL = 128 * 1024  # where a zip archive has its table of contents
UNKNOWN = "application/octet-stream"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SIGNATURES: tuple[tuple[bytes, int, str], ...] = (
    (b"fLaC", 0, "audio/flac"),
    (b"ID3", 0, "audio/mpeg"),
    (b"%PDF-", 0, "application/pdf"),
    (b"PK\x03\x04", 0, "application/zip"),
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF8", 0, "image/gif"),
    (b"\x1aE\xdf\xa3", 0, "video/webm"),
    (b"\x1f\x8b", 0, "application/gzip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, "application/msword"),
    (b"7z\xbc\xaf\x27\x1c", 0, "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", 0, "application/vnd.rar"),
    (b"\x7fELF", 0, "application/x-executable"),
    (b"MZ\x90", 0, "application/x-executable"),
)
RIFF = {b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo", b"WEBP": "image/webp"}
BRANDS = {
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
    b"avif": "image/avif",
    b"heic": "image/heic",
}
OFFICE = (
    (b"word/document", DOCX),
    (b"xl/workbook", "application/vnd.ms-excel"),
    (b"ppt/", "application/vnd.ms-powerpoint"),
)
HTML = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|title|meta|script|style|link|div|table|h1|p|a|br|font|iframe|article|main|section)"
    rb"[\s>/]",
    re.IGNORECASE,
)
TAG = re.compile(rb"<[a-zA-Z]\w*[\s>/]")
COMMENT = re.compile(rb"<!--.*?-->\s*", re.DOTALL)
ROOT = re.compile(rb"(?:<[?!][^>]*>\s*)*<(?:\w+:)?(\w+)")
XML = {
    b"rss": "application/rss+xml",
    b"rdf": "application/rss+xml",
    b"feed": "application/atom+xml",
    b"html": "text/html",
}
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
MARKDOWN = {".md", ".markdown"}
OTHER_TEXTS = {"application/json", "application/javascript", "text/javascript", "text/css", "application/ld+json"}


def media_type_of(path: Path, said: str = "", name: str = "") -> str:
    """The media type of a file, as in "text/html"; `said` is what was said of it, `name` its name.

    "application/octet-stream" when it is none that is known.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
        found = sniffed(head, said, name)
        if found != "application/zip":
            return found
        file.seek(max(0, path.stat().st_size - TAIL))
        return _office(head + file.read()) or found


def sniffed(head: bytes, said: str = "", name: str = "") -> str:
    """The same by the first bytes alone (4096 are enough); a Word document is "application/zip" here."""
    said = said.partition(";")[0].strip().lower()
    for look in (_signature, _riff, _ogg, _mp3, _pdf):
        if found := look(head):
            return found
    return _iso_media(head, said, name) or _text(head, said, name)


def _signature(head: bytes) -> str:
    return next((kind for mark, place, kind in SIGNATURES if head.startswith(mark, place)), "")


def _riff(head: bytes) -> str:
    return RIFF.get(head[8:12], "") if head.startswith(b"RIFF") else ""


def _ogg(head: bytes) -> str:
    if not head.startswith(b"OggS"):
        return ""
    return "video/ogg" if b"\x80theora" in head else "audio/ogg"


def _mp3(head: bytes) -> str:
    """The head of a frame of MPEG layer III: sync, a bitrate and a sampling rate that there are."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2 or head[1] & 0x18 == 0x08:
        return ""
    return "audio/mpeg" if 0 < head[2] >> 4 < 15 and head[2] & 0x0C != 0x0C else ""


def _pdf(head: bytes) -> str:
    """Readers take a PDF that begins within the first kilobyte."""
    return "application/pdf" if re.search(rb"%PDF-\d", head[:1024]) and CONTROL.search(head) else ""


def _iso_media(head: bytes, said: str, name: str) -> str:
    if head[4:8] != b"ftyp":
        return ""
    sound = said.startswith("audio/") or PurePosixPath(name.lower()).suffix == ".m4a"
    return BRANDS.get(head[8:12]) or ("audio/mp4" if sound else "video/mp4")


def _text(head: bytes, said: str, name: str) -> str:
    encoding = charsets.by_mark(head)
    if not encoding.startswith("utf-16") and CONTROL.search(head):
        return UNKNOWN
    text = COMMENT.sub(b"", head.decode(encoding or "latin-1", "replace").lstrip("\ufeff \t\r\n").encode())
    root = ROOT.match(text)
    if text.startswith(b"<?xml") or (root and root[1].lower() in XML) or "xml" in said:
        return XML.get(root[1].lower(), "application/xml") if root else "application/xml"
    if HTML.match(text) or (said == "text/html" and TAG.search(text)):
        return "text/html"
    return _plain(said, name)


def _plain(said: str, name: str) -> str:
    if said in OTHER_TEXTS:
        return said
    if said in {"text/markdown", "text/x-markdown"} or PurePosixPath(name.lower()).suffix in MARKDOWN:
        return "text/markdown"
    return "text/plain"


def _office(data: bytes) -> str:
    return next((kind for mark, kind in OFFICE if mark in data), "")
