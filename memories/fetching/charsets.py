"""How the letters of a text are written: by its first bytes, what was said, what it says of itself, or by its look."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
META = re.compile(rb"""<meta[^>]{0,500}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
XML = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})""")
SAID = re.compile(r"""charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
# Browsers read these as the Windows character sets that hold them; pages rely on it.
WIDER = {"iso8859-1": "windows-1252", "ascii": "windows-1252", "iso8859-9": "windows-1254", "gb2312": "gbk"}
LOOKED_AT = 64 * 1024
DEFAULT = "utf-8"


def charset_of(start: bytes, said: str = "") -> str:
    """The name of the character set of a text, one that Python knows; `start` are its first bytes (64 KB are enough),
    `said` is the Content-Type."""
    if marked := by_mark(start):
        return marked
    for label in (_first(SAID, said), _declared(META, start), _declared(XML, start)):
        if (name := known(label)) and _fits(start, name):
            return name
    return DEFAULT if _fits(start, DEFAULT) else _by_look(start)


def by_mark(start: bytes) -> str:
    """By the byte order mark; "" where there is none."""
    return next((name for mark, name in MARKS if start.startswith(mark)), "")


def known(label: str) -> str:
    """Python's name for the label, as browsers read it; "" for one that is no character set."""
    try:
        name = codecs.lookup(label.strip()).name
        b"a".decode(name, "replace")  # some codecs turn bytes into something else than text
    except (LookupError, ValueError):
        return ""
    return WIDER.get(name, name)


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


def _declared(pattern: re.Pattern[bytes], start: bytes) -> str:
    found = pattern.search(start[:4096])
    return found[1].decode("ascii", "ignore") if found else ""


def _fits(start: bytes, name: str) -> bool:
    """Whether the bytes are letters in it; the last one may be cut off."""
    try:
        codecs.getincrementaldecoder(name)("strict").decode(start, False)
    except (UnicodeError, LookupError):
        return name == "windows-1252"  # it leaves five bytes open, and browsers take them all the same
    return True


def _by_look(start: bytes) -> str:
    """The likeliest; but one of the West where it is about as likely, for Latin letters give little away."""
    found = from_bytes(start[:LOOKED_AT])
    best = found.best()
    if best is None or "cp1252" in best.could_be_from_charset:
        return "windows-1252"
    for other in found:
        close = other.coherence > best.coherence - 0.05 and other.chaos < best.chaos + 0.1
        if other.encoding == "cp1252" and close:
            return "windows-1252"
    return known(best.encoding) or DEFAULT
