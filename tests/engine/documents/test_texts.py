"""Plain text and Markdown: every letter kept, what stands where marked, charsets told apart."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memories.engine.documents.errors import UnreadableDocument
from memories.engine.documents.fitting import fitted
from memories.engine.documents.limits import Limits
from memories.engine.documents.model import Block, Document, Section
from tests.engine.documents.files import LIMITS, are_exact, read_here, shown

TEXT, MARKDOWN = "text/plain", "text/markdown"
NOTE = """---
title: My note
date: 2024-03-05 10:00:00+02:00
tags: [maps, tides]
author: Ines Corvo
lang: en
---
# Maps *and* tides

A paragraph
of two lines.

- one
  - deep
- two

  more of two

3. third

> said
> she

```python
x = 1

y = 2
```

| a | b |
|---|---|
| 1 | 2 |

Under a line
------------

![A map of Holm](map.png)
"""


def read(
    tmp_path: Path, data: str | bytes, media_type: str = TEXT, charset: str = "", limits: Limits = LIMITS
) -> Document:
    path = tmp_path / "file.txt"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_here(path, media_type, charset=charset, limits=limits)


def test_plain_text_is_kept_to_the_letter(tmp_path: Path) -> None:
    text = "  One\r\nline.\t\r\n\r\n\r\n* item\n* other\nand on\n\n\tEnd \n"
    found = read(tmp_path, text)
    assert found.text == text
    assert shown(found) == [
        ("paragraph", 0, "One\r\nline."),
        ("list_item", 1, "item"),
        ("list_item", 1, "other\nand on"),
        ("paragraph", 0, "End"),
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.text(st.sampled_from("ab. -*1)\n\r\t#>|`é💡漢"), min_size=1, max_size=200))
def test_any_text_is_kept_with_exact_blocks(tmp_path: Path, text: str) -> None:
    if not text.strip():
        return
    plain = read(tmp_path, text)
    assert plain.text == text
    assert are_exact(text, plain.blocks)
    covered = {i for block in plain.blocks for i in range(block.start, block.end)}
    assert {i for i, sign in enumerate(text) if sign.isalpha()} <= covered
    marked = read(tmp_path, text, MARKDOWN)
    assert text.endswith(marked.text)
    assert are_exact(marked.text, marked.blocks)


@pytest.mark.parametrize(
    "codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "cp1251", "shift_jis"]
)
def test_charsets(tmp_path: Path, codec: str) -> None:
    text = {
        "cp1251": "Мост через реку был построен в прошлом веке, и теперь мастера будут чинить настил до лета.",
        "shift_jis": "瀬戸内海に浮かぶ小島で、使われなくなった灯台を図書室に改修する計画が進んでいる。",
    }.get(codec, "Müller und Söhne verkaufen Käse, Brötchen und Äpfel an der großen Brücke über den Fluss.")
    assert read(tmp_path, text.encode(codec)).text == text


def test_the_charset_that_is_told(tmp_path: Path) -> None:
    assert read(tmp_path, "Łódź".encode("cp1250"), charset="windows-1250").text == "Łódź"


def test_a_zero_is_no_reason_to_refuse_a_text(tmp_path: Path) -> None:
    assert read(tmp_path, b"A text that is long enough to bear a zero or two: " * 3 + b"\0.").text.endswith("\ufffd.")


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="no text"):
        read(tmp_path, bytes(range(256)) * 20 + bytes(1_000))


@pytest.mark.parametrize("data", [b"", b" \n\t", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(UnreadableDocument, match="empty"):
        read(tmp_path, data)


def test_a_text_of_many_times_the_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="Split it"):
        read(tmp_path, "word " * 100, limits=Limits(text_bytes=100))


def test_a_longer_text_is_cut_with_a_note(tmp_path: Path) -> None:
    limits = Limits(text_bytes=100)
    cut = fitted(read(tmp_path, "é" * 40 + "\n\n" + "ö" * 30, limits=limits), limits)
    assert cut.text == "é" * 40
    assert cut.notes == ("The text is longer than a memory may be; the first 40 of 72 characters were kept.",)
    assert cut.blocks == (Block("paragraph", 0, 40),)


def test_cutting_keeps_sections_and_blocks_inside() -> None:
    long = Document(
        "a" * 150, sections=(Section(0, 90, page=1), Section(90, 150, page=2)), blocks=(Block("paragraph", 0, 150),)
    )
    cut = fitted(long, Limits(text_bytes=80))
    assert (cut.sections, cut.blocks) == ((Section(0, 80, page=1),), (Block("paragraph", 0, 80),))


def test_more_blocks_than_a_page_can_show_are_one(tmp_path: Path) -> None:
    limits = Limits(blocks=10)
    found = fitted(read(tmp_path, "line\n\n" * 100, limits=limits), limits)
    assert len(found.blocks) == 10
    assert found.text[found.blocks[-1].start : found.blocks[-1].end].count("line") == 91


def test_markdown(tmp_path: Path) -> None:
    found = read(tmp_path, NOTE, MARKDOWN)
    assert found.text == NOTE.partition("---\n")[2].partition("---\n")[2]
    assert shown(found) == [
        ("heading", 1, "Maps *and* tides"),
        ("paragraph", 0, "A paragraph\nof two lines."),
        ("list_item", 1, "one"),
        ("list_item", 2, "deep"),
        ("list_item", 1, "two"),
        ("paragraph", 0, "more of two"),
        ("list_item", 1, "third"),
        ("quote", 0, "said\n> she"),
        ("code", 0, "x = 1\n\ny = 2"),
        ("table_row", 0, "a | b"),
        ("table_row", 0, "1 | 2"),
        ("heading", 2, "Under a line"),
        ("image", 0, "A map of Holm"),
    ]
    assert (found.title, found.author, found.language, found.tags) == ("My note", "Ines Corvo", "en", ("maps", "tides"))
    assert found.published_at == datetime(2024, 3, 5, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("front", "title", "kept"),
    [
        ("+++\ntitle = 'Toml'\n+++\n", "Toml", False),
        ("---\n[broken: yaml\n---\n", "", True),
        ("---\njust words\n---\n", "", True),
        ("---\ntitle: never closed\n", "", True),
        ("---\n" + "a: &a [x]\n" + "".join(f"b{i}: [*a, *a]\n" for i in range(50)) + "title: Ten\n---\n", "Ten", False),
    ],
)
def test_front_matter(tmp_path: Path, front: str, title: str, kept: bool) -> None:
    found = read(tmp_path, front + "Some text.\n", MARKDOWN)
    assert found.title == title
    assert found.text == (front if kept else "") + "Some text.\n"


def test_markdown_by_name_and_its_heading_as_title(tmp_path: Path) -> None:
    path = tmp_path / "note.md"
    path.write_text("# A title\n\nText.")
    assert read_here(path, TEXT).title == "A title"


@pytest.mark.parametrize(
    "text", ["> " * 5_000 + "x", "- " * 5_000 + "x", "[" * 50_000, "`" * 50_000, "| a " * 20_000, "*a_" * 30_000]
)
def test_markdown_made_to_do_harm(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, text, MARKDOWN)
    assert found.text == text
    assert are_exact(text, found.blocks)


def test_types_that_none_reads_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match=r"“application/epub\+zip”"):
        read(tmp_path, "x", "application/epub+zip")
