"""The keys under which names that may be one entity's meet, so that no name is compared with all others."""

from __future__ import annotations

from collections.abc import Iterator

from memories.engine.resolution.folding import LITTLE
from memories.engine.resolution.identity import PERSON
from memories.engine.resolution.likeness import SHORT, acronym_of
from memories.engine.resolution.nicknames import full_names
from memories.engine.resolution.spelling import skeleton

MOST_WORDS = 6
LONGEST = 200
ALIKE = ("~", "=")


def blocking_keys(key: str) -> set[tuple[str, bool]]:
    """Each with whether the name is the short one of those that meet there; see `partner`."""
    words = key[2:].split()[:MOST_WORDS]
    found = _person(words) if key.startswith(PERSON) else _thing(words)
    return {(f"{key[:2]}{block}"[:LONGEST], short) for block, short in found}


def partner(block: str, short: bool) -> tuple[str, bool]:
    """What the names that it may be one with have: the same key; where names shorten others, from the other side."""
    return block, short if block[2:3] in ALIKE else not short


def _person(words: list[str]) -> Iterator[tuple[str, bool]]:
    if not words:
        return
    for first in _first_names(words[0]):
        yield from _alike([first, *words[1:]])
    if len(words) > 1:
        yield f"i:{words[0][0]} {words[-1]}", len(words[0]) == 1
        yield from (("w:" + part, False) for part in _parts(words))
    if len(words) > 2:
        yield "a:" + acronym_of(words), False
    if len(words) == 3:
        yield f"m:{words[0]} {words[1][0]} {words[2]}", len(words[1]) == 1
    if len(words) == 1:
        yield "a:" + words[0], True
    if len(words) <= 2:
        yield from ((f"w:{' '.join([first, *words[1:]])}", True) for first in _first_names(words[0]))


def _alike(words: list[str]) -> Iterator[tuple[str, bool]]:
    """Where names of as many words meet that sound alike."""
    if sum(map(len, words)) >= SHORT - 1:
        yield "~" + "-".join(sorted(map(skeleton, words))), False


def _first_names(word: str) -> tuple[str, ...]:
    return (word, *full_names(word))


def _parts(words: list[str]) -> set[str]:
    """What a longer name may be called: one of its names, or two without those between."""
    single = {name for word in words for name in _first_names(word) if len(word) > 1}
    if len(words) == 2:
        return single
    return single | {f"{first} {words[-1]}" for word in words[:-1] for first in _first_names(word)}


def _thing(words: list[str]) -> Iterator[tuple[str, bool]]:
    telling = [word for word in words if word not in LITTLE]
    if not telling:
        return
    together = "".join(words)
    if len(together) >= 5:
        yield "=" + "".join(sorted(together))[:80], False
        yield "~" + "-".join(sorted(map(_stem, telling))), False
    if acronym := acronym_of(words):
        yield "a:" + acronym, False
    elif 2 <= len(together) <= MOST_WORDS:
        yield "a:" + together, True


def _stem(word: str) -> str:
    """The skeleton without the ending of a plural."""
    return skeleton(word.removesuffix("s") if len(word) > 5 else word)
