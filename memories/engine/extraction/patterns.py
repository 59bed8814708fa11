"""Patterns that people write for their own types: RE2, whose time is linear in the text whatever the pattern is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

import re2

MOST_PATTERN = 500  # characters
MOST_PROGRAM = 5_000  # instructions: repetitions such as \w{1,500} multiply
MOST_MATCHES = 500  # in one text
MOST_NAME = 200  # characters of a match that may be a name
_ORDINARY = "Yes, it was a good day in the old town and we went out to see what there is to eat, 2 of us."
_SHORT = ("", "a", "A", " ", "a b", "1", ".", "\n", "é")


class BadPattern(ValueError):
    """The pattern can't be used; the message says why, for the person who wrote it."""


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Any:
    """The pattern, ready to be looked for. BadPattern where it is none, or one that costs too much."""
    if len(pattern) > MOST_PATTERN:
        raise BadPattern(f"A pattern may have {MOST_PATTERN} characters; this one has {len(pattern):,}.")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 4 << 20
    try:
        program = re2.compile(pattern, options)
    except re2.error as error:
        raise BadPattern(f"This is not a pattern in RE2 syntax: {_reason(error)}.") from None
    if program.programsize > MOST_PROGRAM:
        raise BadPattern("The pattern repeats too much; use smaller numbers in braces, or + and *.")
    return program


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else "unknown reason"
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)


def check(pattern: str) -> None:
    """BadPattern where it can't be used, finds nothing at all between letters, or finds what is in every text."""
    program = compiled(pattern)
    if any(not match.group() for text in (*_SHORT, _ORDINARY) for match in islice(program.finditer(text), 50)):
        raise BadPattern("The pattern also fits where there is no letter at all; let it begin with something it needs.")
    words = _ORDINARY.split()
    covered = sum(end - start for start, end in matches(pattern, _ORDINARY))
    if covered * 2 > sum(map(len, words)):
        raise BadPattern("The pattern fits ordinary words, so everything would be a name; make it more particular.")


def matches(pattern: str, text: str) -> Iterator[tuple[int, int]]:
    """Where the pattern fits, as code points, at most MOST_MATCHES times; of a group called `name` its part alone."""
    program = compiled(pattern)
    group = program.groupindex.get("name", 0)
    for match in islice(program.finditer(text), MOST_MATCHES):
        start, end = match.span(group)
        found = text[start:end] if start >= 0 else ""
        bare = found.strip()
        if bare and len(bare) <= MOST_NAME and any(sign.isalnum() for sign in bare):
            start += len(found) - len(found.lstrip())
            yield start, start + len(bare)
