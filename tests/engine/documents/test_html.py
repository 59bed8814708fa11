"""Web pages one by one: what keeps a page from being read, charsets, media, and pages made to do harm."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from memories.engine.documents.errors import UnreadableDocument
from memories.engine.documents.html import parsing, refusal
from memories.engine.documents.model import MediaLink
from tests.engine.documents.files import are_exact, page_of, shown, texts

PROSE = "<p>The committee met on Tuesday and decided, after a long debate, to repair the old bridge in spring.</p>"
ARTICLE = f"<article><h2>Bridge</h2>{PROSE * 2}<p>It will cost less than a new one, as the engineer had said before.</p></article>"

LONGER = "".join(f"<p>In the year {year} the bridge was closed for {year % 7 + 2} weeks, and nobody had been told of it in time.</p>"
                 for year in range(1990, 1995))  # fmt: skip


def page(body: str, head: str = "", attributes: str = "") -> str:
    return f"<!doctype html><html {attributes}><head><title>A page</title>{head}</head><body>{body}</body></html>"


@pytest.mark.parametrize(
    "markup",
    [
        "",
        "  \n",
        page(""),
        page("<div><img src='a.png'></div>"),
        page("<script>var a = 'not a word of this is text'</script>"),
        page("<nav><a href='/'>Home</a></nav>"),
    ],
)
def test_an_empty_page_is_refused(tmp_path: Path, markup: str) -> None:
    with pytest.raises(UnreadableDocument, match="empty"):
        page_of(tmp_path, markup)


def test_a_page_behind_a_login_is_refused(tmp_path: Path) -> None:
    form = "<form><label>Name</label><input name=u><label>Password</label><input type='Password' name=p></form>"
    with pytest.raises(UnreadableDocument, match="asks for a login"):
        page_of(tmp_path, page(f"<h1>Sign in</h1><p>Please sign in to read on. New here? Create an account.</p>{form}"))
    assert "repair the old bridge" in page_of(tmp_path, page(form + ARTICLE + LONGER)).text


@pytest.mark.parametrize(
    "body",
    [
        "<div id=root></div><noscript>You need to enable JavaScript to run this app.</noscript><script src=a.js></script>",
        "<div id='__next'></div><script src=a.js></script>",
        "<app-root></app-root><script src=a.js></script>",
        "<p>JavaScript is disabled in your browser. Please enable it to continue.</p>",
        "<div id=app></div><noscript>Bitte aktivieren Sie JavaScript in Ihrem Browser.</noscript><script></script>",
    ],
)
def test_a_page_that_scripts_draw_is_refused(tmp_path: Path, body: str) -> None:
    with pytest.raises(UnreadableDocument, match="scripts"):
        page_of(tmp_path, page(body))


def test_a_page_that_only_asks_for_scripts_is_read(tmp_path: Path) -> None:
    notice = "<noscript>Please enable JavaScript to see comments.</noscript><script src=a.js></script>"
    assert "repair the old bridge" in page_of(tmp_path, page(notice + ARTICLE)).text


def test_a_short_page_is_read(tmp_path: Path) -> None:
    assert page_of(tmp_path, page("<h1>Closed</h1><p>We are closed until Monday.</p>")).text.endswith(
        "closed until Monday."
    )


@pytest.mark.parametrize(
    ("data", "charset", "expected"),
    [
        ("Müller aß Käse".encode(), "", "Müller aß Käse"),
        ("Müller aß Käse".encode("latin-1"), "iso-8859-1", "Müller aß Käse"),
        ("Müller “aß” Käse".encode("cp1252"), "iso-8859-1", "Müller “aß” Käse"),  # what browsers do
        ("Müller aß Käse".encode(), "iso-8859-1", "Müller aß Käse"),  # the server is wrong
        ("Müller aß Käse".encode("latin-1"), "utf-8", "Müller aß Käse"),  # wrong the other way round
        ("Это новая книга о мостах".encode("cp1251"), "windows-1251", "Это новая книга о мостах"),
        ("橋の修理が春に始まる".encode("shift_jis"), "Shift_JIS", "橋の修理が春に始まる"),
        ("橋の修理が春に始まる".encode("iso2022_jp"), "iso-2022-jp", "橋の修理が春に始まる"),
        ("Käse".encode("utf-16"), "", "Käse"),
        ("Käse".encode(), "no-such-charset", "Käse"),
    ],
)
def test_charsets(tmp_path: Path, data: bytes, charset: str, expected: str) -> None:
    encoding = "utf-16-le" if data.startswith(b"\xff\xfe") else "ascii"
    before, after = (part.encode(encoding) for part in ("<html><body><p>", "</p></body></html>"))
    mark, rest = (data[:2], data[2:]) if encoding == "utf-16-le" else (b"", data)
    assert page_of(tmp_path, mark + before + rest + after, charset=charset).text == expected


def test_a_charset_that_the_page_declares(tmp_path: Path) -> None:
    markup = (
        '<html><head><meta http-equiv="Content-Type" content="text/html; charset=windows-1251"></head><body><p>{}</p>'
    )
    assert (
        page_of(tmp_path, markup.format("Мост построен в 1912 году").encode("cp1251")).text
        == "Мост построен в 1912 году"
    )


def test_a_charset_that_nobody_tells_is_guessed(tmp_path: Path) -> None:
    text = "Мост через реку был построен в прошлом веке, и теперь его будут ремонтировать всю весну."
    assert page_of(tmp_path, f"<html><body><p>{text}</p></body></html>".encode("cp1251")).text == text


def test_a_cut_character_spoils_nothing(tmp_path: Path) -> None:
    data = page("<p>Käse und Brötchen für Müller, äußerst günstig, über zwanzig Stück, täglich schön</p>").encode()
    found = page_of(tmp_path, data.replace("Käse".encode(), b"K\xc3se")).text
    assert found.startswith("K\ufffdse und Brötchen für Müller")


def test_what_cannot_be_stored_is_left_out(tmp_path: Path) -> None:
    found = page_of(
        tmp_path, page("<p>one&#0;two&#xD800;three\x00four &nbsp; fi\u00advesix\u200b &amp; &bogus;</p>")
    ).text
    assert "\0" not in found
    assert found.encode()
    assert "fivesix & &bogus;" in found


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<audio src='/a.mp3'></audio>", [("https://site.example/a.mp3", "")]),
        (
            "<video title='Talk'><source src='t.webm' type='video/webm; codecs=\"vp9\"'><source src='t.mp4'></video>",
            [("https://site.example/a/t.webm", "video/webm")],
        ),
        ("<video autoplay loop muted src='/waves.mp4'></video>", []),
        ("<video><source src='/live.m3u8' type='application/x-mpegURL'></video>", []),
        ("<audio src='javascript:alert(1)'></audio><audio src='file:///etc/passwd'></audio>", []),
        ("<audio src='blob:https://site.example/1'></audio>", []),
        ("<p><a href='/song.mp3'>song</a></p>", []),
        ("<p><a href='/song.mp3' download>Listen</a></p>", [("https://site.example/song.mp3", "")]),
        ("<div class='episode'><a href='/e1.m4a?x=1'>here</a></div>", [("https://site.example/e1.m4a?x=1", "")]),
        ("<div class='episode'>" + "".join(f"<a href='/{i}.mp3'>{i}</a>" for i in range(9)) + "</div>", []),
    ],
)
def test_recordings_that_a_page_offers(tmp_path: Path, markup: str, expected: list[tuple[str, str]]) -> None:
    found = page_of(tmp_path, page(markup + ARTICLE)).media
    assert [(link.url, link.media_type) for link in found] == expected


def test_recordings_in_the_head(tmp_path: Path) -> None:
    head = (
        "<meta property='og:video' content='https://tube.example/embed/1'><meta property='og:video:type' content='text/html'>"
        "<meta property='og:audio' content='/talk.mp3'>"
        "<link rel='enclosure' type='audio/mpeg' href='https://cdn.example/e.mp3' title='Part 1'>"
    )
    assert page_of(tmp_path, page(ARTICLE, head)).media == (
        MediaLink("https://site.example/talk.mp3"),
        MediaLink("https://cdn.example/e.mp3", "audio/mpeg", "Part 1"),
    )


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (
            "<meta property='article:published_time' content='2024-03-05T10:20:00+02:00'>",
            datetime(2024, 3, 5, 8, 20, tzinfo=UTC),
        ),
        ("<meta name='date' content='2024-03-05'>", datetime(2024, 3, 5, tzinfo=UTC)),
        ("<meta name='date' content='Tue, 05 Mar 2024 10:20:00 GMT'>", datetime(2024, 3, 5, 10, 20, tzinfo=UTC)),
        ("<meta name='date' content='March'>", None),
        ("<meta name='date' content='2199-01-01'>", None),
        ("<script type='application/ld+json'>{broken</script>", None),
        ("", None),
    ],
)
def test_when_it_was_published(tmp_path: Path, head: str, expected: datetime | None) -> None:
    assert page_of(tmp_path, page(ARTICLE, head)).published_at == expected


def test_addresses_are_made_whole_and_none_but_web_addresses(tmp_path: Path) -> None:
    head = "<base href='https://other.example/x/'><link rel=canonical href='post'><meta property='og:image' content='i.png'>"
    found = page_of(tmp_path, page(ARTICLE, head))
    assert (found.canonical_url, found.image_url) == ("https://other.example/x/post", "https://other.example/x/i.png")
    odd = page_of(
        tmp_path, page(ARTICLE, "<link rel=canonical href='javascript:1'><meta property=og:image content='data:x'>")
    )
    assert (odd.canonical_url, odd.image_url) == ("", "")


def test_nested_lists_and_paragraphs_in_items(tmp_path: Path) -> None:
    markup = "<ul><li>One<ul><li>Deep <b>down</b></li></ul></li><li><p>Two</p><p>More of it</p></li></ul>"
    found = shown(page_of(tmp_path, page(ARTICLE.replace("</article>", markup + PROSE + "</article>"))))
    assert [one for one in found if one[0] == "list_item"] == [
        ("list_item", 1, "One"),
        ("list_item", 2, "Deep down"),
        ("list_item", 1, "Two"),
    ]
    assert ("paragraph", 0, "More of it") in found


def test_breaks_are_lines_and_two_of_them_a_paragraph(tmp_path: Path) -> None:
    lines = "The river is wide,<br>and the bridge is old.<br><br>We cross it in the evening,<br>when the air is cold."
    found = texts(page_of(tmp_path, page(f"<article>{PROSE * 3}<div>{lines}</div></article>")), "paragraph")
    assert found[-2:] == [
        "The river is wide,\nand the bridge is old.",
        "We cross it in the evening,\nwhen the air is cold.",
    ]


def test_hidden_text_is_no_text(tmp_path: Path) -> None:
    hidden = "<p hidden>ONE</p><p style='display: none'>TWO</p><p style='visibility:hidden'>THREE</p><template>FOUR</template>"
    text = page_of(tmp_path, page(ARTICLE.replace("</article>", hidden + "</article>"))).text
    assert not {"ONE", "TWO", "THREE", "FOUR"} & set(text.split())


def test_what_is_called_clutter_but_is_the_page_stays(tmp_path: Path) -> None:
    whole = page_of(tmp_path, page(f"<div class='related share'>{ARTICLE}{PROSE}</div>"))
    assert "repair the old bridge" in whole.text
    most = page_of(tmp_path, page(f"<div class='page'><div class='newsletter'>{PROSE * 4}</div><p>Short.</p></div>"))
    assert "repair the old bridge" in most.text


def test_a_page_without_end_tags(tmp_path: Path) -> None:
    assert are_exact((found := page_of(tmp_path, f"<html><body><p>{PROSE * 3}<ul><li>a<li>b")).text, found.blocks)


def test_deep_nesting(tmp_path: Path) -> None:
    markup = page(ARTICLE + "<div><b>" * 100_000 + "deep")
    assert "repair the old bridge" in page_of(tmp_path, markup).text
    assert "engineer" in page_of(tmp_path, page("<div>" * 300 + ARTICLE + "</div>" * 300)).text


def test_a_page_with_too_many_parts_is_refused_soon(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="far longer"):
        page_of(tmp_path, page("<i></i>" * (parsing.MOST_ELEMENTS + 1)))


def test_a_page_that_is_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="25 MB"):
        page_of(tmp_path, "<html><body>" + " " * (25 * 1024 * 1024))


def test_entities_are_not_expanded_without_end(tmp_path: Path) -> None:
    bomb = "<!DOCTYPE html [<!ENTITY a 'lol'>" + "".join(
        f"<!ENTITY {b} '&{a};&{a};&{a};&{a};&{a};&{a};&{a};&{a};&{a};&{a};'>"
        for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
    assert len(page_of(tmp_path, f"{bomb}]><html><body>{PROSE}<p>&j;</p></body></html>").text) < 1_000


def test_no_file_is_read_for_an_entity(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("TOPSECRET")
    markup = f'<!DOCTYPE html [<!ENTITY x SYSTEM "file://{secret}">]><html><body>{PROSE}<p>&x;</p></body></html>'
    assert "TOPSECRET" not in page_of(tmp_path, markup).text


def test_sentences_say_what_to_do() -> None:
    assert all(
        sentence.count(". ") >= 1 for sentence in (refusal.EMPTY, refusal.LOGIN, refusal.SCRIPTS, parsing.TOO_MANY)
    )
