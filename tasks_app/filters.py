"""The filters of the task lists as they stand in a URL; page, bulk action and export read them the same way."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.utils import timezone

from memories.queries import parse_moment
from tasks_app import queries
from tasks_app.kinds import Kind
from tasks_app.models import Status, TaskLog

RANGES = {
    "15m": ("Last 15 minutes", timedelta(minutes=15)),
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
}
CHOICES: dict[str, tuple[str, Collection[str]]] = {
    "status": ("state", Status.values),
    "kind": ("kind of task", Kind.values),
    "range": ("range", RANGES),
}
NAMES = (*CHOICES, "q", "since", "until")
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to. `range` counts back from now and gives way to `since`; `given` is as it was typed;
    `errors` names what could not be read and so does not narrow anything."""

    status: str = ""
    kind: str = ""
    q: str = ""
    range: str = ""
    since: datetime | None = None
    until: datetime | None = None
    given: dict[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.given)

    @property
    def by_count(self) -> bool:
        """Whether the counts by state and kind tell how many tasks fit."""
        return not self.given.keys() - {"status", "kind"}

    def rows(self, scope: queries.Scope) -> QuerySet[TaskLog]:
        since = timezone.now() - RANGES[self.range][1] if self.range and self.since is None else self.since
        return queries.tasks(scope, status=self.status, kind=self.kind, q=self.q, since=since, until=self.until)

    def searched_all(self, scope: queries.Scope) -> bool:
        """Whether the words were looked for in all tasks that fit the other filters."""
        if not self.q or queries.uuid_or_none(self.q):
            return True
        return queries.search_floor(replace(self, q="").rows(scope)) is None

    def query(self, **changes: str) -> str:
        """The filters as a query string, with some of them changed."""
        return urlencode({name: value for name, value in (self.given | changes).items() if value})


def read(given: Mapping[str, str]) -> Filters:
    """The filters of a query string. A word that names no state or kind is an error, and does not narrow anything."""
    words = {name: word for name in NAMES if (word := _clean(given.get(name, "")))}
    errors = []
    for name, (label, known) in CHOICES.items():
        if name in words and words[name] not in known:
            errors.append(f"There is no {label} “{words.pop(name)}”.")
    times: dict[str, datetime] = {}
    for name in ("since", "until"):
        if name in words:
            try:
                times[name] = _moment(words[name], start=name == "since")
            except (ValueError, OverflowError):
                errors.append(f"“{words.pop(name)}” is no time; write 2026-05-31 or 2026-05-31T12:00, in UTC.")
    return Filters(
        status=words.get("status", ""),
        kind=words.get("kind", ""),
        q=words.get("q", ""),
        range=words.get("range", ""),
        since=times.get("since"),
        until=times.get("until"),
        given=words,
        errors=tuple(errors),
    )


def _clean(text: str) -> str:
    return text.strip().replace("\x00", "")[:LONGEST]


def _moment(text: str, *, start: bool) -> datetime:
    """A day, which begins or ends the range whole, or a moment; without a zone it is in UTC."""
    if len(text) > 10:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    moment = parse_moment(text)
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) if start else moment
