"""The lines of a page as PDFium finds them, each with its place, its size and whether it is bold."""

from __future__ import annotations

import ctypes
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pypdfium2
import pypdfium2.raw as pdfium

from memories.engine.documents.writing import flowing

HYPHENS = {"\x02", "\ufffe", "\xad"}  # what PDFium makes of a hyphen at a line's end
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}
_BOLD = ("bold", "black", "heavy")
_FONT_NAME = 128
MOST_CHARACTERS = 200_000  # of one page; the largest drawings have fewer


@dataclass(frozen=True, slots=True)
class Line:
    """Points, counted from the page's lower left corner. `hyphen`: its last word goes on in the next line."""

    text: str
    left: float
    right: float
    baseline: float
    size: float
    bold: bool = False
    hyphen: bool = False

    @property
    def top(self) -> float:
        return self.baseline + self.size


@dataclass(frozen=True, slots=True)
class Page:
    """`number` counts from 1; `height` in points."""

    number: int
    height: float = 0.0
    lines: list[Line] = field(default_factory=list)
    has_images: bool = False
    broken: bool = False


def read_page(pdf: pypdfium2.PdfDocument, index: int) -> Page:
    """The page of this index from 0. One that can't be read is marked as broken."""
    try:
        page = pdf[index]
    except pypdfium2.PdfiumError:
        return Page(index + 1, broken=True)
    try:
        text = page.get_textpage()
        lines = list(_lines(text))
        text.close()
        images = not lines and _has_images(page)
        return Page(index + 1, page.get_height(), lines, images)
    except pypdfium2.PdfiumError:
        return Page(index + 1, broken=True)
    finally:
        page.close()


def _has_images(page: pypdfium2.PdfPage) -> bool:
    kinds = [pdfium.FPDF_PAGEOBJ_IMAGE]
    return next(iter(page.get_objects(filter=kinds, max_depth=4)), None) is not None


def _lines(text: pypdfium2.PdfTextPage) -> Iterator[Line]:
    count = min(text.count_chars(), MOST_CHARACTERS)
    unicode_of = pdfium.FPDFText_GetUnicode
    signs = [chr(code) if (code := unicode_of(text.raw, i)) < 0x110000 else "\ufffd" for i in range(count)]
    start = 0
    for i, sign in enumerate([*signs, "\n"]):
        if sign in "\r\n" or sign in HYPHENS:
            line = _line(text, signs, start, i, sign in HYPHENS)
            if line:
                yield line
            start = i + 1


def _line(text: pypdfium2.PdfTextPage, signs: Sequence[str], start: int, end: int, hyphen: bool) -> Line | None:
    seen = [i for i in range(start, end) if not signs[i].isspace() and signs[i] != "\0"]
    if not seen:
        return None
    # A character beyond 16 bits comes as the two halves of UTF-16.
    joined = "".join(signs[seen[0] : seen[-1] + 1]).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    words = flowing(joined.translate(_LIGATURES))
    if not words:
        return None
    some = sorted({seen[0], seen[len(seen) // 3], seen[len(seen) * 2 // 3], seen[-1]})
    size = statistics.median(_size(text, i) for i in some)
    middle = some[len(some) // 2]
    (left, _), (_, right) = _edges(text, seen[0]), _edges(text, seen[-1])
    hyphen = hyphen or (len(words) > 1 and words[-1] in "-\u2010" and words[-2].isalpha())
    words = words.rstrip("-\u2010") if hyphen else words
    return Line(words, left, right, _baseline(text, middle), size, all(_is_bold(text, i) for i in some), hyphen)


def _edges(text: pypdfium2.PdfTextPage, index: int) -> tuple[float, float]:
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    pdfium.FPDFText_GetCharBox(text.raw, index, left, right, bottom, top)
    return left.value, right.value


def _baseline(text: pypdfium2.PdfTextPage, index: int) -> float:
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium.FPDFText_GetCharOrigin(text.raw, index, x, y)
    return y.value


def _size(text: pypdfium2.PdfTextPage, index: int) -> float:
    """The font's size as it is shown: many programs write size 1 and enlarge it."""
    matrix = pdfium.FS_MATRIX()
    scale = math.hypot(matrix.c, matrix.d) if pdfium.FPDFText_GetMatrix(text.raw, index, matrix) else 1.0
    return float(pdfium.FPDFText_GetFontSize(text.raw, index)) * (scale or 1.0)


def _is_bold(text: pypdfium2.PdfTextPage, index: int) -> bool:
    name, flags = ctypes.create_string_buffer(_FONT_NAME), ctypes.c_int()
    length = pdfium.FPDFText_GetFontInfo(text.raw, index, name, _FONT_NAME, flags)
    return 0 < length <= _FONT_NAME and any(word in name.value.decode("utf-8", "replace").lower() for word in _BOLD)
