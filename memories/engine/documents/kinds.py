"""Which media types are read, and what a person calls them."""

from __future__ import annotations

HTML = frozenset({"text/html", "application/xhtml+xml"})
TEXTS = frozenset({"text/plain", "text/markdown"})
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
AUDIO_ELSEWHERE = frozenset({"application/ogg", "application/mp4"})


def is_recording(media_type: str) -> bool:
    return media_type.startswith(("audio/", "video/")) or media_type in AUDIO_ELSEWHERE


def is_text(media_type: str) -> bool:
    """Whether its words stand in it, and are not said."""
    return media_type in HTML or media_type in TEXTS or media_type in (PDF, DOCX)


def is_readable(media_type: str) -> bool:
    return is_text(media_type) or is_recording(media_type)


WORDS = {
    "text/html": "A web page",
    "application/xhtml+xml": "A web page",
    "text/plain": "A text",
    "text/markdown": "A Markdown text",
    PDF: "A PDF file",
    DOCX: "A Word file",
}


def in_words(media_type: str) -> str:
    """ "A PDF file"; "A video", "A sound recording"."""
    if is_recording(media_type):
        return "A video" if media_type.startswith("video/") else "A sound recording"
    return WORDS.get(media_type, "A file")
