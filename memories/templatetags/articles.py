"""How the pages write documents: their kind, language and length, and the parts that nest."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf.locale import LANG_INFO
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from memories.engine.documents import kinds
from memories.models import Memory, Project, SavedDocument
from memories.templatetags.pages import marked
from memories.views.article import Item, Part

register = template.Library()
ANCHOR = '<h{} class="block">{}</h{}>'


@register.filter
def document_of(memory: Memory) -> SavedDocument | None:
    """The document that a query has joined; None when the memory's text was handed in."""
    return getattr(memory, "document", None)


@register.filter
def document_icon(document: SavedDocument) -> str:
    """The name of the icon of its kind."""
    if kinds.is_recording(document.media_type):
        return "recording"
    return "page" if document.origin == SavedDocument.Origin.ADDRESS and document.media_type != kinds.PDF else "file"


@register.filter
def is_played(document: SavedDocument) -> bool:
    """Whether its file is here and a recording."""
    return bool(document.file) and kinds.is_recording(document.media_type)


@register.filter
def kind_words(document: SavedDocument) -> str:
    """ "PDF file", "Web page"; "Article" or "File" until it was looked at."""
    if document.media_type:
        return kinds.in_words(document.media_type).removeprefix("A ").capitalize().replace("Pdf", "PDF")
    return "Article" if document.origin == SavedDocument.Origin.ADDRESS else "File"


@register.filter
def page_count(document: SavedDocument) -> int:
    """How many pages a PDF has that hold text; 0 for what has none."""
    return max((section.get("page") or 0 for section in document.sections), default=0)


@register.filter
def language_name(code: str) -> str:
    """ "de-AT" → "German"; the code itself when it is not known."""
    info: dict[str, Any] = LANG_INFO.get(code.lower()) or LANG_INFO.get(code.lower().partition("-")[0]) or {}
    return str(info.get("name", code))


@register.filter
def clock(seconds: float) -> str:
    """ "2:05", "1:00:00"; whole seconds, so that the player is never asked for a later one."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@register.simple_tag
def article_heading(part: Part, project: Project) -> SafeString:
    return format_html(ANCHOR, part.level, marked(part.pieces, project), part.level)


@register.simple_tag
def article_list(part: Part, project: Project) -> SafeString:
    """A list with the lists in its entries; entries keep the numbers they had."""
    inner = format_html_join("", "{}", ((_item(item, project),) for item in part.items))
    numbered = bool(part.items) and part.items[0].number is not None
    return format_html("<ol>{}</ol>" if numbered else "<ul>{}</ul>", inner)


def _item(item: Item, project: Project) -> SafeString:
    inner = article_list(item.inner, project) if item.inner else ""
    value = format_html(' value="{}"', item.number) if item.number is not None else ""
    return format_html("<li{}>{}{}</li>", value, marked(item.pieces, project), inner)
