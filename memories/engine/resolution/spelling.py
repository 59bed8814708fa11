"""Words that may be one name written differently: transliterations, typing errors."""

from __future__ import annotations

import re
from functools import lru_cache

from rapidfuzz.distance import OSA

_CYRILLIC = dict(
    zip(
        "абвгдезийклмнопрстуфыэі",
        (
            "a",
            "b",
            "v",
            "g",
            "d",
            "e",
            "z",
            "i",
            "i",
            "k",
            "l",
            "m",
            "n",
            "o",
            "p",
            "r",
            "s",
            "t",
            "u",
            "f",
            "i",
            "e",
            "i",
        ),
        strict=True,
    )
) | {"ж": "zh", "\u0445": "h", "ц": "c", "ч": "ch", "ш": "sh", "щ": "sh", "ъ": "", "ь": "", "ю": "iu", "я": "ia"}
_GREEK = dict(
    zip(
        "αβγδεζηικλμνοπρσςτυω",
        ("a", "v", "g", "d", "e", "z", "i", "i", "k", "l", "m", "n", "o", "p", "r", "s", "s", "t", "i", "o"),
        strict=True,
    )
) | {"θ": "th", "ξ": "x", "φ": "f", "χ": "ch", "ψ": "ps"}  # fmt: skip
_LETTERS = str.maketrans(_CYRILLIC | _GREEK)
_WAYS = [
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("tsch|tch|tsh|cz", "ch"), ("sch|sz", "sh"), ("dzh|dj", "j"), ("kh", "h"), ("ph", "f"), ("th", "t"),
        ("ck|q", "k"), ("c(?=[aoulr]|k|\\Z)", "k"), ("x", "ks"), ("ae", "a"), ("oe", "o"), ("ue", "u"), ("ou|oo", "u"),
        ("ee|ie|iy|yi|y|j(?=[^aeiou]|\\Z)", "i"), ("w", "v"), ("(?<=[^cs])h(?=[^aeiou]|\\Z)", ""), (r"(.)\1+", r"\1"),
        ("(?<=[aeiou])i(?=[aeiou])", ""),
    )
]  # fmt: skip
_UMLAUTS = re.compile("ae|oe|ue")
_CLASSES = str.maketrans("bpfvcgjkqsxzdtlmnr", "111122222222334556")
_VOWELS = re.compile("[aeiouyhw]+")


@lru_cache(20_000)
def sound(word: str) -> str:
    """One writing for the ways in which a word is carried over from another script or language: müller, mueller."""
    word = word.translate(_LETTERS)
    for pattern, plain in _WAYS:
        word = pattern.sub(plain, word)
    return word


@lru_cache(20_000)
def skeleton(word: str) -> str:
    """What typing errors and transliterations mostly leave: classes of consonants, and whether a vowel begins it.

    Digits and letters of other scripts stay as they are.
    """
    word = sound(word)
    first = "0" if _VOWELS.match(word) else ""
    coded = _VOWELS.sub(" ", word).translate(_CLASSES)
    return first + re.sub(r"(.)\1+", r"\1", coded).replace(" ", "")


def same_letters(one: str, other: str) -> bool:
    """Whether they are one word in two scripts, or with and without the letters that stand for an accent."""
    return carried(one) == carried(other)


@lru_cache(20_000)
def carried(word: str) -> str:
    return _UMLAUTS.sub(lambda found: found[0][0], word.translate(_LETTERS))


def same_sound(one: str, other: str) -> bool:
    return len(one) >= 3 and sound(one) == sound(other)


def is_variant(one: str, other: str) -> bool:
    """Whether two long words differ in little but vowels: mohammed, muhammad."""
    shorter = min(len(one), len(other))
    if shorter < 5 or _differs_in_its_end(one, other):
        return False
    return skeleton(one) == skeleton(other) and int(OSA.distance(one, other)) <= max(2, shorter * 3 // 10)


def is_typo(one: str, other: str) -> bool:
    """Whether a slip of the finger makes one of the other: one letter, or two in long words; the first one stays."""
    shorter = min(len(one), len(other))
    if shorter < 4 or one[0] != other[0] or _differs_in_its_end(one, other):
        return False
    return int(OSA.distance(one, other)) <= (1 if shorter < 9 else 2)


def differs_in_gender(one: str, other: str) -> bool:
    """ "mario", "maria"; "daniel", "daniela": the end of a first name says whose it is."""
    shorter, longer = sorted((one, other), key=len)
    if _differs_in_its_end(one, other):
        return True
    return longer.startswith(shorter[:-1]) and (longer[-1] in "ae") != (shorter[-1] in "ae")


def _differs_in_its_end(one: str, other: str) -> bool:
    """ "carolina", "caroline": another vowel at the end makes another name."""
    return len(one) == len(other) and one[:-1] == other[:-1] and one[-1] in "aeio" and other[-1] in "aeio"
