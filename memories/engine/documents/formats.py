"""Which reader a file gets. Each is imported, with its library, in the process that uses it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from memories.engine.documents.errors import UnreadableDocument
from memories.engine.documents.messages import Job
from memories.engine.documents.model import Document

Reader = Callable[[Job, Callable[[int, int], None]], Document]
HTML = {"text/html", "application/xhtml+xml"}
PDF = {"application/pdf", "application/x-pdf"}
WORD = {"application/vnd.openxmlformats-officedocument.wordprocessingml.document"}
MACROS = "application/vnd.ms-word.document.macroenabled.12"
OLD_WORD = {"application/msword", "application/x-ole-storage", "application/cdfv2", MACROS}
MARKDOWN = {"text/markdown", "text/x-markdown"}
MARKDOWN_ENDINGS = {".md", ".markdown", ".mdown", ".mkd"}


def reader_of(media_type: str, name: str) -> Reader:
    """By the type; plain text is Markdown when its name says so. Raises UnreadableDocument when none reads it."""
    kind = media_type.partition(";")[0].strip().lower()
    ending = PurePath(name).suffix.lower()
    if kind in HTML:
        from memories.engine.documents.html import read
    elif kind in PDF:
        from memories.engine.documents.pdf import read
    elif kind in WORD | OLD_WORD or (kind == "application/zip" and ending in {".docx", ".docm"}):
        from memories.engine.documents.word import read
    elif kind in MARKDOWN or (kind == "text/plain" and ending in MARKDOWN_ENDINGS):
        from memories.engine.documents.markdown import read
    elif kind == "text/plain":
        from memories.engine.documents.plain import read
    else:
        raise UnreadableDocument(_unknown(kind))
    return read


def _unknown(kind: str) -> str:
    return (
        f"MemStack can't read files of the type “{kind or 'unknown'}”. "
        "It reads web pages, PDF, Word (.docx), Markdown and plain text."
    )
