"""How the pages write moments, durations, states and marked text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from memories import queries
from memories.models import BUILT_IN_ENTITY_TYPES, Community, Entity, Fact, Mention, Project
from memories.views.reading import Piece
from memories.views.spans import Span, segments
from tasks_app.models import Status, TaskLog

register = template.Library()
EXCERPT = 80
SIGNALS = {"vector": "meaning"}

ICONS = {
    "overview": "M4 4h7v7H4zM13 4h7v4h-7zM13 10h7v10h-7zM4 13h7v7H4z",
    "memories": "M6 3h9l4 4v14H6zM15 3v4h4M9 12h7M9 16h7",
    "search": "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM20 20l-4-4",
    "entities": "M12 4a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM5 15a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zM19 15a2.5 2.5 0 1 0 0 5 "
    "2.5 2.5 0 0 0 0-5zM10.5 9.5 6.5 15M13.5 9.5l4 5.5",
    "changes": "M12 4a8 8 0 1 0 8 8M12 8v4l3 2M20 4v5h-5",
    "communities": "M8 5a5 5 0 1 0 0 10A5 5 0 0 0 8 5zM16 9a5 5 0 1 0 0 10 5 5 0 0 0 0-10z",
    "tasks": "M4 6l1.5 1.5L8 5M4 12l1.5 1.5L8 11M4 18l1.5 1.5L8 17M11 6h9M11 12h9M11 18h9",
    "reviews": "M4 5h16v11H9l-5 4zM9 9.5a3 3 0 1 1 3.5 3M12 14.5h.01",
    "settings": "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",
    "more": "M5 12h.01M12 12h.01M19 12h.01",
    "import": "M12 4v11M7.5 10.5 12 15l4.5-4.5M4 17v3h16v-3",
    "plus": "M12 5v14M5 12h14",
    "warning": "M12 4 2.5 20h19zM12 10v4M12 17h.01",
    "out": "M10 4H5v16h5M15 8l4 4-4 4M19 12H9",
}
STATE_WORDS = {
    Status.PENDING: "Waiting",
    Status.PROCESSING: "Running",
    Status.COMPLETED: "Completed",
    Status.FAILED: "Failed",
    Status.CANCELLED: "Cancelled",
}


@register.simple_tag
def icon(name: str) -> SafeString:
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="{}"/></svg>', ICONS[name]
    )


@register.simple_tag
def moment(value: datetime | None) -> SafeString:
    """A `<time>` in UTC, which a script turns into the reader's zone without changing its length."""
    if value is None:
        return SafeString("")
    utc = value.astimezone(UTC)
    return format_html(
        '<local-time><time datetime="{}" title="{} UTC">{}</time></local-time>',
        utc.isoformat(timespec="seconds").replace("+00:00", "Z"),
        f"{utc:%d %b %Y, %H:%M}",
        f"{utc:%d %b %Y, %H:%M}",
    )


@register.filter
def seconds(value: float | None) -> str:
    """Like `task-element.js` writes it: 1.2 s, 45 s, 12 min, 1.5 h."""
    if value is None:
        return ""
    if value < 10:
        return f"{value:.1f} s"
    if value < 90:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.1f} h"


@register.filter
def state_words(status: str) -> str:
    return STATE_WORDS.get(Status(status), status) if status in Status.values else status


@register.filter
def after(value: datetime, start: datetime) -> str:
    """How long after the start: "+2.3 s"."""
    return f"+{seconds((value - start).total_seconds())}"


@register.filter
def elapsed(task: TaskLog) -> float | None:
    """Seconds since the task started, up to its end."""
    if task.started_at is None:
        return None
    return ((task.finished_at or timezone.now()) - task.started_at).total_seconds()


@register.filter
def result_words(result: object) -> str:
    """`{"communities_count": 4, "edges": 1}` → "4 communities, 1 edge", the same as in `task-progress.js`."""
    if not isinstance(result, Mapping):
        return ""
    return ", ".join(_counted(key, value) for key, value in result.items() if type(value) is int)


def _counted(key: str, value: int) -> str:
    name, *rest = key.removesuffix("_count").split("_")
    if value == 1:
        name = f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")
    return " ".join([f"{value:,}", name, *rest])


@register.filter
def words(name: str) -> str:
    """`works_at` → "works at"."""
    return name.replace("_", " ")


@register.filter
def type_class(name: str) -> str:
    """The class that gives an entity type its colour; types of a project's own share one."""
    return f"t-{name}" if name in BUILT_IN_ENTITY_TYPES else "t-concept"


