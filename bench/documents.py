"""How much of a page's body is found, and how fast documents are read and summarised. Prints tables in Markdown.

`python -m bench.documents [--pages 200]`: the pages of the tests; a PDF, a Word file and texts made here. Times
are clock and CPU of this process; "in its own process" is what a task waits, from the start of the child to its end.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import docx
import trafilatura

from memories.engine.documents import read
from memories.engine.documents.model import Document
from memories.engine.summary import summarize
from memstack import __version__
from tests.engine.documents import bodies
from tests.engine.documents.files import HTML, PDF, WORD, pdf, read_here, word, written_page

T = TypeVar("T")
WORDS = """
bridge river committee harbour winter ferry engine market council timber lantern meadow signal archive workshop kettle
builds carries repairs forgets measures sells opens crosses follows answers the a this every some old narrow quiet
between under without along before
""".split()  # noqa: SIM905 -- as the other lists of words are written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=200, help="of the PDF")
    options = parser.parse_args()
    print(f"MemStack {__version__}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}\n")
    documents = bodies_found()
    with tempfile.TemporaryDirectory() as folder:
        speed(Path(folder), options.pages)
    summaries(documents["longread-divs"].text)


def bodies_found() -> dict[str, Document]:
    documents, rows = {}, []
    for page in bodies.PAGES:
        source = bodies.markup(page)
        expected = bodies.body(source)
        documents[page.stem] = read_here(page, HTML, url=f"https://site.example/{page.stem}")
        alone = trafilatura.extract(bodies.without_marks(source), include_comments=False, include_images=True) or ""
        rows.append((page.stem, bodies.f1(documents[page.stem].text, expected), bodies.f1(alone, expected)))
    print("| page | token F1 | trafilatura alone |\n|---|---:|---:|")
    for name, ours, theirs in rows:
        print(f"| {name} | {ours:.3f} | {theirs:.3f} |")
    print(f"| **average** | {mean([row[1] for row in rows]):.3f} | {mean([row[2] for row in rows]):.3f} |")
    print(f"| **lowest** | {min(row[1] for row in rows):.3f} | {min(row[2] for row in rows):.3f} |\n")
    return documents


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def speed(folder: Path, pages: int) -> None:
    book, report, page = folder / "book.pdf", folder / "report.docx", bodies.PAGES[0]
    book.write_bytes(pdf([written_page(number, [sentence(15) for _ in range(48)]) for number in range(1, pages + 1)]))
    word(report, fill)
    print("| what | clock | CPU |\n|---|---:|---:|")
    told(f"PDF, {pages} pages of 720 words", lambda: read_here(book, PDF))
    told("the same, in its own process", lambda: whole(book, PDF))
    told("Word, 2,000 paragraphs", lambda: read_here(report, WORD))
    told("the same, in its own process", lambda: whole(report, WORD))
    told("a page of a magazine", lambda: read_here(page, HTML))
    told("the same, in its own process", lambda: whole(page, HTML))
    large = folder / "large.html"
    large.write_text("<html><body><article>" + "".join(f"<p>{sentence(60)}</p>" for _ in range(10_000)))
    told(f"a page of {large.stat().st_size / 1e6:.1f} MB, 10,000 paragraphs", lambda: read_here(large, HTML))


def whole(path: Path, media_type: str) -> Document:
    return read(path, media_type, progress=lambda done, total: None, stop=lambda: None)


def fill(document: docx.document.Document) -> None:
    for number in range(2_000):
        if number % 20 == 0:
            document.add_heading(f"Part {number // 20}", 1)
        document.add_paragraph(sentence(40))


def sentence(words: int, chance: random.Random = random.Random(7)) -> str:  # noqa: B008, S311 -- the same in each run
    return " ".join(chance.choices(WORDS, k=words)).capitalize() + "."


def summaries(essay: str) -> None:
    summarize(essay)  # loads the models
    told(f"summary of {len(essay.split())} words", lambda: summarize(essay))
    for count in (12, 96, 1_000, 20_000):
        text = " ".join(sentence(18) for _ in range(count))
        told(f"summary of {count:,} sentences", lambda text=text: summarize(text))  # type: ignore[misc]


def told(what: str, action: Callable[[], T]) -> T:
    """One run, after whatever it imports was imported by the one before."""
    clock, cpu = time.perf_counter(), time.process_time()
    result = action()
    print(f"| {what} | {time.perf_counter() - clock:.2f} s | {time.process_time() - cpu:.2f} s |")
    return result


if __name__ == "__main__":
    main()
