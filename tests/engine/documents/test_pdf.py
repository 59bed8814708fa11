"""PDF: pages, paragraphs, running lines, what a file tells of itself, and files that can't be read."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memories.engine.documents.errors import UnreadableDocument
from memories.engine.documents.limits import Limits
from memories.engine.documents.model import Document
from memories.engine.documents.pdf.details import pdf_date
from memories.engine.documents.pdf.furniture import without_furniture
from memories.engine.documents.pdf.lines import Line, Page
from tests.engine.documents.files import LIMITS, PDF, Scan, Words, are_exact, pdf, read_here, shown, texts, written_page

LINES = [
    "The society met eleven times in the course of the year, and twice in the open air, as the weather al-",
    "lowed it. The well-known collection of maps was lent to the museum at Holm, where it was seen by more",
    "than nine thousand visitors, most of them from abroad.",
]


def opened(tmp_path: Path, data: bytes, limits: Limits = LIMITS) -> Document:
    path = tmp_path / "file.pdf"
    path.write_bytes(data)
    return read_here(path, PDF, limits=limits)


def test_pages_are_sections_with_their_numbers(tmp_path: Path) -> None:
    found = opened(tmp_path, pdf([[Words(72, 700, "The first page.")], [], [Words(72, 700, "The third page.")]]))
    assert [(found.text[one.start : one.end], one.page) for one in found.sections] == [
        ("The first page.", 1),
        ("The third page.", 3),
    ]
    assert found.notes == ()


def test_lines_become_paragraphs(tmp_path: Path) -> None:
    page = written_page(1, [*LINES, "", "Another paragraph begins here, after an empty line."])
    paragraphs = texts(opened(tmp_path, pdf([page])), "paragraph")
    assert paragraphs[1] == (
        "The society met eleven times in the course of the year, and twice in the open air, as the weather allowed it. "
        "The well-known collection of maps was lent to the museum at Holm, where it was seen by more than "
        "nine thousand visitors, most of them from abroad."
    )
    assert paragraphs[2].startswith("Another paragraph")


def test_a_hyphen_that_belongs_to_the_word_stays(tmp_path: Path) -> None:
    lines = [
        "It was a well-known map that hung for many years in the reading room and was called the well-",
        "known map by everybody who came there to look at it in the long winter evenings of the year.",
    ]
    page = written_page(1, lines)
    assert "called the well-known map" in opened(tmp_path, pdf([page])).text


def test_running_lines_are_left_out(tmp_path: Path) -> None:
    found = opened(tmp_path, pdf([written_page(number, LINES) for number in range(1, 7)]))
    assert "Annual Report" not in found.text
    assert "Page 3" not in found.text
    assert len(found.sections) == 6
    assert found.text.count("The society met") == 6


def test_lines_of_two_pages_are_not_running(tmp_path: Path) -> None:
    assert "Annual Report" in opened(tmp_path, pdf([written_page(number, LINES) for number in (1, 2)])).text


def test_a_page_keeps_its_only_line(tmp_path: Path) -> None:
    found = opened(tmp_path, pdf([[Words(72, 800, f"This is page {number}.")] for number in range(1, 9)]))
    assert [found.text[one.start : one.end] for one in found.sections] == [f"This is page {n}." for n in range(1, 9)]


def test_first_lines_of_the_text_are_no_header(tmp_path: Path) -> None:
    pages = [
        [Words(72, 800 - 14 * i, line) for i, line in enumerate([f"Entry {n} of the log", *LINES])] for n in range(1, 9)
    ]
    assert "Entry 5 of the log" in opened(tmp_path, pdf(pages)).text


def test_headings_by_size_and_weight(tmp_path: Path) -> None:
    body = [Words(72, 660 - 14 * i, line) for i, line in enumerate(LINES)]
    page = [Words(72, 760, "On Maps", 24), Words(72, 700, "What they are for", 15), *body,
            Words(72, 590, "A bold heading", font=2), Words(72, 570, "Some more text below it.")]  # fmt: skip
    found = opened(tmp_path, pdf([page]))
    assert [one for one in shown(found) if one[0] == "heading"] == [
        ("heading", 1, "On Maps"),
        ("heading", 2, "What they are for"),
        ("heading", 3, "A bold heading"),
    ]
    assert found.title == "On Maps"


def test_lists(tmp_path: Path) -> None:
    page = [
        Words(72, 700, "We need:"),
        Words(90, 686, "• a map"),
        Words(90, 672, "• a lamp"),
        Words(72, 640, "1. Go out."),
    ]
    found = opened(tmp_path, pdf([page]))
    assert texts(found, "list_item") == ["a map", "a lamp", "Go out."]
    assert "- a map\n- a lamp\n1. Go out." in found.text


def test_blocks_are_exact(tmp_path: Path) -> None:
    found = opened(tmp_path, pdf([written_page(number, LINES) for number in range(1, 7)]))
    assert are_exact(found.text, found.blocks)
    assert all(
        any(one.start <= block.start and block.end <= one.end for one in found.sections) for block in found.blocks
    )


def test_two_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    left = [Words(60, 700 - 14 * i, f"left column line {i} goes on here") for i in range(5)]
    right = [Words(320, 700 - 14 * i, f"right column line {i} goes on here") for i in range(5)]
    text = opened(tmp_path, pdf([[*left, *right]])).text
    assert text.index("left column line 4") < text.index("right column line 0")


def test_what_a_file_tells_of_itself(tmp_path: Path) -> None:
    info = {"Title": "Microsoft Word - The Map Room", "Author": "Ines Corvo", "CreationDate": "D:20240305102000+02'00'",
            "Keywords": "maps, tides; maps"}  # fmt: skip
    found = opened(tmp_path, pdf([[Words(72, 700, "Some text.")]], info=info, language="en-GB"))
    assert (found.title, found.author, found.language) == ("The Map Room", "Ines Corvo", "en")
    assert found.published_at == datetime(2024, 3, 5, 8, 20, tzinfo=UTC)
    assert found.tags == ("maps", "tides")


@pytest.mark.parametrize("title", ["untitled", "report.docx", "Microsoft Word - notes.doc", ""])
def test_a_title_that_is_none(tmp_path: Path, title: str) -> None:
    assert opened(tmp_path, pdf([[Words(72, 700, "Some text.")]], info={"Title": title})).title == ""


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("D:20240305102000Z", datetime(2024, 3, 5, 10, 20, tzinfo=UTC)),
        ("D:20240305", datetime(2024, 3, 5, tzinfo=UTC)),
        ("20240305102000-05'30", datetime(2024, 3, 5, 15, 50, tzinfo=UTC)),
        ("D:2024", None),
        ("D:20249905", None),
        ("yesterday", None),
    ],
)
def test_dates(told: str, expected: datetime | None) -> None:
    assert pdf_date(told) == expected


def test_scanned_pages_are_named(tmp_path: Path) -> None:
    text = [Words(72, 700, "A page with text.")]
    found = opened(tmp_path, pdf([text, Scan(), Scan(), text, Scan()]))
    assert found.notes == ("Pages 2 to 3 and 5 of 5 have no text; they may be scans.",)
    assert opened(tmp_path, pdf([text, Scan()])).notes == ("Page 2 of 2 has no text; it may be a scan.",)


def test_nothing_but_scans_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="scans"):
        opened(tmp_path, pdf([Scan(), Scan()]))


def test_a_password_is_said(tmp_path: Path) -> None:
    page = [Words(72, 700, "Secret.")]
    with pytest.raises(UnreadableDocument, match="password"):
        opened(tmp_path, pdf([page], password="hunter2"))


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4\n", b"no pdf at all", b"%PDF-1.7\n" + b"\0" * 100_000])
def test_what_is_broken_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(UnreadableDocument, match=r"damaged|no pages"):
        opened(tmp_path, data)


def test_a_file_that_was_cut_off(tmp_path: Path) -> None:
    whole = pdf([written_page(number, LINES) for number in range(1, 7)])
    with pytest.raises(UnreadableDocument, match=r"damaged|no pages|scans"):
        opened(tmp_path, whole[: len(whole) // 50])


def test_no_pages_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match=r"no pages|damaged"):
        opened(tmp_path, pdf([]))


def test_more_pages_than_are_read(tmp_path: Path) -> None:
    found = opened(tmp_path, pdf([written_page(number, LINES) for number in range(1, 9)]), Limits(pages=3))
    assert [one.page for one in found.sections] == [1, 2, 3]
    assert found.notes == ("The first 3 of 8 pages were read.",)


def test_two_hundred_pages_in_time(tmp_path: Path) -> None:
    path = tmp_path / "book.pdf"
    path.write_bytes(pdf([written_page(number, LINES * 16) for number in range(1, 201)]))
    told: list[tuple[int, int]] = []
    begun = time.process_time()
    found = read_here(path, PDF, progress=lambda done, total: told.append((done, total)))
    assert time.process_time() - begun < 10
    assert len(found.sections) == 200
    assert told == [(page, 200) for page in range(201)]


def test_only_the_outermost_lines_may_be_furniture() -> None:
    """A form whose first lines are alike on each page keeps those that stand deeper."""
    heads = [Line(f"Field {name}", 50, 200, 790 - 20 * row, 10) for row, name in enumerate("ABCDE")]
    body = [Line(f"{name} is said here", 50, 300, 500 - 12 * row, 10) for row, name in enumerate("LMNOPQRST")]
    pages = without_furniture([Page(number, 800, [*heads, *body]) for number in range(1, 5)])
    assert [line.text for line in pages[0].lines] == ["Field D", "Field E", *(line.text for line in body)]
