"""Word files: what stands in them, and files that must not be opened."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from pathlib import Path

import docx
import pytest

from memories.engine.documents import word as reader
from memories.engine.documents.errors import UnreadableDocument
from memories.engine.documents.limits import Limits
from memories.engine.documents.model import Document
from tests.engine.documents.files import LIMITS, WORD, are_exact, read_here, repacked, shown, texts, word

NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def body(inner: str) -> bytes:
    """`word/document.xml` of a text."""
    return f'<?xml version="1.0"?><w:document {NAMESPACE}><w:body>{inner}</w:body></w:document>'.encode()


def paragraph(inner: str) -> str:
    return f"<w:p>{inner}</w:p>"


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return word(tmp_path / "plain.docx", lambda document: None)


def of_xml(plain: Path, inner: str) -> Document:
    return read_here(repacked(plain, plain.with_name("made.docx"), {"word/document.xml": body(inner)}), WORD)


def fill(document: docx.document.Document) -> None:
    document.core_properties.author = "Ines Corvo"
    document.core_properties.keywords = "maps; tides"
    document.core_properties.language = "en-GB"
    document.core_properties.created = datetime(2024, 3, 5, 8, 20)  # noqa: DTZ001 -- as the library wants it: UTC
    document.add_heading("The Map Room", 0)
    document.add_heading("Visitors", 1)
    document.add_paragraph("Nine thousand people came.")
    for text in ("a map", "a lamp"):
        document.add_paragraph(text, style="List Bullet")
    document.add_paragraph("a wick", style="List Bullet 2")
    for text in ("Go out.", "Come back."):
        document.add_paragraph(text, style="List Number")
    document.add_paragraph("So she said.", style="Quote")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip([*table.rows[0].cells, *table.rows[1].cells], ["Place", "Depth", "Holm", "4 m"], strict=True):
        cell.text = text
    document.add_paragraph("The end.")


def test_blocks_and_properties(tmp_path: Path) -> None:
    found = read_here(word(tmp_path / "a.docx", fill), WORD)
    assert shown(found) == [
        ("heading", 1, "The Map Room"),
        ("heading", 1, "Visitors"),
        ("paragraph", 0, "Nine thousand people came."),
        ("list_item", 1, "a map"),
        ("list_item", 1, "a lamp"),
        ("list_item", 2, "a wick"),
        ("list_item", 1, "Go out."),
        ("list_item", 1, "Come back."),
        ("quote", 0, "So she said."),
        ("table_row", 0, "Place | Depth"),
        ("table_row", 0, "Holm | 4 m"),
        ("paragraph", 0, "The end."),
    ]
    assert "- a map\n- a lamp\n- a wick\n1. Go out.\n2. Come back." in found.text
    assert are_exact(found.text, found.blocks)
    assert (found.title, found.author, found.language) == ("The Map Room", "Ines Corvo", "en")
    assert found.published_at == datetime(2024, 3, 5, 8, 20, tzinfo=UTC)
    assert found.tags == ("maps", "tides")


def test_text_as_it_would_be_printed(plain: Path) -> None:
    deleted = "<w:del><w:r><w:delText>old</w:delText></w:r></w:del>"
    inserted = f"<w:ins>{run('new')}</w:ins>"
    code = "<w:r><w:instrText>PAGE</w:instrText></w:r>"
    link = f"<w:hyperlink>{run(' linked')}</w:hyperlink>"
    broken = "<w:r><w:t>line</w:t><w:br/><w:t>line</w:t><w:tab/><w:t>x</w:t><w:noBreakHyphen/><w:t>y</w:t></w:r>"
    found = of_xml(plain, paragraph(run("The ") + deleted + inserted + code + link) + paragraph(broken))
    assert texts(found) == ["The new linked", "line line x-y"]


def test_content_controls_are_read(plain: Path) -> None:
    control = f"<w:sdt><w:sdtContent>{paragraph(run('Inside.'))}</w:sdtContent></w:sdt>"
    inline = paragraph(run("Dear ") + f"<w:sdt><w:sdtContent>{run('reader')}</w:sdtContent></w:sdt>")
    assert texts(of_xml(plain, control + inline)) == ["Inside.", "Dear reader"]


def test_a_text_box_is_read_once(plain: Path) -> None:
    box = f"<w:pict><w:txbxContent>{paragraph(run('In the box.'))}</w:txbxContent></w:pict>"
    assert texts(of_xml(plain, paragraph(run("Before. ") + f"<w:r>{box}</w:r>"))) == ["Before.", "In the box."]


def test_a_table_in_a_cell_is_told_with_its_cell(plain: Path) -> None:
    def table(*cells: str) -> str:
        return "<w:tbl><w:tr>" + "".join(f"<w:tc>{cell}</w:tc>" for cell in cells) + "</w:tr></w:tbl>"

    nested = table(paragraph(run("a")), paragraph(run("b")) + table(paragraph(run("c"))))
    assert texts(of_xml(plain, nested), "table_row") == ["a | b c"]


def test_no_text_is_refused_by_its_length(plain: Path) -> None:
    assert read_here(plain, WORD).text == ""


def refused(path: Path, limits: Limits = LIMITS) -> str:
    with pytest.raises(UnreadableDocument) as caught:
        read_here(path, WORD, limits=limits)
    return str(caught.value)


def test_a_part_that_unpacks_to_much_more_is_not_opened(plain: Path, tmp_path: Path) -> None:
    bomb = repacked(plain, tmp_path / "bomb.docx", {"word/media/a.xml": b"\0" * 20_000_000})
    assert bomb.stat().st_size < 100_000
    assert refused(bomb) == reader.BOMB


def test_parts_that_are_too_much_together_are_not_opened(plain: Path, tmp_path: Path) -> None:
    parts = {f"word/media/{i}.bin": bytes(range(256)) * 3_000 for i in range(5)}
    assert refused(repacked(plain, tmp_path / "a.docx", parts), Limits(unpacked_bytes=3_000_000)) == reader.BOMB


def test_too_many_parts_are_not_opened(plain: Path, tmp_path: Path) -> None:
    parts = {f"x/{i}": b"" for i in range(reader.MOST_PARTS + 1)}
    assert refused(repacked(plain, tmp_path / "a.docx", parts)) == reader.BOMB


def test_a_part_that_lies_about_its_size_is_not_read_on(plain: Path, tmp_path: Path) -> None:
    """The table of contents says 10 bytes; the reader of the archive stops there."""
    bomb = repacked(plain, tmp_path / "a.docx", {"word/document.xml": b"\n" * 5_000_000})
    data = bomb.read_bytes().replace((5_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    bomb.write_bytes(data)
    assert refused(bomb) == reader.BROKEN


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"no archive", b"PK\x03\x04" + b"\0" * 5_000])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.docx"
    path.write_bytes(data)
    assert refused(path) == reader.BROKEN


def test_a_cut_archive_is_refused(plain: Path) -> None:
    plain.write_bytes(plain.read_bytes()[:-500])
    assert refused(plain) == reader.BROKEN


def test_another_archive_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as archive:
        archive.writestr("hello.txt", "hello")
    assert refused(tmp_path / "a.docx") == reader.BROKEN


@pytest.mark.parametrize("content", [b"<w:document", b"", b"\xff\xfe"])
def test_broken_markup_is_refused(plain: Path, tmp_path: Path, content: bytes) -> None:
    assert refused(repacked(plain, tmp_path / "a.docx", {"word/document.xml": content})) == reader.BROKEN


def test_macros_are_refused(plain: Path, tmp_path: Path) -> None:
    assert "macros" in refused(repacked(plain, tmp_path / "a.docx", {"word/vbaProject.bin": b"x"}))


def test_the_old_form_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.doc"
    path.write_bytes(reader.OLE + bytes(5_000))
    with pytest.raises(UnreadableDocument, match=r"old form \(\.doc\)"):
        read_here(path, "application/msword")


@pytest.mark.parametrize("before", [1_000, 3_000_000])
def test_a_password_is_said(tmp_path: Path, before: int) -> None:
    path = tmp_path / "a.docx"
    path.write_bytes(reader.OLE + bytes(before) + "EncryptedPackage".encode("utf-16-le") + bytes(100))
    assert "password" in refused(path)


def test_entities_are_not_expanded(plain: Path, tmp_path: Path) -> None:
    lol = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    xml = f'<!DOCTYPE x [<!ENTITY a "lol">{lol}]>' + body(paragraph(run("&i;"))).decode().partition("?>")[2]
    made = repacked(plain, tmp_path / "a.docx", {"word/document.xml": xml.encode()})
    try:
        assert len(read_here(made, WORD).text) < 1_000
    except UnreadableDocument as refusal:
        assert str(refusal) == reader.BROKEN  # noqa: PT017 -- either is safe
