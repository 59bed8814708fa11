"""What a text must be before it is accepted; used by the API, the pages, the import and the command line alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

from memories.engine.types import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMemory:
    """A memory as it was handed in, checked. Of a conversation `messages` is given and `content` is made from it."""

    content: str = ""
    messages: Sequence[Message] = ()
    title: str = ""
    content_type: str = "text"
    reference_time: datetime | None = None
    tags: Sequence[str] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    external_id: str = ""
    source_url: str = ""


def check_characters(value: str) -> str:
    """Returns the text; ValidationError for characters that no database keeps."""
    if "\x00" in value:
        raise ValidationError("The text has NUL characters; remove them and send it again.", code="nul_characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValidationError(
            "The text has lone surrogates, half characters that are not Unicode; send valid UTF-8.", code="surrogates"
        ) from None
    return value


def check_content(value: str) -> str:
    """Returns a memory's text; ValidationError when it is empty, too long or has characters that can't be kept."""
    check_characters(value)
    if not value.strip():
        raise ValidationError("There is no text; send at least one word.", code="blank")
    size = len(value.encode())
    if size > settings.MAX_CONTENT_BYTES:
        raise ValidationError(
            f"The text has {size:,} bytes; a memory may have {settings.MAX_CONTENT_BYTES:,}. Split it into parts.",
            code="too_large",
        )
    return value
