"""The recordings that a page offers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from memories.engine.documents.html.details import joined
from memories.engine.documents.html.parsing import Element, tokens
from memories.engine.documents.model import MediaLink
from memories.engine.documents.writing import flowing

MOST = 20
_FILE = re.compile(r"\.(?:mp3|m4a|m4b|aac|ogg|oga|opus|flac|wav|mp4|m4v|webm|mov)\Z", re.IGNORECASE)
_PLAYABLE = re.compile(r"(?:audio|video)/[\w.+-]+\Z", re.IGNORECASE)
_STREAM = re.compile(r"mpegurl|dash\+xml", re.IGNORECASE)  # a list of pieces, not a file
_EPISODE = {"podcast", "episode", "episodes", "enclosure"}
_DOWNLOAD = re.compile(r"download|listen|play|episode|podcast|audio|recording|mp3", re.IGNORECASE)
_NEAR = 3  # links to files at most, on a page of one episode; more are a list of them


def links(tree: Element, base: str) -> tuple[MediaLink, ...]:
    """Audio and video files: of players, of what the page tells social networks, and of an episode's download link."""
    found: dict[str, MediaLink] = {}
    for link in (*_players(tree, base), *_told(tree, base), *_downloads(tree, base)):
        if link.url and not _STREAM.search(link.media_type):
            found.setdefault(link.url, link)
    return tuple(found.values())[:MOST]


def _players(tree: Element, base: str) -> Iterator[MediaLink]:
    for player in tree.iter("audio", "video"):
        if player.get("loop") is not None and player.get("muted") is not None:
            continue  # decoration
        title = flowing(player.get("title") or player.get("aria-label") or "")
        for element in (player, *player.iter("source")):
            if element.get("src"):
                yield MediaLink(joined(base, element.get("src")), _type(element.get("type")), title)
                break


def _told(tree: Element, base: str) -> Iterator[MediaLink]:
    """og:audio and og:video with their types; a page with a player in it (text/html) is no file."""
    told: dict[str, str] = {}
    for meta in tree.iter("meta"):
        told.setdefault((meta.get("property") or meta.get("name") or "").lower(), meta.get("content") or "")
    for kind in ("audio", "video"):
        url = told.get(f"og:{kind}:secure_url") or told.get(f"og:{kind}:url") or told.get(f"og:{kind}") or ""
        media_type = _type(told.get(f"og:{kind}:type"))
        if url and (media_type or _is_file(url)):
            yield MediaLink(joined(base, url), media_type)
    for link in tree.iter("link"):
        if "enclosure" in (link.get("rel") or "").lower().split() and link.get("href"):
            yield MediaLink(joined(base, link.get("href")), _type(link.get("type")), flowing(link.get("title") or ""))


def _downloads(tree: Element, base: str) -> Iterator[MediaLink]:
    """Links to files, few of them, on a page that is one episode's: it calls itself so, or the link does."""
    anchors = [a for a in tree.iter("a") if _is_file(a.get("href") or "")]
    if not anchors or len({a.get("href") for a in anchors}) > _NEAR:
        return
    calls_itself = any(
        _EPISODE & set(tokens(element)) for element in tree.iter("body", "main", "article", "section", "div")
    )
    for anchor in anchors:
        words = flowing("".join(anchor.itertext()))
        if calls_itself or anchor.get("download") is not None or _DOWNLOAD.search(words):
            yield MediaLink(joined(base, anchor.get("href")), _type(anchor.get("type")), words)


def _is_file(url: str) -> bool:
    try:
        return bool(_FILE.search(urlsplit(url).path))
    except ValueError:
        return False


def _type(said: str | None) -> str:
    kind = (said or "").partition(";")[0].strip().lower()
    return kind if _PLAYABLE.match(kind) or _STREAM.search(kind) else ""
