"""What a PDF tells of itself beside its pages."""

from __future__ import annotations

import ctypes
import re
from datetime import datetime

import pypdfium2
import pypdfium2.raw as pdfium

from memories.engine.documents.model import Document
from memories.engine.documents.moments import moment

_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:Z|([+-])(\d\d)'?(\d\d)?'?)?")
_NO_TITLE = re.compile(
    r"(?:untitled|title|document\d*|.*\.(?:docx?|indd|tex|dvi|qxd|rtf|odt|pages|pptx?|xlsx?))\Z", re.IGNORECASE
)
_PROGRAM = re.compile(r"(?:Microsoft (?:Word|PowerPoint|Excel)|Print|PowerPoint Presentation)\s*-\s*", re.IGNORECASE)
_LANGUAGE = 64  # bytes


def told(pdf: pypdfium2.PdfDocument) -> Document:
    """Title, author, date, language and keywords of a document without text."""
    values = {key: value.strip().strip("\0") for key, value in pdf.get_metadata_dict().items()}
    title = _PROGRAM.sub("", values.get("Title", ""))
    keywords = re.split(r"[,;]", values.get("Keywords", ""))
    return Document(
        "",
        title="" if _NO_TITLE.match(title) else title,
        author=values.get("Author", ""),
        language=_language(pdf),
        published_at=pdf_date(values.get("CreationDate", "")),
        tags=tuple(dict.fromkeys(word.strip() for word in keywords if word.strip())),
    )


def pdf_date(value: str) -> datetime | None:
    """ "D:20240305102000+02'00'" (ISO 32000-1, 7.9.4); None for what is no full date."""
    found = _DATE.match(value)
    if not found or not found[3]:
        return None
    zone = f"{found[7]}{found[8]}:{found[9] or '00'}" if found[7] else "+00:00"
    clock = ":".join(part or "00" for part in found.group(4, 5, 6))
    return moment(f"{found[1]}-{found[2]}-{found[3]}T{clock}{zone}")


def _language(pdf: pypdfium2.PdfDocument) -> str:
    buffer = ctypes.create_string_buffer(_LANGUAGE)
    length = pdfium.FPDFCatalog_GetLanguage(pdf.raw, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), _LANGUAGE)
    if not 2 < length <= _LANGUAGE:
        return ""
    name = buffer.raw[: length - 2].decode("utf-16-le", "replace")
    return name.partition("-")[0].lower() if re.fullmatch(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*", name) else ""
