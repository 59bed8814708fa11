"""An address that leads to an article which the project has already is not saved twice."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

from memories.engine.errors import InvalidSource
from memories.fetching import FetchError
from memories.fetching.addresses import key_of
from memories.models import SavedDocument, SourceKey


def refuse_second(row: SavedDocument, url: str) -> None:
    """InvalidSource when another memory of the project was read from this address."""
    keys = SourceKey.objects.filter(project=row.memory.project_id, key=key_of(url)).exclude(document=row)
    other = keys.filter(document__memory__generation__gt=0).select_related("document__memory").first()
    if other is not None:
        raise InvalidSource(
            f"This address leads to an article that the project has already, “{other.document.memory.title}”, "
            "so it was not saved a second time."
        )


def take_addresses(row: SavedDocument, url: str, declared: str) -> None:
    """Keeps where the address led to as the memory's own, in the caller's transaction; InvalidSource as above.

    What a page declares to be its address counts when it is on the same host: otherwise any page could take the place
    of another one.
    """
    keys = [key_of(url)]
    if _host(declared) == _host(url) != "":
        with suppress(FetchError):
            keys.append(key_of(declared))
    SourceKey.objects.bulk_create(
        [SourceKey(project_id=row.memory.project_id, document=row, key=key) for key in dict.fromkeys(keys)],
        ignore_conflicts=True,
    )
    refuse_second(row, url)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
