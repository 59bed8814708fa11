"""Date expressions of English sentences, resolved against the time the sentence was said.

Fixed dates in the usual notations and relative ones ("yesterday", "two years ago", "last Friday", "next month"), and
what stands before them: since, until, from … to. Ambiguous ones (03/04/2023) are left out. A weekday or a month without
a year is the last such one, or the next when the sentence speaks of the future.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from memories.engine.temporal import calendar
from memories.engine.temporal.calendar import MONTHS, NUMBERS, SEASONS, SHORT_WEEKDAYS, WEEKDAYS, Stretch
from memories.engine.types import Precision

Relation = Literal["at", "since", "until", "between"]


@dataclass(frozen=True, slots=True)
class DateSpan:
    """`text[start:end]` means the time from `first` up to, not including, `last` (UTC).

    `relation` says how it bounds what the sentence tells: `since` from `first` on, `until` before `first`, `between`
    both and `at` some time inside. The span includes words like "since".
    """

    start: int
    end: int
    first: datetime
    last: datetime
    precision: Precision
    relation: Relation = "at"


@dataclass(frozen=True, slots=True)
class _Context:
    """The time of speech, and whether the sentence looks ahead."""

    now: datetime
    future: bool


_MONTH = r"(?P<month>" + "|".join(sorted((m for m in MONTHS if m != "may"), key=len, reverse=True)) + r"|May)\.?"
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>[12]\d{3})"
_COUNT = (
    r"(?P<count>\d{1,4}|an?(?: couple(?: of)?| dozen)?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
)
_UNIT = r"(?P<unit>minute|hour|day|night|week|fortnight|month|year|decade|century|centurie)s?"
_SHORT_DAYS = "|".join(day.capitalize() for day in sorted(SHORT_WEEKDAYS, key=len, reverse=True))
_WEEKDAY = r"(?P<weekday>" + "|".join(WEEKDAYS) + rf"|(?-i:{_SHORT_DAYS})\b\.?)"
_SEASON = r"(?P<season>" + "|".join(SEASONS) + r")"
_WHICH = r"(?P<which>last|past|previous|this|current|next|coming|following)"

_FUTURE = re.compile(
    r"\b(?:will|won't|going to|gonna|plan\w*|next|upcoming|tomorrow|soon|forward to)\b|['\u2019]ll\b", re.I
)
_MAYBE = re.compile(
    r"\d|\b(?:yester|to(?:day|night|morrow)|last|past|previous|this|current|next|coming|following)|"
    r"(?:day|minute|hour|week|fortnight|month|year|decade)s?\b|\b" + _MONTH + r"|\b(?:on|since|until|by)\s",
    re.I,
)
_BEFORE = re.compile(
    r"(?:\b(?P<since>since|after|as of|starting(?: in| from| on)?|from|beginning(?: in)?)"
    r"|\b(?P<until>until|till|before|through|up to|up until|prior to)"
    r"|\b(?P<at>in|on|at|by|during|around|about|circa|of|between))"
    r"\s+(?:the\s+)?(?:(?:early|late|mid|start of|end of|beginning of)[\s-]+)?(?:the\s+)?\Z",
    re.I,
)
_JOIN = re.compile(
    r"\s*(?:[-\u2013\u2014]|\b(?:to|until|till|through|and)\b)\s*(?:the\s+)?(?:early |late |mid-?)?\Z", re.I
)

_Reader = Callable[[re.Match[str], _Context], Stretch | None]


def _iso(match: re.Match[str], _: _Context) -> Stretch | None:
    if not match["clock"]:
        return calendar.day(datetime.fromisoformat(match["date"]).replace(tzinfo=UTC))
    moment = calendar.utc(datetime.fromisoformat(match[0].replace(" ", "T", 1)))
    return Stretch(moment, calendar.later(moment, timedelta(minutes=1)), "time")


def _calendar_date(match: re.Match[str], context: _Context) -> Stretch | None:
    """Any of day, month and year, of which the month is there."""
    parts = match.groupdict()
    month = MONTHS[parts["month"].lower()]
    year = int(parts["year"]) if parts.get("year") else _near_year(context, month, int(parts.get("day") or 1))
    if not parts.get("day"):
        return calendar.months(year, month)
    return calendar.day(datetime(year, month, int(parts["day"]), tzinfo=UTC))


def _near_year(context: _Context, month: int, day: int) -> int:
    now = context.now
    if context.future:
        return now.year + ((month, day) < (now.month, now.day if day > 1 else 1))
    return now.year - ((month, day) > (now.month, now.day))


def _numeric(match: re.Match[str], _: _Context) -> Stretch | None:
    first, second, year = int(match["first"]), int(match["second"]), int(match["year"])
    if match["sign"] == ".":
        first, second = second, first  # 7.5.2023 is always day first
    elif first > 12:
        first, second = second, first
    elif second <= 12 and first != second:
        return None
    return calendar.day(datetime(year, first, second, tzinfo=UTC))


def _year(match: re.Match[str], _: _Context) -> Stretch | None:
    return calendar.years(int(match["year"]))


def _decade(match: re.Match[str], context: _Context) -> Stretch | None:
    digits = match["decade"]
    year = int(digits) if len(digits) == 4 else int(digits) + context.now.year // 100 * 100
    return calendar.years(year - 100 if year > context.now.year + 10 else year, 10)


def _century(match: re.Match[str], _: _Context) -> Stretch | None:
    return calendar.years(max(1, (int(match["century"]) - 1) * 100), 100)


_NAMED_DAYS = {
    "today": 0,
    "tonight": 0,
    "yesterday": -1,
    "tomorrow": 1,
    "last night": -1,
    "the day before yesterday": -2,
    "the day after tomorrow": 2,
    "this morning": 0,
    "this afternoon": 0,
    "this evening": 0,
}


def _named_day(match: re.Match[str], context: _Context) -> Stretch | None:
    word = " ".join(match[0].lower().split())
    shift = next(days for name, days in _NAMED_DAYS.items() if word.startswith(name))
    return calendar.day(context.now + timedelta(days=shift))


def _count(text: str) -> int:
    word = text.lower().removesuffix(" of").split()[-1]
    return int(word) if word.isdigit() else NUMBERS[word]


def _shifted(now: datetime, count: int, unit: str) -> Stretch:
    """The minute, day, week, month or year that lies `count` units from now."""
    if unit in {"minute", "hour"}:
        moment = now + timedelta(minutes=count * (60 if unit == "hour" else 1))
        return Stretch(moment, calendar.later(moment, timedelta(minutes=1)), "time")
    if unit in {"day", "night"}:
        return calendar.day(now + timedelta(days=count))
    if unit in {"week", "fortnight"}:
        return calendar.week(now + timedelta(weeks=count * (2 if unit == "fortnight" else 1)))
    if unit == "month":
        moment = calendar.add_months(now, count)
        return calendar.months(moment.year, moment.month)
    return calendar.years(now.year + count * {"year": 1, "decade": 10}.get(unit, 100))


def _ago(match: re.Match[str], context: _Context) -> Stretch | None:
    return _shifted(context.now, -_count(match["count"]), match["unit"].lower())


def _ahead(match: re.Match[str], context: _Context) -> Stretch | None:
    return _shifted(context.now, _count(match["count"]), match["unit"].lower()) if context.future else None


def _lasting(match: re.Match[str], context: _Context) -> Stretch | None:
    start = _shifted(context.now, -_count(match["count"]), match["unit"].lower())
    return Stretch(start.first, calendar.later(context.now, timedelta(minutes=1)), start.precision)


def _direction(match: re.Match[str]) -> int:
    return {"this": 0, "current": 0, "next": 1, "coming": 1, "following": 1}.get(match["which"].lower(), -1)


def _relative_unit(match: re.Match[str], context: _Context) -> Stretch | None:
    unit, steps = match["unit"].lower(), _direction(match)
    if unit == "weekend":
        return calendar.weekend(context.now + timedelta(weeks=steps))
    return _shifted(context.now, steps, unit)


def _relative_name(match: re.Match[str], context: _Context) -> Stretch | None:
    """last Friday, next May, this summer."""
    steps, parts, now = _direction(match), match.groupdict(), context.now
    if parts["weekday"]:
        return _weekday(now, _day_number(parts["weekday"]), steps)
    if parts["month"]:
        return calendar.months(_turn(now, MONTHS[parts["month"].lower()], 1, steps), MONTHS[parts["month"].lower()])
    first = SEASONS[parts["season"].lower()]
    return calendar.months(_turn(now, first, 3, steps), first, 3)


def _turn(now: datetime, month: int, length: int, steps: int) -> int:
    """The year whose `length` months from `month` on are the last over, the running, or the next to come."""
    if steps < 0:
        return now.year - (now.month < month + length)
    return now.year + (steps > 0 and now.month >= month)


def _weekday(now: datetime, weekday: int, steps: int) -> Stretch:
    if steps == 0:
        return calendar.day(calendar.week(now).first + timedelta(days=weekday))
    if steps < 0:
        return calendar.day(now - timedelta(days=(now.weekday() - weekday - 1) % 7 + 1))
    return calendar.day(now + timedelta(days=(weekday - now.weekday() - 1) % 7 + 1))


def _day_number(word: str) -> int:
    """0 for Monday or Mon."""
    name = word.lower().rstrip(".")
    return WEEKDAYS.get(name, SHORT_WEEKDAYS.get(name, 0))


def _bare_weekday(match: re.Match[str], context: _Context) -> Stretch | None:
    weekday = _day_number(match["weekday"])
    ahead = (weekday - context.now.weekday()) % 7
    return calendar.day(context.now + timedelta(days=ahead if context.future else -((7 - ahead) % 7)))


def _compiled(*rules: tuple[str, _Reader, Relation]) -> list[tuple[re.Pattern[str], _Reader, Relation]]:
    return [
        (re.compile(rf"(?<![\w$\u20ac\u00a3]){pattern}(?!\w)", re.I), reader, kind) for pattern, reader, kind in rules
    ]


# In this order: what stands first wins over what overlaps it.
_RULES = _compiled(
    (r"(?P<date>\d{4}-\d\d-\d\d)(?P<clock>[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?", _iso, "at"),
    (rf"{_DAY}(?:\s+of)?\s+{_MONTH},?\s+{_YEAR}", _calendar_date, "at"),
    (rf"{_MONTH}\s+{_DAY},?\s+{_YEAR}", _calendar_date, "at"),
    (rf"{_MONTH},?\s+(?:of\s+)?{_YEAR}", _calendar_date, "at"),
    (r"(?P<first>\d{1,2})(?P<sign>[./])(?P<second>\d{1,2})(?P=sign)(?P<year>[12]\d{3})", _numeric, "at"),
    (r"(?:last night|yesterday(?:\s+(?:morning|afternoon|evening|night))?|the day before yesterday"
     r"|tomorrow(?:\s+(?:morning|afternoon|evening|night))?|the day after tomorrow|today|tonight"
     r"|this (?:morning|afternoon|evening))", _named_day, "at"),
    (rf"(?:for|over|in|during)\s+the\s+(?:past|last)\s+{_COUNT}\s+{_UNIT}", _lasting, "since"),
    (rf"(?:about\s+|around\s+|almost\s+)?{_COUNT}\s+{_UNIT}\s+(?:ago|earlier|back)", _ago, "at"),
    (rf"in\s+(?:about\s+)?{_COUNT}\s+{_UNIT}(?:['\u2019]?\s+time)?", _ahead, "at"),
    (rf"{_WHICH}\s+(?P<unit>week(?:end)?|month|year|decade|century)", _relative_unit, "at"),
    (rf"{_WHICH}\s+(?:{_WEEKDAY}|{_MONTH}|{_SEASON})", _relative_name, "at"),
    (rf"{_DAY}(?:\s+of)?\s+{_MONTH}", _calendar_date, "at"),
    (rf"{_MONTH}\s+{_DAY}", _calendar_date, "at"),
    (r"['\u2019]?(?P<decade>[12]\d\d0|\d0)['\u2019]?s", _decade, "at"),
    (r"(?P<century>\d{1,2})(?:st|nd|rd|th)[\s-]century", _century, "at"),
    (rf"(?:in|since|until|till|during|by|from|after|before)\s+(?:early |late |mid-?)?{_MONTH}", _calendar_date, "at"),
    (rf"(?:on\s+|since\s+|until\s+|by\s+){_WEEKDAY}", _bare_weekday, "at"),
    (rf"{_YEAR}(?!\s*(?:%|percent|dollars|euros|people|miles|km|meters|metres|feet|kg|times|years|votes))(?![.,]\d)(?!-\d\d\d\d-)",
     _year, "at"),
)  # fmt: skip
_LONG_FOR = re.compile(
    rf"\b(?:have|has|had|['\u2019]ve|['\u2019]s)\b[^.!?]{{1,80}}?\b(?P<span>for\s+{_COUNT}\s+{_UNIT})\b", re.I
)


def find_dates(text: str, reference: datetime) -> list[DateSpan]:
    """The date expressions of a sentence or passage, in order and without overlap. Pure; never raises.

    `reference` is the time of speech; "last week" counts from it. A naive one is taken as UTC.
    """
    if not _MAYBE.search(text):
        return []
    context = _Context(calendar.utc(reference), bool(_FUTURE.search(text)))
    spans: list[DateSpan] = []
    taken: list[tuple[int, int]] = []  # also what a rule refused: 31 February is no February
    for pattern, reader, relation in _RULES:
        for match in pattern.finditer(text):
            if not _overlaps(match.span(), taken):
                taken.append(match.span())
                spans += _span(_read(reader, match, context), match.span(), relation)
    for match in _LONG_FOR.finditer(text):
        if not _overlaps(match.span("span"), taken):
            spans += _span(_read(_lasting, match, context), match.span("span"), "since")
    return _ranges(text, [_bounded(text, span) for span in sorted(spans, key=lambda span: span.start)])


def _overlaps(span: tuple[int, int], taken: list[tuple[int, int]]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in taken)


def _span(stretch: Stretch | None, where: tuple[int, int], relation: Relation) -> list[DateSpan]:
    return [DateSpan(*where, stretch.first, stretch.last, stretch.precision, relation)] if stretch else []


def _read(reader: _Reader, match: re.Match[str], context: _Context) -> Stretch | None:
    try:
        return reader(match, context)
    except (ValueError, OverflowError):  # 31 February, or beyond the years 1 to 9999
        return None


def _bounded(text: str, span: DateSpan) -> DateSpan:
    """The span widened by the words before it, which say since or until."""
    if span.relation != "at":
        return span
    own = text[span.start : span.end]
    inside = re.match(r"(since|from|after|until|till|before)\b", own, re.I)
    before = None if inside else _BEFORE.search(text, max(0, span.start - 40), span.start)
    word = inside[1].lower() if inside else ""
    relation: Relation = "at"
    if word in {"since", "from", "after"} or (before and before["since"]):
        relation = "since"
    elif word or (before and before["until"]):
        relation = "until"
    start = before.start() if before else span.start
    return DateSpan(start, span.end, span.first, span.last, span.precision, relation)


def _ranges(text: str, spans: list[DateSpan]) -> list[DateSpan]:
    """Joins `from 2016 to 2021`, `1990-1995` and `between May and June`."""
    joined: list[DateSpan] = []
    for span in spans:
        before = joined[-1] if joined else None
        if before and before.first <= span.first and _joins(text, before, span):
            joined[-1] = DateSpan(before.start, span.end, before.first, span.last, before.precision, "between")
        elif not before or span.start >= before.end:
            joined.append(span)
    return joined


def _joins(text: str, before: DateSpan, span: DateSpan) -> bool:
    if before.relation not in {"at", "since"} or span.relation == "between":
        return False
    match = _JOIN.match(text, before.end, span.start) or (
        span.relation == "until" and not text[before.end : span.start].strip()
    )
    if isinstance(match, re.Match) and match[0].strip().lower() == "and":
        return text[before.start : before.end].lower().startswith("between")
    return bool(match)
