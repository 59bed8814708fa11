"""PDF by PDFium: each page a section, its lines put together again to paragraphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pypdfium2

from memories.engine.documents.errors import UnreadableDocument
from memories.engine.documents.messages import Job
from memories.engine.documents.model import Block, Document, Section
from memories.engine.documents.pdf import details
from memories.engine.documents.pdf.furniture import without_furniture
from memories.engine.documents.pdf.lines import Page, read_page
from memories.engine.documents.pdf.paragraphs import Paragraph, Setter
from memories.engine.documents.writing import Writer

WRONG_PASSWORD, WRONG_SECURITY = 4, 5  # FPDF_GetLastError
PROTECTED = "This PDF is protected by a password. Save a copy without one (print it to PDF), and add that."
BROKEN = "This file is no PDF that can be read: it is damaged or was cut off. Check that it opens elsewhere."
EMPTY = "This PDF has no pages."
SCANNED = (
    "No page of this PDF has text; the pages are probably scans. Run a text recognition (OCR) over it, "
    "for example with ocrmypdf, and add the result."
)


def read(job: Job, progress: Callable[[int, int], None]) -> Document:
    pdf = _opened(job)
    total = len(pdf)
    if not total:
        raise UnreadableDocument(EMPTY)
    count = min(total, job.limits.pages)
    pages = []
    progress(0, count)
    for index in range(count):
        pages.append(read_page(pdf, index))
        progress(index + 1, count)
    if not any(page.lines for page in pages):
        raise UnreadableDocument(SCANNED)
    return _document(pages, details.told(pdf), total)


def _opened(job: Job) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(job.path)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", 0) in {WRONG_PASSWORD, WRONG_SECURITY}:
            raise UnreadableDocument(PROTECTED) from error
        raise UnreadableDocument(BROKEN) from error


def _document(pages: Sequence[Page], told: Document, total: int) -> Document:
    setter = Setter([line for page in pages for line in page.lines])
    writer, sections = Writer(), []
    for page in without_furniture(pages):
        first = len(writer.blocks)
        for paragraph in setter.paragraphs(page.lines):
            _write(writer, paragraph)
        if len(writer.blocks) > first:
            sections.append(Section(writer.blocks[first].start, writer.length, page=page.number))
    text = writer.text
    return replace(
        told,
        text=text,
        title=told.title or _largest_heading(text, writer.blocks, sections),
        sections=tuple(sections),
        blocks=tuple(writer.blocks),
        notes=tuple(_notes(pages, total)),
    )


def _write(writer: Writer, paragraph: Paragraph) -> None:
    writer.add(paragraph.kind, paragraph.text, paragraph.level, mark=paragraph.mark)


def _largest_heading(text: str, blocks: Sequence[Block], sections: Sequence[Section]) -> str:
    """Of the first page that has text."""
    first_page = sections[0].end if sections else 0
    headings = [block for block in blocks if block.kind == "heading" and block.end <= first_page]
    best = min(headings, key=lambda block: block.level, default=None)
    return text[best.start : best.end] if best else ""


def _notes(pages: Sequence[Page], total: int) -> list[str]:
    notes = []
    scans = [page.number for page in pages if not page.lines and page.has_images]
    broken = [page.number for page in pages if page.broken]
    if scans:
        one = len(scans) == 1
        has, may = ("has", "it may be a scan") if one else ("have", "they may be scans")
        notes.append(f"{_pages(scans)} of {total} {has} no text; {may}.")
    if broken:
        notes.append(f"{_pages(broken)} of {total} could not be read.")
    if len(pages) < total:
        notes.append(f"The first {len(pages):,} of {total:,} pages were read.")
    return notes


def _pages(numbers: Sequence[int]) -> str:
    """ "Page 3", "Pages 3 to 5, 8 and 12"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    named = [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[1]}" for run in runs]
    joined = " and ".join([", ".join(named[:-1]), named[-1]]) if len(named) > 1 else named[0]
    return f"{'Page' if len(numbers) == 1 else 'Pages'} {joined}"
