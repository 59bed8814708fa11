"""The key under which names count as the same."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from memories.engine.resolution.nicknames import is_short_for

_ARTICLE = re.compile(r"\A(?:the|a|an)\s+(?=\S)")
_POSSESSIVE = re.compile(r"(?<=\w)['\u2019\u02bc](?:s)?\Z")

_LEGAL = frozenset({"inc", "corp", "corporation", "ltd", "limited", "llc", "plc", "co", "company", "gmbh", "ag", "sa"})
LITTLE = frozenset({"of", "the", "and", "for", "in", "on", "de", "la", "&"})
TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "sir", "prof", "professor"})


@lru_cache(maxsize=16_384)
def fold(name: str) -> str:
    """The alias key of a name: NFKC, casefold, single spaces, without leading article and trailing possessive.

    Idempotent enough to compare, and never empty for a name that is not empty.
    """
    key = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    key = unicodedata.normalize("NFKC", key)
    bare = _POSSESSIVE.sub("", _ARTICLE.sub("", key, count=1)).strip()
    return bare or key or name


def core(key: str) -> str:
    """A folded name of an organization without its legal form: "acme" of "acme corp."."""
    words = key.split()
    while len(words) > 1 and words[-1].strip(".,") in _LEGAL:
        words.pop()
    return " ".join(words).rstrip(",") or key


def acronym(name: str) -> str:
    """The capital initials of a name of several words, little words left out; empty for one word."""
    words = [word for word in name.replace("-", " ").split() if word.casefold() not in LITTLE]
    return "".join(word[0].upper() for word in words) if len(words) > 1 else ""


def is_part_of(short: str, long: str) -> bool:
    """Whether a person's short folded name has only words of the long one, titles aside: "anna" of "anna smith"."""
    words = bare_words(short)
    return bool(words) and set(words) < set(long.split())


def bare_words(name: str) -> list[str]:
    """The words of a person's folded name without titles."""
    return [word for word in name.split() if word.strip(".") not in TITLES]


def is_initials_of(short: str, long: str) -> bool:
    """Whether words of the short name are initials or nicknames of the long one's: "a. smith", "bob smith"."""
    few, many = short.split(), long.split()
    if len(few) < 2 or len(few) > len(many) or few[-1] != many[-1]:
        return False
    return all(_abbreviates(a, b) for a, b in zip(few[:-1], many, strict=False))


def _abbreviates(short: str, long: str) -> bool:
    bare = short.rstrip(".")
    return bare == long or (len(bare) == 1 and long.startswith(bare)) or is_short_for(bare, long)
