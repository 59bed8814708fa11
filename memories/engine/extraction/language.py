"""What may be fed to an English parser, and in what sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator

WINDOW = 4_000  # characters parsed at once
MOST = 60_000  # characters of one passage that are read; a longer message is no prose
_ENGLISH = """
the of and to is was that it for with as this by are be at has have had from you i my we they not but his her she he
which were been would will what when about who their there can could do did an or if so me your our just
"""
_FOREIGN = """
der das und ist nicht ein eine mit von zu den dem sich auf im wir ich sie el los las que del una por con para como
le les des est et une dans pour qui sur pas je vous il elle di che per non sono een het van en dat niet op och att
som jag det inte og ikke ja nie jest na ve bir bu o os na um uma com no da em
"""
ENGLISH = frozenset(_ENGLISH.split())
# Words that stand in names as well ("Rio de Janeiro") prove nothing.
_IN_NAMES = frozenset(
    {"de", "la", "el", "los", "las", "le", "les", "van", "von", "di", "del", "do", "no", "in", "o", "na"}
)
FOREIGN = frozenset(_FOREIGN.split()) - ENGLISH - _IN_NAMES
_LATIN_WORD = re.compile(r"[^\W\d_]+")
_ENDLESS = re.compile(r"\S{80,}")
_UNSAFE = re.compile(r"[\ud800-\udfff\x00]")


def readable(text: str) -> str:
    """The text, letter for letter as long, with blanks where words without end and broken signs were."""
    return _ENDLESS.sub(lambda match: " " * len(match[0]), _UNSAFE.sub("\ufffd", text))


def is_english(text: str) -> bool:
    """Whether the parser can make sense of it: Latin letters, and no other language's little words in the majority."""
    words = _LATIN_WORD.findall(text[:5_000].lower())
    if not words or sum(word.isascii() for word in words) * 2 < len(words):
        return False
    english = sum(word in ENGLISH for word in words)
    foreign = sum(word in FOREIGN for word in words)
    return foreign <= english and (len(words) < 40 or english * 30 >= len(words))


def windows(text: str) -> Iterator[tuple[int, str]]:
    """Pieces of at most WINDOW characters with their offsets, cut at line ends, full stops or spaces if possible."""
    start, most = 0, min(len(text), MOST)
    while start < most:
        end = min(start + WINDOW, most)
        if end < most:
            cuts = (text.rfind(sign, start + WINDOW // 2, end) for sign in ("\n", ". ", " "))
            end = next((cut + 1 for cut in cuts if cut >= 0), end)
        yield start, text[start:end]
        start = end
