"""What a name is remembered under: one key for all its spellings that mean nothing, and a digest of it."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache

from memories.engine.resolution.folding import TITLES, core, fold

PERSON, THING = "p:", "t:"
MAX_KEY = 480
_INITIAL = re.compile(r"\b(\w)\.(?=\W|\w\b|\Z)")
_APOSTROPHES = re.compile("['\u2018\u2019\u02bc`\u00b4]")
_SUFFIXES = "jr sr phd md esq i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx"
SUFFIXES = frozenset(_SUFFIXES.split())


def is_person(type: str) -> bool:
    return type == "person"


@lru_cache(maxsize=16_384)
def key_of(name: str, *, person: bool) -> str:
    """The key under which names count as one: case, accents of Latin letters, hyphens, dots, titles and legal forms
    aside; "Smith, Anna" is "Anna Smith". It begins with `PERSON` or `THING`: a person is never a thing of that name."""
    folded = without_accents(_APOSTROPHES.sub("", fold(name)))
    bare = _person(folded) if person else _thing(folded)
    return ((PERSON if person else THING) + (bare or folded))[:MAX_KEY]


def digest(key: str, bearer: int = 0) -> str:
    """32 hexadecimal digits that stand for a key, and one of several bearers of the name, in what people decided."""
    return hashlib.blake2b(f"{key}\n{bearer}".encode(), digest_size=16).hexdigest()


def without_accents(text: str) -> str:
    """Latin letters without their accents; other scripts stay, where a mark makes another letter."""
    return "".join(_plain(letter) for letter in unicodedata.normalize("NFC", text))


def _plain(letter: str) -> str:
    if letter.isascii():
        return letter
    if letter in _SPECIAL:
        return _SPECIAL[letter]
    first = unicodedata.normalize("NFKD", letter)[0]
    return first if first.isascii() and first.isalpha() else letter


_SPECIAL = {"ß": "ss", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "\u0131": "i"}


def _person(folded: str) -> str:
    last, comma, first = folded.partition(",")
    if comma and first.strip() and first.strip(" .") not in SUFFIXES and "," not in first:
        folded = f"{first} {last}"
    words = _words(_INITIAL.sub(r"\1 ", folded))
    return " ".join(word for word in words if word not in TITLES) or " ".join(words)


def _thing(folded: str) -> str:
    return core(" ".join(_words(_INITIAL.sub(r"\1", folded))))


def _words(text: str) -> list[str]:
    """Words without the marks around them: dots and signs inside stay ("node.js", "c++")."""
    words = text.replace("-", " ").replace("\u2010", " ").split()
    return [bare for word in words if (bare := word.strip(',;:"\u201c\u201d()').rstrip("."))]
