"""From bytes to text, whatever they say of themselves."""

from __future__ import annotations

import codecs
import re

from memories.engine.documents.errors import UnreadableDocument

_MARKS = (  # the longer first: UTF-32's begins like UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What browsers read under these names (https://encoding.spec.whatwg.org/#names-and-labels).
_WIDER = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "big5": "big5hkscs",
}  # fmt: skip
_STATEFUL = {"iso2022_jp", "iso2022_kr", "hz"}  # look like ASCII
_DECLARED = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})|<\?xml[^>]{0,80}?encoding=["']([\w.:-]{1,40})""", re.I
)
_SAMPLE = 64 * 1024
FEW_ZEROS = 50  # bytes of a text to one that is zero, by mistake
# Those that files really have; the others of Python's hundred fit by chance.
_USUAL = ["cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r", "koi8_u", "iso8859_2",
          "iso8859_5", "iso8859_7", "iso8859_15", "cp437", "cp850", "cp866", "cp874", "cp932", "euc_jp", "gb18030",
          "big5hkscs", "cp949"]  # fmt: skip
NOT_TEXT = "This is no text: it has bytes that stand for no character. Check that the file is what its name says."


def decoded(data: bytes, charset: str = "") -> str:
    """The text of these bytes: by their mark, as UTF-8 if they are, by the charset that is told, or by what fits best.

    A character that can't be read is U+FFFD. Raises UnreadableDocument for what is no text.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    told = _codec(charset)
    if told in _STATEFUL or told.startswith(("utf-16", "utf-32")):
        return data.decode(told, "replace")
    sample = data[:_SAMPLE]
    if sample.count(0) * FEW_ZEROS > len(sample):
        return data.decode(_two_bytes(sample), "replace")
    try:  # what is UTF-8 by chance is no text in any other charset
        return data.decode()
    except UnicodeDecodeError:
        return _other(data, told)


def declared_in(markup: bytes) -> str:
    """The charset that a page tells in its first kilobytes, or ""."""
    found = _DECLARED.search(markup[:8192])
    name = (found[1] or found[2]).decode("ascii") if found else ""
    # Who can read the declaration has not written it in two bytes a character.
    return "" if _codec(name).startswith(("utf-16", "utf-32")) else name


def _codec(charset: str) -> str:
    try:
        name = codecs.lookup(charset.strip().lower().replace("x-sjis", "shift_jis")).name if charset.strip() else ""
    except (LookupError, ValueError):
        return ""
    return _WIDER.get(name, name)


def _two_bytes(sample: bytes) -> str:
    """UTF-16 without its mark: the characters of most languages leave every other byte zero, or nearly."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) * 5 > len(sample) and min(even, odd) * 20 <= max(even, odd):
        return "utf-16-be" if even > odd else "utf-16-le"
    raise UnreadableDocument(NOT_TEXT)


def _other(data: bytes, told: str) -> str:
    lenient = data.decode("utf-8", "replace")
    wrong = lenient.count("\ufffd")
    # What is not UTF-8 has hardly a character right by chance; what is, and was cut or damaged, has most of them.
    if wrong * 2 <= sum(not sign.isascii() for sign in lenient) - wrong:
        return lenient
    if told and told != "utf-8":
        text = data.decode(told, "replace")
        if text.count("\ufffd") * 50 <= len(text):
            return text
    return data.decode(_guessed(data), "replace")


def _guessed(data: bytes) -> str:
    """By the lines that have something to tell: what is ASCII fits all."""
    from charset_normalizer import from_bytes

    telling = b"\n".join(line for line in data.splitlines() if not line.isascii())[:_SAMPLE]
    best = from_bytes(telling, cp_isolation=_USUAL).best()
    if best is None:
        raise UnreadableDocument(NOT_TEXT)
    return _codec(best.encoding) or "cp1252"
