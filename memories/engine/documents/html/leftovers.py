"""Lines that stand around a text and only their words give away: "Advertisement", "5 min read", "Related articles"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from memories.engine.documents.model import BlockKind

# One pattern a line.
_LEFTOVERS = r"""
advertisement|advertising|ad|sponsored(?: content)?
share(?: this)?(?: (?:article|post|page|story|on|via).{0,40})?
(?:follow|like) us(?: on .{0,40})?
related(?: (?:articles?|posts?|stories|reading|links|topics))?
you (?:may|might) also (?:like|enjoy)|recommended(?: for you)?
(?:keep|continue) reading|read (?:more|next|also)(?:: .{0,120})?|see also: .{0,120}
more (?:from|on|stories).{0,40}
sign up|subscribe(?: now| to .{0,60})?|log ?in|print|tweet
comments?(?: \(\d+\))?|\d+ (?:comments?|answers?|replies|likes|shares|views)|leave a (?:comment|reply)
back to (?:the )?top|skip to (?:main )?content|loading|copy(?: link| to clipboard)?|edit this page
(?:previous|next)(?: (?:post|article|page))?
(?:filed under|tags?|tagged|categories|topics):?.{0,80}
anzeige|werbung|lesen sie auch:?.{0,120}|mehr zum thema|teilen
publicité|(?:à )?lire aussi ?:?.{0,120}|partager
publicidad|lea también:?.{0,120}|compartir
pubblicità|leggi anche:?.{0,120}
реклама|читайте также:?.{0,120}
広告|関連記事|この記事をシェア|【(?:\uff30\uff32|PR|AD|広告)】.*
"""
_RIGHTS_RESERVED = r"""
©|\(c\)|copyright\b|all rights reserved
無断転載|alle rechte vorbehalten|tous droits réservés
"""
_ABOUT_THE_TEXT = r"""
(?:(?:words |text |written |story |photographs? |photos |illustrations? )?by) \S.{0,160}
(?:von:?|par|por|di|текст:?|автор:?|文|取材) \S.{0,160}
(?:first )?(?:published|posted|updated|last (?:updated?|modified|edited|reviewed))\b.{0,100}
(?:aktualisiert|veröffentlicht|publié|mis à jour|temps de lecture|publicado|actualizado|опубликовано)\b.{0,100}
(?:.{0,60}\W)?\d+[ -]?(?:min(?:ute)?s?|minuten|мин)[. ]*(?:read|lesezeit|de lecture|de lectura|чтения)?
lesezeit.{0,30}
"""
_MONTHS = r"""
jan\w*|feb\w*|mar\w*|apr\w*|ma[yi]\w*|jun\w*|jul\w*|aug\w*|sep\w*|o[ck]t\w*|nov\w*|de[cz]\w*
fév\w*|avr\w*|juin|juil\w*|août|déc\w*|ene\w*|abr\w*|ago\w*|dic\w*|mär\w*
янв\w*|фев\w*|мар\w*|апр\w*|мая|июн\w*|июл\w*|авг\w*|сен\w*|окт\w*|ноя\w*|дек\w*
"""
_OF_A_DATE = r"""
\d{1,4}(?:st|nd|rd|th|er|年|月|日|時|分)*
mon|tue|wed|thu|fri|sat|sun|\w{3,7}day|a\.?m|p\.?m|utc|gmt|cet|est|uhr|at|um|à|de|of|h|\u0433|года
"""


def _any_of(patterns: str, after: str) -> re.Pattern[str]:
    return re.compile(f"(?:{'|'.join(patterns.split(chr(10))[1:-1])}){after}", re.IGNORECASE | re.DOTALL)


_LEFTOVER = _any_of(_LEFTOVERS, r"\W*")
_RIGHTS = _any_of(_RIGHTS_RESERVED, ".{0,160}")
_ABOVE = _any_of(_ABOUT_THE_TEXT, "")
_DATE_WORD = _any_of(_OF_A_DATE.rstrip() + _MONTHS, r"(?!\w)|\d+[年月日時分]|[年月日時分]|[\W_]")
_SENTENCES = re.compile(r"[^\W\d_]{4}[.!?]\s+[^\W\d_]+\s+[^\W\d_]+\s")
LONG = 12  # words of a paragraph that is text beyond doubt
LONG_SIGNS = 80  # the same in characters, for scripts without blanks


@dataclass(frozen=True, slots=True)
class Piece:
    """A block before it has a place in the text."""

    kind: BlockKind
    text: str
    level: int = 0
    mark: str = ""


def without_leftovers(pieces: Sequence[Piece], title: str, author: str) -> list[Piece]:
    """The pieces of the text: without lines of the page's machinery, the title once more, and what stands around."""
    kept = [piece for piece in pieces if not _is_machinery(piece, title)]
    first = next((place for place, piece in enumerate(kept) if _is_long(piece)), 0)
    kept = [piece for piece in kept[:first] if not _is_above(piece) and piece.text != author] + kept[first:]
    while kept and _is_below(kept[-1]):
        kept.pop()
    return kept


def _is_below(piece: Piece) -> bool:
    return piece.kind == "heading" or (
        piece.kind == "paragraph" and (bool(_RIGHTS.match(piece.text)) or _is_above(piece))
    )


def _is_machinery(piece: Piece, title: str) -> bool:
    if piece.kind in {"code", "table_row"}:
        return False
    return bool(_LEFTOVER.fullmatch(piece.text)) or (piece.kind == "heading" and _says(piece.text, title))


def _says(heading: str, title: str) -> bool:
    return bool(title) and heading.casefold().strip(" .¶#") == title.casefold().strip(" .")


def _is_long(piece: Piece) -> bool:
    return (
        piece.kind != "image"
        and (len(piece.text.split()) >= LONG or len(piece.text) >= LONG_SIGNS)
        and not _is_above(piece)
    )


def _is_above(piece: Piece) -> bool:
    """Who wrote it, when, and how long it takes to read."""
    if piece.kind not in {"paragraph", "list_item"} or len(piece.text) > 200:
        return False
    return all(_tells_of_text(line) for line in piece.text.split("\n"))


def _tells_of_text(line: str) -> bool:
    if _ABOVE.fullmatch(line) and not _SENTENCES.search(line):
        return True
    return any(sign.isdigit() for sign in line) and not re.sub(_DATE_WORD, "", line)
