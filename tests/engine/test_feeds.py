"""Feeds of every kind, and files that are none."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from memories.engine import feeds
from memories.engine.documents.errors import UnreadableDocument
from memories.engine.feeds import Entry, FeedDocument, parsing, reading

URL = "https://example.org/blog/feed.xml"
RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>Notes &amp;amp; &lt;b&gt;news&lt;/b&gt;</title>
<item><title>Old</title><link>/old</link><guid>g-old</guid><pubDate>Mon, 01 Jan 2024 10:00:00 GMT</pubDate></item>
<item><title>New</title><link>https://example.org/new</link><guid isPermaLink="false">g-new</guid>
<pubDate>Tue, 02 Jan 2024 10:00:00 GMT</pubDate></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Atom</title>
<entry><id>urn:1</id><title>One</title><link rel="self" href="/api/1"/><link href="one.html"/></entry>
<entry><id>urn:2</id><title type="html">T&lt;i&gt;w&lt;/i&gt;o</title><link href="http://other.example/two"/></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel rdf:about="https://example.org/"><title>RDF</title></channel>
<item rdf:about="https://example.org/1"><title>One</title><link>https://example.org/1</link></item></rdf:RDF>"""
PODCAST = """<rss version="2.0"><channel><title>Talk</title><item><title>Episode 1</title><link>https://e.org/1</link>
<guid isPermaLink="false">ep1</guid><enclosure url="https://cdn.example/1.mp3?x=1" type="audio/mpeg" length="1"/></item>
<item><title>Episode 2</title><guid isPermaLink="false">ep2</guid>
<enclosure url="https://cdn.example/2.M4A" length="1"/></item>
<item><title>With a picture</title><link>https://e.org/3</link>
<enclosure url="https://cdn.example/3.jpg" type="image/jpeg"/></item></channel></rss>"""


def read(tmp_path: Path, text: str | bytes, content_type: str = "") -> FeedDocument:
    path = tmp_path / "feed"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return feeds.read(path, url=URL, content_type=content_type, stop=lambda: None)


def test_rss_newest_first_with_whole_addresses(tmp_path: Path) -> None:
    found = read(tmp_path, RSS)
    assert found.title == "Notes & news"
    assert found.entries == (
        Entry("g-new", "https://example.org/new", "New"),
        Entry("https://example.org/blog/g-old", "https://example.org/old", "Old"),
    )


def test_atom_without_dates_in_its_own_order(tmp_path: Path) -> None:
    found = read(tmp_path, ATOM)
    assert found.entries == (
        Entry("urn:1", "https://example.org/blog/one.html", "One"),
        Entry("urn:2", "http://other.example/two", "T w o"),
    )


def test_rdf(tmp_path: Path) -> None:
    assert read(tmp_path, RDF).entries == (Entry("https://example.org/1", "https://example.org/1", "One"),)


def test_the_recording_of_an_episode(tmp_path: Path) -> None:
    assert read(tmp_path, PODCAST).entries == (
        Entry("ep1", "https://cdn.example/1.mp3?x=1", "Episode 1", recording=True),
        Entry("ep2", "https://cdn.example/2.M4A", "Episode 2", recording=True),
        Entry("https://e.org/3", "https://e.org/3", "With a picture"),
    )


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "file:///etc/passwd", "ftp://e.org/x", "", "https://e.org/" + "x" * 3000]
)
def test_entries_that_lead_nowhere_are_left_out(tmp_path: Path, link: str) -> None:
    item = f'<item><guid isPermaLink="false">1</guid><link>{link}</link></item>'
    text = f'<rss version="2.0"><channel>{item}</channel></rss>'
    assert not [entry for entry in read(tmp_path, text).entries if not entry.url.startswith("https://example.org/")]


def test_an_id_that_comes_twice_counts_once(tmp_path: Path) -> None:
    item = '<item><guid isPermaLink="false">same</guid><link>https://e.org/{}</link></item>'
    text = f'<rss version="2.0"><channel>{item.format(1)}{item.format(2)}</channel></rss>'
    assert len(read(tmp_path, text).entries) == 1


