"""`status`, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TypedDict

from django.db import connection

import memstack
from memstack.migrating import history
from memstack.migrating.errors import explained, where
from memstack.migrating.files import Key, label
from memstack.migrating.history import History

UNKNOWN = "unknown"


class Step(TypedDict):
    """One migration. `applied_at` ISO 8601; `seconds`, `version` and `host` are null where nobody noted them."""

    app: str
    name: str
    applied: bool
    applied_at: str | None
    seconds: float | None
    version: str | None
    host: str | None
    changed: bool
    dependencies: list[str]


class Status(TypedDict):
    version: str
    database: str
    place: str
    applied: int
    pending: list[str]
    changed: list[str]
    unknown: list[str]
    migrations: list[Step]


def status() -> tuple[Status, History]:
    """Where the database stands, and the reading that says so."""
    with explained():
        reading = history.read(connection)
        steps = [_step(reading, key) for key in reading.order]
    return (
        Status(
            version=memstack.__version__,
            database=connection.vendor,
            place=where(),
            applied=sum(step["applied"] for step in steps),
            pending=[label(key) for key in reading.pending],
            changed=[label(key) for key in reading.changed],
            unknown=[label(key) for key in reading.unknown],
            migrations=steps,
        ),
        reading,
    )


def _step(reading: History, key: Key) -> Step:
    row, applied = reading.records.get(key), key in reading.applied
    at: datetime | None = getattr(reading.applied.get(key), "applied", None)
    return Step(
        app=key[0],
        name=key[1],
        applied=applied,
        applied_at=at.isoformat() if at else None,
        seconds=row.seconds if row and applied else None,
        version=(row.version or None) if row and applied else None,
        host=(row.host or None) if row and applied else None,
        changed=key in reading.changed,
        dependencies=sorted(label(parent.key) for parent in reading.graph.node_map[key].parents),
    )


def lines(status: Status) -> Iterator[str]:
    """An app, its migrations in order, and below each what it depends on."""
    apps: dict[str, list[Step]] = {}
    for step in status["migrations"]:
        apps.setdefault(step["app"], []).append(step)
    for app in sorted(apps):
        yield app
        for step in apps[app]:
            yield f"  [{'x' if step['applied'] else ' '}] {step['name']:<44} {_tale(step)}".rstrip()
            yield from _branches(step["dependencies"])
    yield _sum(status)
    for name in status["changed"]:
        yield f"{name} was changed after it was applied; put its file back as it was."


def _tale(step: Step) -> str:
    if not step["applied"]:
        return "pending"
    at = (step["applied_at"] or UNKNOWN)[:19].replace("T", " ")
    if step["version"] is None:
        return f"{at}  by another way than manage_migrations"
    return f"{at}  {step['seconds'] or 0:.2f} s  by {step['version']} on {step['host']}"


def _branches(names: list[str]) -> Iterator[str]:
    for name in names:
        yield f"       {'└' if name == names[-1] else '├'}─ {name}"


def _sum(status: Status) -> str:
    what = f"{status['applied']} applied, {len(status['pending'])} pending"
    return f"{what}; MemStack {status['version']}, {status['database']} ({status['place']})"
