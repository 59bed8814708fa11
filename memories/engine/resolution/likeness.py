"""How likely it is that two names are one entity's, by the names alone, with the reason in words.

Keys are those of `identity.key_of`. Two of different classes are never compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from memories.engine.resolution.folding import LITTLE
from memories.engine.resolution.identity import PERSON, SUFFIXES
from memories.engine.resolution.nicknames import is_short_for, same_first_name
from memories.engine.resolution.spelling import differs_in_gender, is_typo, is_variant, same_letters, same_sound

SAME, LETTERS, INITIAL, SOUNDS, NICK, VARIANT, TYPO = range(7)
SHORT = 5  # letters; in shorter names too much sounds alike
_WORDS = {
    LETTERS: "“{0}” and “{1}” are one name in other letters",
    NICK: "“{0}” is a short form of “{1}”",
    INITIAL: "“{0}” is an initial of “{1}”",
    SOUNDS: "“{0}” and “{1}” are two ways to write one name",
    VARIANT: "“{0}” and “{1}” are nearly written the same",
    TYPO: "“{0}” and “{1}” differ by a slip of the finger",
}
_OF_PERSONS = {LETTERS: 0.93, SOUNDS: 0.84, NICK: 0.85, INITIAL: 0.75, VARIANT: 0.82, TYPO: 0.82}
_ALONE = {LETTERS: 0.86, SOUNDS: 0.74, NICK: 0.6, VARIANT: 0.72, TYPO: 0.7}
_OF_THINGS = {LETTERS: 0.93, SOUNDS: 0.82, VARIANT: 0.72, TYPO: 0.8}


@dataclass(frozen=True, slots=True)
class Likeness:
    """`score` from 0 to 1; `shortens` where the first name is a shorter form that others may share."""

    score: float
    reason: str
    shortens: bool = False


def likeness(one: str, other: str) -> Likeness | None:
    """How alike two keys are, whichever comes first; None where nothing speaks for it."""
    if one == other or one[:2] != other[:2]:
        return None
    one, other = sorted((one, other), key=lambda key: (len(key.split()), len(key), key))
    is_person = one.startswith(PERSON)
    few, many = one[2:].split(), other[2:].split()
    if not few or not many or _numbers(few) != _numbers(many):
        return None
    return _persons(few, many) if is_person else _things(few, many)


def _numbers(words: Sequence[str]) -> list[str]:
    """What tells names of one series apart: "gpt 3", "apollo 11", "henry viii"."""
    return sorted(word for word in words if any(map(str.isdigit, word)) or (word in SUFFIXES and len(words) > 1))


def _persons(few: list[str], many: list[str]) -> Likeness | None:
    if sorted(few) == sorted(many):
        return Likeness(0.93, "The same words in another order")
    if len(few) < len(many):
        return _shorter(few, many)
    kinds = [_kind(a, b, place, len(few)) for place, (a, b) in enumerate(zip(few, many, strict=True))]
    if None in kinds:
        return None
    worst = max(kind for kind in kinds if kind is not None)
    different = [kind for kind in kinds if kind not in {SAME, LETTERS}]
    if len(different) > 1 and set(different) != {INITIAL}:
        return None
    if worst in {SOUNDS, VARIANT, TYPO} and sum(map(len, few)) < SHORT:
        return None
    scores = _OF_PERSONS if len(few) > 1 else _ALONE
    score = scores[worst] - (0.15 if worst in {SOUNDS, TYPO} and _both_are_names(few, many) else 0)
    if worst == INITIAL and kinds[0] == SAME:
        score = 0.9  # a middle initial
    return Likeness(score, _told(kinds.index(worst), worst, few, many), worst == INITIAL)


def _both_are_names(few: Sequence[str], many: Sequence[str]) -> bool:
    """A slip in a short first name mostly makes another name: "jon", "john"; "maria", "marta"."""
    return few[0] != many[0] and len(few) > 1 and min(len(few[0]), len(many[0])) < 7


def _kind(one: str, other: str, place: int, count: int) -> int | None:
    if one == other:
        return SAME
    if len(one) == 1 or len(other) == 1:
        return INITIAL if one[0] == other[0] and place + 1 < count and len(one) != len(other) else None
    if place == 0 and same_first_name(one, other):
        return NICK
    found = _spelling(one, other)
    return None if place == 0 and found not in {None, LETTERS} and differs_in_gender(one, other) else found


def _spelling(one: str, other: str) -> int | None:
    tests = ((LETTERS, same_letters), (SOUNDS, same_sound), (VARIANT, is_variant), (TYPO, is_typo))
    return next((kind for kind, test in tests if test(one, other)), None)


def _shorter(few: list[str], many: list[str]) -> Likeness | None:
    """Words left out: "anna" or "smith" of "anna smith", "john kennedy" of "john fitzgerald kennedy"."""
    if len(many) > 2 and few == [acronym_of(many)]:
        return Likeness(0.6, f"“{few[0].upper()}” are the initials of “{' '.join(many).title()}”", shortens=True)
    left = iter(many)
    kinds: list[int] = []
    for word in few:
        kind = next((kind for other in left if (kind := _part(word, other)) is not None), None)
        if kind is None:
            return None
        kinds.append(kind)
    if len(few) == 1:
        score = 0.6 if kinds == [SAME] and few[0] in (many[0], many[-1]) else 0.5
        words = f"“{few[0].title()}” may be short for “{' '.join(many).title()}”"
        return Likeness(score, words, shortens=True) if kinds != [INITIAL] else None
    if few[-1] != many[-1] or max(kinds) > INITIAL:
        return None
    whole = few[0] == many[0]
    return Likeness(0.85 if whole else 0.6, f"“{' '.join(few).title()}” leaves out a name", shortens=True)


def _part(word: str, other: str) -> int | None:
    if word == other:
        return SAME
    if len(word) == 1 and other.startswith(word):
        return INITIAL
    return NICK if is_short_for(word, other) or is_short_for(other, word) else None


def _told(place: int, kind: int, few: Sequence[str], many: Sequence[str]) -> str:
    one, other = few[place], many[place]
    if (kind == NICK and is_short_for(other, one)) or (kind == INITIAL and len(other) == 1):
        one, other = other, one
    return _WORDS[kind].format(one.title(), other.title())


def _things(few: list[str], many: list[str]) -> Likeness | None:
    if "".join(few) == "".join(many):
        return Likeness(0.94, "The same letters, in one word and in several")
    full = [Counter(word for word in words if word not in {"of", "the"}) for words in (few, many)]
    if full[0] == full[1] and full[0].total() > 1:
        return Likeness(0.92, "The same words in another order")
    if len(few) == 1 and few[0] == acronym_of(many):
        return Likeness(0.75, f"“{few[0].upper()}” are the initials of “{' '.join(many).title()}”", shortens=True)
    return _misspelt(few, many) if len(few) == len(many) else None


def acronym_of(words: Sequence[str]) -> str:
    return "".join(word[0] for word in words if word not in LITTLE) if len(words) > 1 else ""


def _misspelt(few: Sequence[str], many: Sequence[str]) -> Likeness | None:
    """One word of several, or a long word, written otherwise; another ending is another form of the word."""
    different = [(a, b) for a, b in zip(few, many, strict=True) if a != b]
    if len(different) != 1 or min(map(len, different[0])) < 6:
        return None
    one, other = different[0]
    if other in (one + "s", one + "es") or one in (other + "s", other + "es"):
        return Likeness(0.7, f"“{other.title()}” may be the plural of “{one.title()}”")
    kind = _spelling(one, other)
    if kind in {None, VARIANT, TYPO} and (one.startswith(other) or other.startswith(one)):
        return None  # "german", "germany"
    if kind is None:
        return None
    return Likeness(_OF_THINGS[kind] + (0.05 if len(few) > 1 else 0), _WORDS[kind].format(one.title(), other.title()))