def test_letters_by_what_the_server_says_and_the_feed(tmp_path: Path) -> None:
    text = (
        '<?xml version="1.0" encoding="windows-1252"?><rss version="2.0"><channel><title>Größe</title></channel></rss>'
    )
    assert read(tmp_path, text.encode("cp1252")).title == "Größe"
    plain = text.replace(' encoding="windows-1252"', "")
    assert read(tmp_path, plain.encode("cp1252"), "application/rss+xml; charset=windows-1252").title == "Größe"


def test_a_feed_that_is_not_well_formed(tmp_path: Path) -> None:
    text = RSS.replace("<title>New</title>", "<title>Fish & chips &nbsp; <b></title>").replace("</rss>", "")
    assert len(read(tmp_path, text).entries) == 2


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (
            '<html><head><link rel="alternate" type="application/rss+xml" href="/feed"></head>',
            "https://example.org/feed",
        ),
        ("<html><LINK REL='Alternate' TYPE=application/atom+xml HREF='a.xml'>", "https://example.org/blog/a.xml"),
    ],
)
def test_a_page_that_names_a_feed(tmp_path: Path, page: str, expected: str) -> None:
    assert read(tmp_path, page) == FeedDocument(elsewhere=expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n",
        "<html><p>No feed here.</html>",
        "<html><link rel=stylesheet href=x><link rel=alternate type=text/html href=y>",
        '<html><link rel="alternate" type="application/rss+xml" href="javascript:x">',
        '<html><link rel="alternate" type="application/rss+xml" href="">',
        '<opml version="2.0"><body/></opml>',
        "{}",
        "\0\1\2",
        "http://127.0.0.1:9/feed",
        "/etc/passwd",
    ],
)
def test_what_is_no_feed(tmp_path: Path, text: str) -> None:
    """A text that looks like an address or a path is not opened."""
    with pytest.raises(UnreadableDocument, match="no feed"):
        read(tmp_path, text)


def test_entities_that_would_grow_without_end(tmp_path: Path) -> None:
    grown = "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    text = (
        f'<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">{grown}]><rss version="2.0"><channel><title>&j;</title></channel></rss>'
    )
    assert len(read(tmp_path, text).title) <= parsing.TITLE_LENGTH
    head = '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    outside = f'{head}<rss version="2.0"><channel><title>&a;</title></channel></rss>'
    assert "root" not in read(tmp_path, outside).title


def test_at_most_a_thousand_entries(tmp_path: Path) -> None:
    items = "".join(f"<item><link>https://e.org/{number}</link></item>" for number in range(1200))
    assert len(read(tmp_path, f'<rss version="2.0"><channel>{items}</channel></rss>').entries) == parsing.MOST_ENTRIES


def test_who_calls_it_off_ends_the_reading(tmp_path: Path) -> None:
    class CalledOff(Exception):
        pass

    path = tmp_path / "feed"
    path.write_bytes(b"<rss>" + b"<channel>" * 400_000)
    began = time.monotonic()

    def stop() -> None:
        if time.monotonic() - began > 0.5:
            raise CalledOff

    with pytest.raises(CalledOff):
        feeds.read(path, url=URL, stop=stop)
    assert time.monotonic() - began < 15


def test_a_feed_that_takes_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SECONDS", 0.5)
    children: list[subprocess.Popen[bytes]] = []

    def started(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        children.append(subprocess.Popen(*args, **options))
        return children[-1]

    monkeypatch.setattr(reading, "subprocess", SimpleNamespace(Popen=started, PIPE=-1, DEVNULL=-3))
    path = tmp_path / "feed"
    path.write_bytes(b"<rss>" + b"<channel>" * 400_000)
    with pytest.raises(UnreadableDocument, match="too long"):
        feeds.read(path, url=URL, stop=lambda: None)
    assert children[0].returncode == -signal.SIGKILL
