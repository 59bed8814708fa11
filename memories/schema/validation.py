"""What a type must be before it is kept; for the pages and the API alike.

Each function returns the value as it is kept, or raises ValidationError with a sentence for whoever wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence

from django.core.exceptions import ValidationError

from memories.engine.extraction import patterns
from memories.engine.extraction.lookup import WORD
from memories.engine.extraction.predicates import slug
from memories.engine.extraction.vocabulary import MOST_WORDS
from memories.engine.ranking.words import LITTLE
from memories.engine.relations import HINTS
from memories.validation import check_characters

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
MAX_NAMES = 200_000  # of all types of a project
MAX_NAME_LENGTH = 200
MAX_PHRASES = 200
MAX_TYPES = 300  # made by hand in a project, of entities and of relations each
SHOWN = 3
_RESERVED = """
any all none null unknown type value date time amount number text true false entity fact memory passage community
mention relation
"""
RESERVED = frozenset(_RESERVED.split()) | HINTS
_COMMON_WORDS = """
this those these all any both each few more most other some such no nor not only own same than too very just also
there here up down out about over under again once us one two
"""
COMMON = LITTLE | frozenset(_COMMON_WORDS.split())


def check_name(name: str) -> str:
    """A type's name: `^[a-z][a-z0-9_]*$`, at most 64 characters, not one that means something else."""
    if not NAME.fullmatch(check_characters(name)):
        raise ValidationError(
            "A name begins with a small letter and has small letters, digits and underscores, at most 64: cares_for."
        )
    if name in RESERVED:
        raise ValidationError(f"“{name}” means something else in MemStack; take another name.")
    return name


def check_pattern(pattern: str) -> str:
    """A pattern that finds something, and not everything; empty for none."""
    pattern = check_characters(pattern.strip())
    if pattern:
        try:
            patterns.check(pattern)
        except patterns.BadPattern as error:
            raise ValidationError(str(error)) from None
    return pattern


def check_words(words: Sequence[str], *, room: int = MAX_NAMES) -> list[str]:
    """Names with single spaces, each once, in their order; `room` is how many the project may still have."""
    if len(words) > room:
        raise ValidationError(
            f"That is {len(words):,} names; the project's types may list {MAX_NAMES:,} together, {room:,} more than "
            "the others do. Leave out names that memories don't mention, or use a pattern."
        )
    found = list(dict.fromkeys(" ".join(check_characters(word).split()) for word in words))
    _refuse(found, lambda name: not name, "a name without a letter, an empty line")
    _refuse(found, lambda name: len(name) > MAX_NAME_LENGTH, f"names of more than {MAX_NAME_LENGTH} characters")
    _refuse(found, lambda name: len(WORD.findall(name)) > MOST_WORDS, f"names of more than {MOST_WORDS} words")
    _refuse(found, _is_too_short, "names of one sign or of none but signs")
    _refuse(found, lambda name: name.casefold() in COMMON and not name.isupper(), "words that every text has")
    return found


def _is_too_short(name: str) -> bool:
    return len(name) < 2 or not any(sign.isalnum() for sign in name)


def _refuse(names: Iterable[str], wrong: Callable[[str], bool], what: str) -> None:
    """ValidationError that shows the first few names that are wrong."""
    bad = [name for name in names if wrong(name)]
    if bad:
        shown = ", ".join(f"“{name[:40]}”" for name in bad[:SHOWN])
        rest = f" and {len(bad) - SHOWN:,} more" if len(bad) > SHOWN else ""
        raise ValidationError(f"The list has {what}: {shown}{rest}. Take them out; nothing was saved.")


def check_phrases(phrases: Sequence[str]) -> list[str]:
    """The words that say a relation: a verb or noun in its plain form, perhaps with a preposition."""
    if len(phrases) > MAX_PHRASES:
        raise ValidationError(f"A relation may have {MAX_PHRASES} phrases; this is {len(phrases):,}.")
    found = list(dict.fromkeys(" ".join(check_characters(phrase).lower().split()) for phrase in phrases))
    for phrase in found:
        if len(phrase.split()) > 4 or len(phrase) > 60 or not re.fullmatch(r"[a-z][a-z' -]*", phrase):
            raise ValidationError(f"“{phrase[:40]}” is no phrase; give a verb or noun like “look after”, in English.")
        if phrase in COMMON:
            raise ValidationError(f"“{phrase}” stands in every text; give the verb or noun along with it.")
    return found


def phrase_key(phrase: str) -> str:
    """What phrases count as the same by."""
    return slug(*phrase.split())


def check_types(names: Sequence[str], known: Collection[str]) -> list[str]:
    """Names of entity types that the project has, each once."""
    for name in names:
        if name not in known:
            raise ValidationError(f"The project has no entity type “{str(name)[:64]}”.")
    return list(dict.fromkeys(names))
