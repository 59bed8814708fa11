"""The body of two dozen pages with all that real pages have around it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import trafilatura

from memories.engine.documents.model import Document
from tests.engine.documents import bodies
from tests.engine.documents.files import HTML, are_exact, read_here, shown, texts

NAMES = [page.stem for page in bodies.PAGES]
REACH, ON_AVERAGE = 0.93, 0.98


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    return {page.stem: read_here(page, HTML, url=f"https://site.example/{page.stem}") for page in bodies.PAGES}


def score(documents: dict[str, Document], name: str) -> float:
    page = next(page for page in bodies.PAGES if page.stem == name)
    return bodies.f1(documents[name].text, bodies.body(bodies.markup(page)))


def test_there_are_enough_of_them_and_they_have_clutter() -> None:
    assert len(bodies.PAGES) >= 20
    for page in bodies.PAGES:
        source = bodies.markup(page)
        assert bodies.f1(bodies.everything(source), bodies.body(source)) < REACH, page.name
        assert len(bodies.tokens(bodies.body(source))) > 150, page.name


@pytest.mark.parametrize("name", NAMES)
def test_the_body_is_found(documents: dict[str, Document], name: str) -> None:
    assert score(documents, name) >= REACH


def test_the_body_is_found_on_average(documents: dict[str, Document]) -> None:
    assert sum(score(documents, name) for name in NAMES) / len(NAMES) >= ON_AVERAGE


def test_the_pages_are_not_easy() -> None:
    """What trafilatura finds by itself reaches neither: the frame and the tidying are needed."""
    scores = []
    for page in bodies.PAGES:
        source = bodies.markup(page)
        found = trafilatura.extract(bodies.without_marks(source), include_comments=False, include_images=True) or ""
        scores.append(bodies.f1(found, bodies.body(source)))
    assert min(scores) < REACH
    assert sum(scores) / len(scores) < ON_AVERAGE


@pytest.mark.parametrize("name", ["news-agency", "mkdocs-guide", "question-answers"])
def test_the_marks_of_the_tests_tell_the_reader_nothing(
    documents: dict[str, Document], name: str, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    page = next(page for page in bodies.PAGES if page.stem == name)
    path.write_text(bodies.without_marks(bodies.markup(page)), encoding="utf-8")
    assert read_here(path, HTML, url=f"https://site.example/{name}") == documents[name]


@pytest.mark.parametrize("name", NAMES)
def test_blocks_are_exact(documents: dict[str, Document], name: str) -> None:
    document = documents[name]
    assert are_exact(document.text, document.blocks)
    assert len(document.blocks) > 3


def test_the_measure_itself() -> None:
    assert bodies.f1("a b c", "a b c") == 1
    assert bodies.f1("a b", "a b c d") == pytest.approx(2 * 2 / 6)
    assert bodies.f1("", "a") == 0
    assert bodies.tokens("灯台 Tower-2") == ["灯", "台", "tower", "2"]
    assert bodies.body('<p>no</p><!--[--><p>o<b>n</b>e</p><img alt="two"><!--]-->').split() == ["one", "two"]


def test_headings_lists_code_and_tables_are_told_apart(documents: dict[str, Document]) -> None:
    guide = shown(documents["mkdocs-guide"])
    assert ("heading", 2, "What is backed up") in guide
    assert ("list_item", 1, "the database, by way of a snapshot") in guide
    assert (
        "code",
        0,
        "set -eu\nharbor snapshot --to /srv/backup/today\nrsync -a --delete /srv/backup/today vault:",
    ) in guide
    docs = shown(documents["sphinx-docs"])
    assert ("table_row", 0, "status 500 | retried | raised") in docs
    assert any(kind == "code" and "    if failure.attempt > 10:\n        return None" in text for kind, _, text in docs)
    assert ("image", 0, "A chrome radiator valve with its plastic cap removed") in shown(documents["wordpress-blog"])
    assert any(
        kind == "quote" and text.startswith("A gland nut") for kind, _, text in shown(documents["wordpress-blog"])
    )


def test_the_order_of_a_list_stands_in_the_text(documents: dict[str, Document]) -> None:
    assert "1. Open the app and choose Readings.\n2. Take a photograph" in documents["support-faq"].text
    assert "- An adjustable spanner that opens to 20 millimetres\n- PTFE tape" in documents["wordpress-blog"].text


def test_the_title_is_told_once(documents: dict[str, Document]) -> None:
    document = documents["wordpress-blog"]
    assert document.title == "Repairing a leaking radiator valve without draining the house"
    assert document.title not in texts(document)


def test_what_a_page_tells_of_itself(documents: dict[str, Document]) -> None:
    news, german, blog = (documents[name] for name in ("news-agency", "german-newspaper", "wordpress-blog"))
    assert (news.author, news.site, news.language) == ("Marta Oyelaran, Finn Dunne", "Coast Courier", "en")
    assert news.published_at == datetime(2025, 2, 17, 5, 12, 44, tzinfo=UTC)
    assert (german.author, german.language) == ("Katrin Behrendsen", "de")
    assert german.published_at == datetime(2024, 9, 12, 4, 15, tzinfo=UTC)
    assert blog.canonical_url == "https://plumber.example/2023/11/leaking-radiator-valve/"
    assert blog.image_url == "https://plumber.example/wp-content/uploads/valve.jpg"
    assert blog.tags == ("valves", "leaks")
    assert documents["japanese-news"].published_at == datetime(2024, 11, 30, 9, tzinfo=UTC)
    assert documents["russian-blog"].language == "ru"


def test_an_episode_offers_its_recording_once(documents: dict[str, Document]) -> None:
    found = documents["podcast-episode"].media
    assert [(link.url, link.media_type) for link in found] == [("https://cdn.underfoot.example/ep48.mp3", "audio/mpeg")]
    assert found[0].title == "The river that changed its mind"
    assert not any(documents[name].media for name in NAMES if name != "podcast-episode")
