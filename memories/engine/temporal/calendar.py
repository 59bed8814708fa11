"""Stretches of the calendar: the days, weeks, months and years that a date expression stands for. All in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from memories.engine.types import Precision

MONTHS = {
    name: i + 1
    for i, names in enumerate(
        [
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sep sept",
            "october oct",
            "november nov",
            "december dec",
        ]
    )
    for name in names.split()
}
WEEKDAYS = {
    name: i for i, name in enumerate(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"])
}
SHORT_WEEKDAYS = {
    **dict.fromkeys(["mon"], 0), **dict.fromkeys(["tue", "tues"], 1), **dict.fromkeys(["wed", "weds"], 2),
    **dict.fromkeys(["thu", "thur", "thurs"], 3), "fri": 4, "sat": 5, "sun": 6,
}  # fmt: skip
SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}  # first month, northern half
NUMBERS = {
    word: i
    for i, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )
} | {"a": 1, "an": 1, "couple": 2, "dozen": 12}
END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `first` up to, not including, `last`; `precision` is the finest unit that was said."""

    first: datetime
    last: datetime
    precision: Precision


def utc(moment: datetime) -> datetime:
    """An aware time in UTC; a naive one is taken to be UTC already. Clamped at the ends of the calendar."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return moment.replace(tzinfo=UTC)


def midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def later(moment: datetime, delta: timedelta) -> datetime:
    """`moment + delta`, or the end of the calendar."""
    try:
        return moment + delta
    except OverflowError:
        return END


def add_months(moment: datetime, months: int) -> datetime:
    """The same day of another month, or its last day. Raises ValueError outside the years 1 to 9999."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            if not 1 <= year <= 9999:
                raise
    return moment.replace(year=year, month=month + 1)


def day(moment: datetime) -> Stretch:
    first = midnight(moment)
    return Stretch(first, later(first, timedelta(days=1)), "day")


def week(moment: datetime) -> Stretch:
    """Monday to Sunday around `moment`; a week has no precision of its own and counts as days."""
    first = midnight(moment) - timedelta(days=moment.weekday())
    return Stretch(first, later(first, timedelta(days=7)), "day")


def weekend(moment: datetime) -> Stretch:
    first = week(moment).first + timedelta(days=5)
    return Stretch(first, later(first, timedelta(days=2)), "day")


def months(year: int, month: int, count: int = 1) -> Stretch:
    first = datetime(year, month, 1, tzinfo=UTC)
    try:
        last = add_months(first, count)
    except ValueError:
        last = END
    return Stretch(first, last, "month")


def years(year: int, count: int = 1) -> Stretch:
    last = datetime(year + count, 1, 1, tzinfo=UTC) if year + count <= 9999 else END
    return Stretch(datetime(year, 1, 1, tzinfo=UTC), last, "year")
