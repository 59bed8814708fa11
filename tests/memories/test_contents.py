"""What a page and its recording become together, and what is shown of a text without blocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from memories.engine import documents
from memories.engine.documents.errors import UnreadableDocument
from memories.engine.documents.model import Block, Document, MediaLink, Section
from memories.pipelines.contents import FEW_WORDS, Content, joined, mainly_about, with_blocks
from memories.pipelines.originals import Original

EPISODE = MediaLink("https://example.org/one.mp3", "audio/mpeg")
SAID = Document(
    "Hello there.\n\nGood day.",
    language="en",
    sections=(Section(0, 12, seconds=0.0, until=2.0), Section(14, 23, seconds=2.5, until=4.0)),
)


def together(own: Document) -> Document:
    heard = Content(SAID, kept=Original("/x/one.mp3", "audio/mpeg"), seconds=4.0)
    found = joined(Content(own), heard)
    assert (found.kept, found.seconds) == (heard.kept, 4.0)
    document = found.document
    spans = [(part.start, part.end) for part in document.sections] + [(one.start, one.end) for one in document.blocks]
    assert all(document.text[start:end].strip() for start, end in spans)
    return document


def test_a_pages_words_come_before_those_of_its_recording() -> None:
    own = Document("Show notes.", title="Episode one", blocks=(Block("paragraph", 0, 11),), media=(EPISODE,))
    both = together(own)
    assert both.text == "Show notes.\n\nHello there.\n\nGood day."
    assert [both.text[part.start : part.end] for part in both.sections] == ["Hello there.", "Good day."]
    assert [both.text[block.start : block.end] for block in both.blocks] == ["Show notes.", "Hello there.", "Good day."]
    assert (both.title, both.language) == ("Episode one", "en")


def test_a_page_without_words_is_its_recording() -> None:
    assert together(Document("", title="Episode one")).text == SAID.text


@pytest.mark.parametrize(
    ("words", "media", "found"),
    [(FEW_WORDS - 1, (EPISODE,), EPISODE), (FEW_WORDS, (EPISODE,), None), (5, (), None), (0, (EPISODE,), EPISODE)],
)
def test_what_a_page_is_mainly_about(words: int, media: tuple[MediaLink, ...], found: MediaLink | None) -> None:
    assert mainly_about(Document("word " * words, media=media)) == found


def test_paragraphs_stand_in_for_blocks() -> None:
    document = with_blocks(Document("One\ntwo.\n\n \nThree.  \n"))
    assert [document.text[block.start : block.end] for block in document.blocks] == ["One\ntwo.", "Three."]
    kept = Document("A B", blocks=(Block("heading", 0, 1, 1),))
    assert with_blocks(kept) is kept


def page(folder: Path, body: str) -> Document:
    path = folder / "page.html"
    path.write_text(f"<!doctype html><html><head><title>Episode</title></head><body>{body}</body></html>")
    url = "https://example.org/episode"
    return documents.read(path, "text/html", url=url, progress=lambda done, total: None, stop=lambda: None)


def test_a_page_that_is_only_a_player_is_no_empty_page(tmp_path: Path) -> None:
    found = page(tmp_path, '<audio controls src="/one.mp3"></audio>')
    assert found.text == ""
    assert [link.url for link in found.media] == [EPISODE.url]
    with pytest.raises(UnreadableDocument):
        page(tmp_path, "<div></div>")
