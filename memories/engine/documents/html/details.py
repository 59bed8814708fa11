"""What a page tells of itself: title, author, site, date, language, picture, address."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from trafilatura.metadata import extract_metadata

from memories.engine.documents.html.parsing import Element
from memories.engine.documents.model import Document
from memories.engine.documents.moments import moment
from memories.engine.documents.writing import flowing

_TIMES = ("article:published_time", "og:article:published_time", "og:published_time", "datepublished", "date",
          "dc.date", "dc.date.issued", "dcterms.created", "dcterms.issued", "dcterms.date", "citation_publication_date",
          "parsely-pub-date", "sailthru.date", "pubdate", "publishdate", "publish-date", "publication_date",
          "article.published", "cxenseparse:recs:publishtime")  # fmt: skip
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?=\Z|[-_])")
_META_NAMES = ("property", "name", "itemprop", "http-equiv")
MOST_JSON = 512 * 1024
DATES = {"original_date": True, "extensive_search": False}


def base_of(tree: Element, url: str) -> str:
    """What relative addresses of the page are relative to."""
    for element in tree.iter("base"):
        if element.get("href"):
            return joined(url, element.get("href"))
    return url


def joined(base: str, address: str) -> str:
    """The address made absolute; "" for none, and for one that is none of http or https."""
    if not address.strip():
        return ""
    try:
        whole = urljoin(base, address.strip())
        parts = urlsplit(whole)
    except ValueError:
        return ""
    return whole if parts.scheme in {"http", "https"} and parts.netloc else ""


def told(tree: Element, url: str) -> Document:
    """A document without text."""
    found = extract_metadata(tree, url or None, {**DATES, "max_date": datetime.now().astimezone().strftime("%Y-%m-%d")})
    meta = dict(_metas(tree))
    base = base_of(tree, url)
    return Document(
        "",
        title=flowing(found.title or meta.get("og:title") or "").rstrip(" ¶§#"),
        author=_named(found.author) or _named(meta.get("author")),
        site=flowing(meta.get("og:site_name") or found.sitename or urlsplit(url).hostname or ""),
        language=_language(tree, meta),
        published_at=_published(tree, meta, found.date),
        image_url=joined(base, meta.get("og:image") or meta.get("twitter:image") or found.image or ""),
        canonical_url=_canonical(tree, base),
        tags=_tags(found.tags or [], meta),
    )


def _named(author: str | None) -> str:
    """ "Jo Lee, Ann Poe"; some pages put a dash or an address there."""
    names = flowing((author or "").replace(";", ","))
    return names if any(sign.isalpha() for sign in names) and "://" not in names else ""


def _metas(tree: Element) -> Iterator[tuple[str, str]]:
    """The first of each name counts, so it comes last."""
    for element in reversed(list(tree.iter("meta"))):
        name = (
            element.get("property") or element.get("name") or element.get("itemprop") or element.get("http-equiv") or ""
        )
        if name and element.get("content"):
            yield name.strip().lower(), element.get("content").strip()


def _language(tree: Element, meta: dict[str, str]) -> str:
    said = tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang") or tree.get("xml:lang")
    for value in (said, meta.get("content-language"), meta.get("og:locale")):
        match = _LANGUAGE.match((value or "").strip())
        if match:
            return match[0].lower()
    return ""


def _canonical(tree: Element, base: str) -> str:
    for element in tree.iter("link"):
        if "canonical" in (element.get("rel") or "").lower().split() and element.get("href"):
            return joined(base, element.get("href"))
    return ""


def _published(tree: Element, meta: dict[str, str], day: str | None) -> datetime | None:
    """The exact time where one is told, else the day that htmldate found."""
    told = [meta[name] for name in _TIMES if name in meta]
    told += [value for data in _linked_data(tree) if isinstance(value := data.get("datePublished"), str)]
    told += [element.get("datetime") for element in tree.iter("time") if _is_publication(element)]
    return next((found for value in told if value and (found := moment(value))), None) or moment(day)


def _is_publication(element: Element) -> bool:
    said = f"{element.get('itemprop') or ''} {element.get('class') or ''} {element.get('pubdate') or ''}".lower()
    return element.get("datetime") is not None and (
        "publish" in said or "pubdate" in said or element.get("pubdate") is not None
    )


def _linked_data(tree: Element) -> Iterator[dict[str, Any]]:
    for script in tree.iter("script"):
        if (script.get("type") or "").lower() == "application/ld+json" and script.text and len(script.text) < MOST_JSON:
            try:
                yield from _objects(json.loads(script.text))
            except (ValueError, RecursionError):
                continue


def _objects(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    if depth > 4:
        return
    if isinstance(value, dict):
        yield value
        yield from _objects(value.get("@graph"), depth + 1)
    elif isinstance(value, list):
        for one in value:
            yield from _objects(one, depth + 1)


def _tags(found: list[str], meta: dict[str, str]) -> tuple[str, ...]:
    named = found or re.split(r"[,;]", meta.get("keywords", ""))
    return tuple(dict.fromkeys(tag for one in named if 0 < len(tag := flowing(one)) <= 60))[:20]
