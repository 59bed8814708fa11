"""Reads text files piece by piece: their encoding, their lines, the values of a JSON array.

However large a file is, no more of it is held than one line or one value, which may have MAX_VALUE bytes.
"""

from __future__ import annotations

import codecs
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from memories.importing.refusals import ImportRefused, Unreadable

CHUNK = 64 * 1024
MAX_VALUE = 32 * 1024 * 1024  # four times a memory's text: JSON may write a character as six or twelve
MAX_LINES = 1_000_000
IN_MEMORY = 1024 * 1024
BLANK = " \t\r\n"
MARKS = (  # the longer first: UTF-32's begins like UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECODER = json.JSONDecoder()


def temporary() -> IO[bytes]:
    """A file that goes when it is closed; in memory while it is small."""
    return tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)


@contextmanager
def as_utf8(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """The file in UTF-8 from behind its byte order mark; one without a mark is taken for UTF-8.

    Unreadable when it has the mark of UTF-16 or UTF-32 and is not. A Latin-1 file has no mark: its lines are
    read as UTF-8 and refused one by one, because a guess would spoil names without anybody noticing.
    """
    start = file.read(4)
    for mark, name in MARKS:
        if start.startswith(mark):
            file.seek(len(mark) if name == "utf-8" else 0)
            break
    else:
        name = "utf-8"
        file.seek(0)
    if name == "utf-8":
        yield file
        return
    with temporary() as copy:
        _rewrite(file, name, copy)
        yield copy


def _rewrite(file: IO[bytes], encoding: str, copy: IO[bytes]) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while piece := file.read(CHUNK):
            copy.write(decoder.decode(piece).encode())
        copy.write(decoder.decode(b"", final=True).encode())
    except UnicodeError:
        raise Unreadable(f"The file begins like {encoding.upper()} and is not; save it as UTF-8.") from None
    copy.seek(0)


def decoded(data: bytes) -> str:
    """The text of UTF-8; Unreadable names the first wrong byte."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(f"This is not UTF-8 (byte {error.start + 1}); convert it and import it again.") from None


def parse(data: str) -> Any:
    """The JSON value; Unreadable with a sentence for what isn't JSON, is nested too deep, or has numbers too long."""
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        raise Unreadable(f"This is not JSON: {error.msg} (character {error.pos + 1}).") from None
    except RecursionError:
        raise Unreadable("The JSON is nested too deep.") from None
    except ValueError:
        raise Unreadable("The JSON has a number with too many digits.") from None


def lines(file: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """(number from 1, line) of each line that isn't blank; None for one of more than MAX_VALUE bytes."""
    for number in range(1, MAX_LINES + 1):
        line = file.readline(MAX_VALUE + 1)
        if not line:
            return
        if len(line) > MAX_VALUE:
            while not line.endswith(b"\n") and (line := file.readline(CHUNK)):
                pass
            yield number, None
        elif not line.isspace():
            yield number, line
    if file.read(1):
        raise ImportRefused(f"The file has more than {MAX_LINES:,} lines; import it in parts.", too_large=True)


class Values:
    """Takes JSON values one after the other from a UTF-8 file. ImportRefused for what isn't JSON: nothing tells where
    the next value would begin."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text, self._at, self._ended = "", 0, False
        self._taken = 0

    def peek(self) -> str:
        """The next character that is not blank; "" at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in BLANK:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                return ""
            self._more()

    def skip(self, wanted: str) -> None:
        """Goes behind this character."""
        if self.peek() != wanted:
            raise self._broken(f"there is no “{wanted}” where one belongs")
        self._at += 1

    def take(self) -> Any:
        """The next value."""
        self.peek()
        while True:
            value, end = self._attempt()
            if end is not None:
                self._at, self._taken = end, self._taken + 1
                return value
            if len(self._text) - self._at > MAX_VALUE:
                raise ImportRefused(f"Memory {self._taken + 1} has more than {MAX_VALUE:,} bytes.", too_large=True)
            self._more()

    def array(self) -> Iterator[Any]:
        """The values of the array that begins here."""
        self.skip("[")
        more, count = self.peek() != "]", 0
        while more:
            if (count := count + 1) > MAX_LINES:
                raise ImportRefused(
                    f"The array has more than {MAX_LINES:,} values; import it in parts.", too_large=True
                )
            yield self.take()
            more = self._comma()
        self.skip("]")

    def members(self) -> Iterator[str]:
        """The names of the object that begins here; who asks takes the value of each before the next name."""
        self.skip("{")
        more = self.peek() != "}"
        while more:
            name = str(self.take())
            self.skip(":")
            yield name
            more = self._comma()
        self.skip("}")

    def _comma(self) -> bool:
        if self.peek() != ",":
            return False
        self.skip(",")
        return True

    def end(self) -> None:
        """ImportRefused when something follows."""
        if self.peek():
            raise self._broken("something follows after its end")

    def _attempt(self) -> tuple[Any, int | None]:
        """(value, where it ends); (None, None) when the text that has been read may not hold all of it."""
        try:
            value, end = _DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            if self._ended:
                raise self._broken(error.msg) from None
            return None, None
        except RecursionError:
            raise ImportRefused("The JSON is nested too deep.") from None
        except ValueError:
            raise ImportRefused("The JSON has a number with too many digits.") from None
        return (value, end) if end < len(self._text) or self._ended else (None, None)  # 12 may go on with 3

    def _more(self) -> None:
        rest = self._text[self._at :]
        piece = self._file.read(max(CHUNK, len(rest)))  # twice as much each time: a value is begun again few times
        self._ended = not piece
        try:
            self._text, self._at = rest + self._decoder.decode(piece, final=self._ended), 0
        except UnicodeDecodeError:
            raise ImportRefused("The file is not UTF-8; convert it and import it again.") from None

    def _broken(self, why: str) -> ImportRefused:
        return ImportRefused(f"This is not JSON: {why}, after {self._taken} values.")
