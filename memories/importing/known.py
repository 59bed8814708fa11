"""Leaves out addresses that a project has already, and those that come twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from memories.fetching.addresses import key_of
from memories.importing.sources import Found
from memories.models import Project, SourceKey
from memories.validation import NewMemory

AT_ONCE = 200


def only_new(project: Project, found: Iterable[Found]) -> Iterator[Found]:
    """What was found, in its order; an address that is none of the new ones has the reason as its error."""
    seen: dict[str, Found] = {}
    waiting: list[Found] = []
    for item in found:
        if isinstance(item.value, NewMemory):
            waiting.append(item)
            if len(waiting) < AT_ONCE:
                continue
        yield from _judged(project, waiting, seen)
        waiting = []
        if not isinstance(item.value, NewMemory):
            yield item
    yield from _judged(project, waiting, seen)


def _judged(project: Project, items: list[Found], seen: dict[str, Found]) -> Iterator[Found]:
    if not items:
        return
    keys = [key_of(item.value.source_url) for item in items]
    known = set(SourceKey.objects.filter(project=project, key__in=keys).values_list("key", flat=True))
    for key, item in zip(keys, items, strict=True):
        first = seen.setdefault(key, item)
        if key in known:
            yield Found(line=item.line, file=item.file, error="The project has this address already.")
        elif first is not item:
            place = f"line {first.line:,}" + (f" of {first.file}" if first.file != item.file else "")
            yield Found(line=item.line, file=item.file, error=f"The same address stands in {place} already.")
        else:
            yield item