@register.simple_tag
def highlight(text: str, spans: Iterable[Sequence[int]]) -> SafeString:
    """The text, escaped, with `<mark>` around the spans, given in code points; they may overlap."""
    marked = [Span(int(span[0]), int(span[1]), True) for span in spans]
    return format_html_join(
        "",
        "{}{}{}",
        (
            (mark_safe("<mark>"), text[cut.start : cut.end], mark_safe("</mark>"))
            if cut.marks
            else ("", text[cut.start : cut.end], "")
            for cut in segments(0, len(text), marked)
        ),
    )


@register.simple_tag
def marked(pieces: Iterable[Piece], project: Project) -> SafeString:
    """A memory's text with links at its mentions and the ids of the facts that are said."""
    inner = format_html_join("", "{}", ((_piece(piece, project),) for piece in pieces))
    return format_html('<span class="words">{}</span>', inner)


def _piece(piece: Piece, project: Project) -> SafeString | str:
    text = _mention(piece, project)
    if not (piece.facts or piece.anchor or piece.hit):
        return text
    names = " ".join(name for name, on in (("said", piece.facts), ("hit", piece.hit)) if on)
    anchor = format_html(' id="{}"', piece.anchor) if piece.anchor else ""
    return format_html('<span class="{}"{} data-facts="{}">{}</span>', names, anchor, piece.facts, text)


def _mention(piece: Piece, project: Project) -> SafeString | str:
    if piece.mention is None or piece.entity is None:
        return piece.text
    entity = piece.entity
    return format_html(
        '<a class="mention {} {}" href="{}" data-entity="{}" title="{}, {}">{}</a>',
        piece.mention.kind,
        type_class(entity.type),
        reverse("entity", args=[project.pk, entity.pk]),
        entity.pk,
        entity.name,
        words(entity.type),
        piece.text,
    )


@register.filter
def validity(fact: Fact) -> str:
    """From when until when a fact holds, as exactly as is known: "since May 2021", "2019 to 2021"; or nothing."""
    precision = fact.valid_precision or "day"
    start, end = _day(fact.valid_at, precision), _day(fact.invalid_at, _end_precision(fact.invalid_at, precision))
    if start and end:
        return f"{start} to {end}"
    if start:
        return f"since {start}"
    return f"until {end}" if end else ""


def _end_precision(end: datetime | None, precision: str) -> str:
    """An end is as exact as the beginning where it is the turn of a year or month; else another fact set the day."""
    if end is None or precision == "time":
        return "day"
    moment = end.astimezone(UTC)
    first = moment.day == 1 and (precision == "month" or moment.month == 1)
    return precision if first and precision in {"year", "month"} else "day"


def _day(value: datetime | None, precision: str) -> str:
    if value is None:
        return ""
    forms = {"year": "%Y", "month": "%b %Y", "time": "%d %b %Y, %H:%M UTC"}
    return value.astimezone(UTC).strftime(forms.get(precision, "%d %b %Y"))


@register.filter
def is_past(fact: Fact) -> bool:
    """Whether the fact no longer holds, or is no longer believed."""
    return fact.expired_at is not None or (fact.invalid_at is not None and fact.invalid_at <= timezone.now())


@register.filter
def share(part: float | None, whole: float) -> str:
    """A part in percent of the whole, for an SVG's width; at least a sliver."""
    return f"{max(100 * (part or 0) / whole, 0.5):.1f}%" if whole > 0 else "0.5%"


@register.filter
def other_names(entity: Entity) -> list[str]:
    return queries.aliases(entity)


@register.filter
def community_of(entity: Entity) -> Community | None:
    return queries.community_of(entity)


@register.simple_tag
def excerpt(mention: Mention) -> SafeString:
    """The words around a mention, with the mention marked."""
    text = mention.passage.text
    start, end = mention.start - mention.passage.start, mention.end - mention.passage.start
    left, right = max(0, start - EXCERPT), min(len(text), end + EXCERPT)
    marked = highlight(text[left:right], [(start - left, end - left)])
    return format_html("{}{}{}", "…" if left else "", marked, "…" if right < len(text) else "")


@register.filter
def why_words(why: Mapping[str, Any]) -> str:
    """The signals of a search result: `{"words": 0.8, "vector": 0.52}` → "words 0.80 · meaning 0.52".

    A fact itself stands above its sentence, and that it is affirmed goes without saying.
    """
    told = {key: value for key, value in why.items() if value and key != "fact" and value != "affirmed"}
    return " · ".join(f"{SIGNALS.get(key, words(key))} {_signal(value)}" for key, value in told.items())


def _signal(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return ", ".join(str(part) for part in value) if isinstance(value, (list, tuple)) else str(value)
