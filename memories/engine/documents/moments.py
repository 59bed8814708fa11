"""Dates as documents tell them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from dateutil import parser

_EARLIEST = datetime(1400, 1, 1, tzinfo=UTC)
_SLACK = timedelta(days=2)  # clocks and zones differ; what lies further ahead is no date of publication
_OTHER_DAYS = datetime(1, 1, 1), datetime(2, 2, 2)  # noqa: DTZ001 -- a zone is what they must not add


def moment(told: object) -> datetime | None:
    """The time in UTC; one without a zone is taken for UTC, a date for its midnight. None for what is no full date."""
    if isinstance(told, datetime):
        found: datetime | None = told
    elif isinstance(told, date):
        found = datetime.combine(told, time())
    else:
        found = _parsed(told.strip()) if isinstance(told, str) else None
    return _believable(found) if found else None


def _parsed(told: str) -> datetime | None:
    """Parsed twice with other defaults: what differs was not told."""
    if not 8 <= len(told) <= 60:
        return None
    try:
        first, second = (parser.parse(told, default=default) for default in _OTHER_DAYS)
    except (ValueError, OverflowError, TypeError, ArithmeticError):
        return None
    return first if first.date() == second.date() else None


def _believable(found: datetime) -> datetime | None:
    try:
        utc = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return utc if _EARLIEST <= utc <= datetime.now(UTC) + _SLACK else None
