"""What a task was given and what came out of it, fit to be looked at: without secrets, and not by the megabyte."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from django.db.models import TextField
from django.db.models.functions import Cast, Length, Substr

from tasks_app.models import TaskLog

LONGEST = 20_000
SHOWN = 4_000
HIDDEN = "•••"
SECRET = r"pass(?:word|wd|phrase)|secret|token|api[_-]?key|auth(?!or(?!iz))|cookie|credential|private[_-]?key"  # noqa: S105
SECRET_NAME = re.compile(rf"(?i)(?:{SECRET})")
SECRET_MEMBER = re.compile(rf'(?i)("[^"]*(?:{SECRET})[^"]*"\s*:\s*)"(?:[^"\\]|\\.)*(?:"|\\?$)')
SECRET_VALUES = (
    (re.compile(r"\bms_sk_[0-9a-f]{8,}"), f"ms_sk_{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(?<=://)[^/\s@\"]+@"), f"{HIDDEN}@"),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A JSON value as text; `size` is the characters of the whole, `cut` says that this is its beginning."""

    text: str
    size: int
    cut: bool


def payload_of(task: TaskLog) -> Shown | None:
    """What the task was given; of a long one the database hands out the beginning only. None when it is empty."""
    text = Cast("payload", TextField())
    row = TaskLog.objects.filter(pk=task.pk).values_list(Length(text), Substr(text, 1, LONGEST)).first()
    return _shown(row[1], row[0]) if row and row[1] not in ("", "{}", "null") else None


def result_of(task: TaskLog) -> Shown | None:
    """What came out of it; None when there is nothing."""
    if not task.result:
        return None
    text = json.dumps(task.result, ensure_ascii=False)
    return _shown(text, len(text))


def _shown(text: str, size: int) -> Shown:
    if size > LONGEST:
        return Shown(_without_secret_values(SECRET_MEMBER.sub(rf'\1"{HIDDEN}"', text[:SHOWN])), size, cut=True)
    return Shown(json.dumps(scrubbed(json.loads(text)), ensure_ascii=False, indent=2), size, cut=False)


def scrubbed(value: Any, name: str = "") -> Any:
    """The value with its secrets blotted out: texts under a name that promises one, and texts that look like one."""
    secret = SECRET_NAME.search(name)
    if isinstance(value, dict):
        return {key: scrubbed(inner, name if secret else str(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [scrubbed(inner, name) for inner in value]
    if not isinstance(value, str):
        return value
    return HIDDEN if secret else _without_secret_values(value)


def _without_secret_values(text: str) -> str:
    for pattern, replacement in SECRET_VALUES:
        text = pattern.sub(replacement, text)
    return text
