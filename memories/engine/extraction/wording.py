"""What makes a string a name, and what its words say of its type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from memories.engine.extraction.firstnames import is_first_name

if TYPE_CHECKING:
    from spacy.tokens import Span, Token

_ORGANIZATIONS = """
university college institute institution school academy company corporation corp inc ltd llc gmbh bank agency party
association society foundation ministry department bureau federation union league club orchestra council committee
commission court press hospital clinic group holdings records studios laboratory laboratories labs airlines airways
organization organisation congress senate parliament authority team police consortium times post journal newspaper
ensemble band quartet choir service guard army navy fund archive embassy cabinet radio tv fm
forces administration corps legion regiment brigade broadcasting subcommittee syndicate brewery publishers press books
conservatory seminary orphanage chamber diocese archdiocese
"""
_LOCATIONS = """
river lake sea ocean bay gulf mountain mountains mount island islands street avenue road boulevard square park
valley desert county province state city village district peninsula canyon airport station bridge castle palace
beach forest creek hills coast strait cape harbor harbour cemetery theatre theater arena stadium hall centre center
auditorium church cathedral hippodrome velodrome pavilion plaza amphitheatre tower museum monument plateau basin
highlands lagoon quarter prison penitentiary jail statue mall zoo mosque abbey monastery reservoir dam falls
glacier archipelago oblast prefecture borough township fjord volcano freeway expressway turnpike
"""
_EVENTS = """
war battle festival championship championships olympics cup conference election elections revolution massacre summit
marathon tournament games treaty riots uprising siege crisis fair expo rebellion grand-prix universiade
"""
_CONCEPTS = "award awards prize medal theorem algorithm effect law principle syndrome disease language theory"
# What comes first in the names of places, also in other languages: "Lake Superior", "Via Pesce".
_FIRST_WORDS = """
lake mount mt fort port cape gulf isle via rue piazza plaza place calle avenida avenue camp rio monte playa parc plaça
"""
_FIRST = frozenset(_FIRST_WORDS.split())
HEAD_TYPES: dict[str, str] = {
    **dict.fromkeys(_ORGANIZATIONS.split(), "organization"),
    **dict.fromkeys(_LOCATIONS.split(), "location"),
    **dict.fromkeys(_EVENTS.split(), "event"),
    **dict.fromkeys(_CONCEPTS.split(), "concept"),
}
_NO_NAMES = """wow hey hi hello thanks thank lol haha hahaha yeah yes no ok okay congrats congratulations cool awesome
nice great good sure well oh ah aw aww oops yay bye goodbye please sorry sounds gonna wanna absolutely definitely
totally mom dad mum grandma grandpa monday tuesday wednesday thursday friday saturday sunday january february march
april june july august september october november december today tomorrow yesterday mr mrs ms dr sir miss i you he she
it we they ceo cto cfo coo president chairman director manager secretary minister professor chancellor governor mayor
senator king queen prince princess pope captain general colonel judge sen gov rep rev lt sgt gen col capt prof img
photo image http https www figure gmt utc est pst jan feb mar apr jun jul aug sep sept oct nov dec true false table
chapter section fig eq et al am pm ad bc ps btw omg idk tbh imo fyi asap
"""
NO_NAMES = frozenset(_NO_NAMES.split())
# Days in short: "last Fri", "on Tues". Those that are words or names as well count only after one of these.
_DAYS = frozenset({"tue", "tues", "wed", "thu", "thur", "thurs", "fri", "mon", "sat", "sun", "weds"})
_MAYBE_DAYS = frozenset({"sat", "sun", "mon"})
_WHICH = frozenset({"on", "last", "next", "this", "every", "each", "since", "until", "till", "by", "past"})
_LEADING = re.compile(
    r"(?:(?:the|a|an|this|that|these|those|my|our|your|his|her|their|its|some|any|all)\s+"
    r"|[^\w(]+|\((?=[^)]*\Z)|_+)",
)
_LEADING_THE = re.compile(r"(?:The|A|An|This|My|Our|Your|His|Her|Their|Its)\s+")
_TRAILING = re.compile(
    r"(?:\s+(?:and|or|of|in|on|at|for|by|from|with|to|the|a|an)|\s*['\u2019`]s|[^\w)!+#]+|!+|_+|(?<=\s)[+#])\Z"
)
_ABBREVIATION = re.compile(r"(?:\b(?:Inc|Corp|Co|Ltd|Jr|Sr|Bros|St|Mt)|(?:\b[A-Z]\.)*\b[A-Z])\.\Z")
_JUNK = re.compile(
    r"\A[DRI]-[A-Z][a-z.A-Z]*\Z|\A(?:GMT|UTC|EST|PST)\b|@|https?:|www\.|[\n\r\t]|[<>{}|\\=*]|\.(?:com|org|net|html?)\b|\A[\W\d_]+\Z|\A[#/]"
)
_PLACES = frozenset(
    {
        "georgia",
        "florence",
        "virginia",
        "charlotte",
        "victoria",
        "savannah",
        "sierra",
        "madison",
        "regina",
        "chelsea",
        "santiago",
        "salvador",
        "francisco",
        "diego",
        "lorenzo",
        "ada",
        "logan",
        "clyde",
        "asia",
    }
)
MAX_NAME = 120


def clean(text: str, start: int, end: int, *, keep_the: bool = False) -> tuple[int, int] | None:
    """The span without articles, possessive endings and punctuation around it; None when no name is left."""
    while start < end:
        match = _LEADING.match(text, start, end) or (None if keep_the else _LEADING_THE.match(text, start, end))
        if not match or match.end() == start:
            break
        start = match.end()
    while start < end and not _ABBREVIATION.search(text[start:end]):
        match = _TRAILING.search(text[start:end])
        if not match:
            break
        end = start + match.start()
    if text[start:end].endswith(")") and "(" not in text[start:end]:
        end -= 1
    name = text[start:end]
    return (start, end) if name and len(name) <= MAX_NAME and not _JUNK.search(name) else None


def corrected(text: str, kind: str) -> str:
    """The type that the words of a name show, where the recogniser guessed another."""
    words = [word.strip(".,'\"").casefold() for word in text.split()]
    by_head = head_type(words)
    if "for" in words[1:] and HEAD_TYPES.get(words[words.index("for") - 1]) == "concept":
        by_head = "concept"  # "Academy Award for Best Director"
    if kind == "location" and words[-1] in {"union", "federation"}:
        return kind  # "Soviet Union"
    if by_head and len(words) > 1 and kind != "work":
        return by_head
    if len(words) > 1 and words[0] in _FIRST and kind in {"organization", "person", "concept", "product", ""}:
        return "location"
    if kind in {"organization", "product", "work", "group"} and len(words) <= 2 and is_first_name(words[0]):
        return "person"
    if kind == "location" and len(words) == 1 and is_first_name(words[0]) and words[0] not in _PLACES:
        return "person"
    return kind


def head_type(words: Sequence[str]) -> str | None:
    """What the head of a name shows: "Lake District", "School of Law", "Battle of Hastings"."""
    last = HEAD_TYPES.get(words[-1])
    of = words.index("of") if "of" in words[1:] else 0
    if of and last in {None, "concept"}:
        return HEAD_TYPES.get(words[of - 1]) or HEAD_TYPES.get(words[0]) or last
    return last


def is_day(words: Sequence[Token] | Span) -> bool:
    """Whether tokens in a row are a day in short and no name: "Last Fri", "Tues", the "Sat" of "on Sat"."""
    said = [token.lower_.strip(".,") for token in words if token.is_alpha or "." in token.text]
    while said and said[0] in _WHICH:
        said.pop(0)
    if len(said) != 1 or said[0] not in _DAYS:
        return False
    first = words[0]
    before = first.nbor(-1).lower_ if first.i else ""
    return said[0] not in _MAYBE_DAYS or before in _WHICH or first.lower_ in _WHICH
