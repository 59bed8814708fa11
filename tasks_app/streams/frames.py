"""Server-sent events as bytes, and the ids that readers come back with."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder

from tasks_app.channels import split
from tasks_app.models import TERMINAL

KEEP_ALIVE = b":\n\n"
UNKNOWN_TASK = b'event: error\ndata: {"error": "Task not found"}\n\n'
POSITION = re.compile(r"((?:task|project)-[0-9a-f-]{36}):([0-9]{1,18})")
UUID_FORM = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class MalformedId(ValueError):
    """A Last-Event-ID that this server did not give out."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a channel, encoded once and shared by all who read it.

    `body` comes without its id, because the stream of all projects gives ids of its own.
    """

    channel: str
    number: int
    kind: str
    body: bytes
    whole: bytes

    @property
    def terminal(self) -> bool:
        return self.kind in TERMINAL


def frame(channel: str, number: int, kind: str, data: str) -> Frame:
    """`data` is JSON text. Line breaks would end the field, and JSON text needs none."""
    text = data if "\n" not in data and "\r" not in data else json.dumps(json.loads(data))
    body = f"event: {kind}\ndata: {text}\n\n".encode()
    return Frame(channel, number, kind, body, with_id(position(channel, number), body))


def event_frame(channel: str, number: int, kind: str, data: Any) -> Frame:
    return frame(channel, number, kind, json.dumps(data, cls=DjangoJSONEncoder))


def reset_frame(channel: str, number: int) -> Frame:
    """Tells a reader whose place is not kept to read the state anew, and where it stands then."""
    return frame(channel, number, "reset", "{}")


def with_id(identifier: str, body: bytes) -> bytes:
    return b"id: " + identifier.encode() + b"\n" + body


def retry_field() -> bytes:
    """When to come back after a break, different for each reader: a restart must not bring all of them at once."""
    return f"retry: {random.randint(1000, 3000)}\n\n".encode()  # noqa: S311 - no secret


def position(channel: str, number: int) -> str:
    return f"{channel}:{number}"


def parse_positions(identifier: str) -> dict[str, int]:
    """The channels and numbers of a Last-Event-ID, `task-<uuid>:<n>` or `project-<uuid>:<n>,…`; MalformedId."""
    found: dict[str, int] = {}
    for part in identifier.strip().split(","):
        match = POSITION.fullmatch(part.strip().lower())
        if match is None or split(match[1]) is None or match[1] in found:
            raise MalformedId(identifier[:100])
        found[match[1]] = int(match[2])
    return found


def parse_uuid(text: str) -> UUID | None:
    """A UUID in its usual form, None for anything else."""
    return UUID(text) if UUID_FORM.fullmatch(text.lower()) else None
