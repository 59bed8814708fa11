"""From the parser's guesses to clean names with a type.

Sources in order of trust: the project's names and the speakers, technologies, the entity recogniser, runs of proper
nouns that it missed. What overlaps a more trusted name goes, unless it is the longer form of the same name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import dropwhile
from typing import TYPE_CHECKING

from memories.engine.extraction import gazetteer
from memories.engine.extraction.firstnames import is_first_name
from memories.engine.extraction.lookup import NameIndex
from memories.engine.extraction.predicates import is_role
from memories.engine.extraction.titles import titles

if TYPE_CHECKING:
    from spacy.tokens import Doc, Span, Token

LABELS = {
    "PERSON": "person", "NORP": "group", "FAC": "location", "ORG": "organization", "GPE": "location",
    "LOC": "location", "PRODUCT": "product", "EVENT": "event", "WORK_OF_ART": "work", "LAW": "work",
    "LANGUAGE": "concept",
}  # fmt: skip
_ORGANIZATIONS = """
university college institute institution school academy company corporation corp inc ltd llc gmbh bank agency party
association society foundation ministry department bureau federation union league club orchestra council committee
commission court press hospital group holdings records studios laboratory laboratories labs airlines airways
organization organisation congress senate parliament authority team police consortium times post journal newspaper
ensemble band quartet choir service guard army navy fund archive embassy cabinet
"""
_LOCATIONS = """
river lake sea ocean bay gulf mountain mountains mount island islands street avenue road boulevard square park
valley desert county province state city village district peninsula canyon airport station bridge castle palace
beach forest creek hills coast strait cape harbor harbour cemetery theatre theater arena stadium hall centre center
auditorium church cathedral hippodrome velodrome pavilion plaza amphitheatre tower museum monument plateau basin
highlands lagoon quarter
"""
_EVENTS = """
war battle festival championship championships olympics cup conference election elections revolution massacre summit
marathon tournament games treaty riots uprising siege crisis fair expo rebellion grand-prix universiade
"""
_CONCEPTS = "award awards prize medal theorem algorithm effect law principle syndrome disease language theory"
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
RANKS_WORDS = """sen rep gov lt sgt gen col capt prof maj cpl pvt adm rev hon judge spokesman spokeswoman"""
RANKS = frozenset(RANKS_WORDS.split())
_LEADING = re.compile(
    r"(?:(?:the|a|an|this|that|these|those|my|our|your|his|her|their|its|some|any|all)\s+"
    r"|[^\w(]+|\((?=[^)]*\Z)|_+)",
)
_LEADING_THE = re.compile(r"(?:The|A|An|This|My|Our|Your|His|Her|Their|Its)\s+")
_TRAILING = re.compile(r"(?:\s*['\u2019`]s|[^\w)!+#]+|!+|_+|(?<=\s)[+#])\Z")
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
_YEAR = re.compile(r"(?:18|19|20)\d\d")
_CODE = re.compile(r"[A-Z]{0,3}\d{4,}\w*|\d+[A-Z]+\w*")
_NUMBER = re.compile(r"\d{1,3}")
_QUOTED = re.compile(r"[\"\u201c]\s?([A-Z][^\"\u201c\u201d\n]{1,60}?)\s?[\"\u201d]")
_SHORT_FORM = re.compile(r"\(\s?([A-Z][A-Za-z]{1,6})\s?\)")
_TERM_WORD = re.compile(r"[^\W\d_]+")
_SMALL = frozenset({"of", "the", "and", "for", "in", "on", "to", "a", "an", "with", "at", "by", "from", "de", "la"})


@dataclass(frozen=True, slots=True)
class Name:
    """A name in a window: characters `start` to `end`, tokens `first` to `last`, half open. Lower rank, more sure."""

    start: int
    end: int
    first: int
    last: int
    text: str
    type: str
    rank: int


def find_names(doc: Doc, names: NameIndex, technologies: NameIndex) -> list[Name]:
    """The names of a window in order, without overlap."""
    text = doc.text
    computing = gazetteer.about_computing(text)
    candidates = [_located(doc, hit.start, hit.end, hit.type, 0) for hit in names.find(text)]
    for hit in technologies.find(text):
        if hit.name not in gazetteer.AMBIGUOUS or (computing and not _plain_word(doc, hit.start, hit.end)):
            candidates.append(_located(doc, hit.start, hit.end, hit.type, 1 if hit.type == "technology" else 4))
    candidates += [name for entity in doc.ents for name in _recognised_parts(doc, entity)]
    candidates += _proper_runs(doc)
    candidates += _methods(doc)
    candidates += _quoted(doc)
    candidates += _defined(doc)
    candidates += _titled(doc)
    return [_numbered(doc, name) for name in _linked(doc, _without_overlap(doc, [name for name in candidates if name]))]


def _numbered(doc: Doc, name: Name) -> Name:
    """With the year of an event and the number of a road: "2010 Winter Olympics", "Route 20"."""
    first, last = name.first, name.last
    if name.type == "event" and first > 0 and _YEAR.fullmatch(doc[first - 1].text):
        first -= 1
    if name.type not in {"person", "group"} and name.rank >= 2 and _is_its_number(doc, first, last):
        last += 1
    if (first, last) == (name.first, name.last):
        return name
    start, end = min(name.start, doc[first].idx), max(name.end, doc[last - 1].idx + len(doc[last - 1]))
    return replace(name, first=first, last=last, start=start, end=end, text=doc.text[start:end])


def _is_its_number(doc: Doc, first: int, last: int) -> bool:
    """Whether the token after a name numbers it and ends the phrase."""
    if last >= len(doc) or not _NUMBER.fullmatch(doc[last].text) or doc[last].head.i not in range(first, last):
        return False
    return last + 1 == len(doc) or not doc[last + 1].text[0].isalnum()


def _located(doc: Doc, start: int, end: int, kind: str, rank: int) -> Name | None:
    span = doc.char_span(start, end, alignment_mode="expand")
    return Name(start, end, span.start, span.end, doc.text[start:end], kind, rank) if span else None


def _plain_word(doc: Doc, start: int, end: int) -> bool:
    """Whether an ambiguous name stands here as a verb or at the head of a sentence, where any word has a capital."""
    span = doc.char_span(start, end, alignment_mode="expand")
    if span is None or len(span) != 1:
        return span is None
    token = span[0]
    nominal = token.dep_ in {"nsubj", "nsubjpass", "dobj", "pobj", "conj", "appos", "attr", "compound", "nmod"}
    return not nominal and token.pos_ in {"VERB", "AUX", "ADV", "ADP", "INTJ"}


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


def _recognised_parts(doc: Doc, entity: Span) -> Iterator[Name]:
    """One name, or two where a place and what is printed there were run together: "Paris LE MONDE"."""
    cut = next((i for i in range(entity.start + 1, entity.end) if _changes_case(doc[i - 1], doc[i])), None)
    if cut is None:
        name = _recognised(doc, entity)
        if name:
            yield name
        return
    for part, kind in ((doc[entity.start : cut], "location"), (doc[cut : entity.end], "organization")):
        name = _recognised(doc, part, entity.label_)
        if name:
            yield replace(name, type=kind)


def _recognised(doc: Doc, entity: Span, label: str = "") -> Name | None:
    kind = LABELS.get(label or entity.label_)
    if kind is None:
        return None
    entity = _without_ranks(_first_part(doc, entity))
    if not entity:
        return None
    starts_sentence = entity.start == 0 or bool(doc[entity.start].is_sent_start)
    span = clean(doc.text, entity.start_char, entity.end_char, keep_the=kind == "work" or not starts_sentence)
    if span is None:
        return None
    name = _located(doc, *span, kind, 2)
    return _typed(doc, name) if name and _believable(doc, name) else None


def _first_part(doc: Doc, entity: Span) -> Span:
    """A person's name ends before a preposition: "Anna at Acme" is two names."""
    if entity.label_ == "PERSON":
        for token in entity[1:]:
            if token.pos_ == "ADP" and token.lower_ in {"at", "in", "with", "for", "from", "by", "on", "to"}:
                return doc[entity.start : token.i]
    return entity


def _without_ranks(entity: Span) -> Span:
    """ "Coast Guard Lt." is a service and the rank of who is named next; a code before it is no part."""
    start, end = entity.start, entity.end
    while end > start and _is_rank(entity.doc[end - 1]):
        end -= 1
    while start < end and (_CODE.fullmatch(entity.doc[start].text) or _is_rank(entity.doc[start])):
        start += 1
    return entity.doc[start:end]


def _is_rank(token: Token) -> bool:
    return token.lower_.rstrip(".") in RANKS


def _believable(doc: Doc, name: Name) -> bool:
    if name.text.casefold() in NO_NAMES or not any(sign.isupper() or ord(sign) > 0x2E7F for sign in name.text):
        return False
    tokens = doc[name.first : name.last]
    return any(token.pos_ in {"PROPN", "NOUN", "ADJ", "X", "NUM"} for token in tokens)


def _typed(doc: Doc, name: Name) -> Name:
    return replace(name, type=_corrected(name.text, name.type))


def _corrected(text: str, kind: str) -> str:
    """The type that the words of a name show, where the recogniser guessed another."""
    words = [word.strip(".,'\"").casefold() for word in text.split()]
    by_head = HEAD_TYPES.get(words[-1]) or HEAD_TYPES.get(words[0] if " of " in text else "")
    if by_head and len(words) > 1 and kind != "work":
        return by_head
    if kind in {"organization", "product", "work", "group"} and len(words) <= 2 and is_first_name(words[0]):
        return "person"
    if kind == "location" and len(words) == 1 and is_first_name(words[0]) and words[0] not in _PLACES:
        return "person"
    return kind


def _proper_runs(doc: Doc) -> Iterator[Name]:
    """Proper nouns in a row, joined by a hyphen or "of", that may be names the recogniser missed."""
    run: list[Token] = []
    for token in doc:
        if _proper(token):
            if run and _changes_case(run[-1], token):
                yield from _run_name(doc, run)
                run = []
            run.append(token)
        elif run and not _links(doc, token):
            yield from _run_name(doc, run)
            run = []
        elif run:
            run.append(token)
    yield from _run_name(doc, run)


def _proper(token: Token) -> bool:
    if token.ent_type_ in {"DATE", "TIME", "MONEY", "PERCENT", "QUANTITY"} or token.lower_.strip(".") in NO_NAMES:
        return False
    return token.tag_ in {"NNP", "NNPS"} and token.text[0].isupper() and not _CODE.fullmatch(token.text)


def _changes_case(before: Token, token: Token) -> bool:
    """ "Paris LE MONDE": a name in capitals begins another one."""
    following = token.nbor() if token.i + 1 < len(token.doc) else token
    capitals = token.text.isupper() and (len(token) > 3 or (following.text.isupper() and len(following) > 3))
    return capitals and before.is_alpha and before.text.istitle() and len(before) > 3


def _links(doc: Doc, token: Token) -> bool:
    if token.i + 1 >= len(doc) or token.is_space:
        return False
    if token.lower_ in {"for", "in"}:
        return doc[token.i - 1].lower_ in {"award", "prize", "medal"} and _proper(doc[token.i + 1])
    if token.lower_ == "of" and is_role(doc[token.i - 1].lower_):
        return False  # "Bishop of Pittsburgh" is a role and a place
    return token.lower_ in {"of", "-", "&", "de", "von", "van", "del", "da"} and _proper(doc[token.i + 1])


def _run_name(doc: Doc, run: list[Token]) -> Iterator[Name]:
    run = list(dropwhile(_is_rank, run))
    while run and _is_rank(run[-1]):
        run.pop()
    if not run:
        return
    span = clean(doc.text, run[0].idx, run[-1].idx + len(run[-1]))
    name = _located(doc, *span, "", 3) if span else None
    if (
        len(run) == 1
        and run[0].is_sent_start
        and run[0].dep_ not in {"nsubj", "nsubjpass", "poss", "compound", "appos"}
    ):
        return  # any first word has a capital
    if name and len(name.text) > 1 and name.text.casefold() not in NO_NAMES:
        kind = _corrected(name.text, "") or ("person" if is_first_name(name.text.split()[0]) else "concept")
        yield replace(name, type=kind)


def _methods(doc: Doc) -> Iterator[Name | None]:
    """ "convolutional neural network": compound nouns that name a method."""
    for token in doc:
        if token.lemma_ in gazetteer.METHODS and token.pos_ == "NOUN":
            start = token.i
            while start > 0 and doc[start - 1].head.i in range(start, token.i + 1) and _qualifies(doc[start - 1]):
                start -= 1
            if start < token.i:
                yield _located(doc, doc[start].idx, token.idx + len(token), "concept", 4)


def _quoted(doc: Doc) -> Iterator[Name | None]:
    """Titles in quotation marks: of a work, unless the words are a sentence."""
    for match in _QUOTED.finditer(doc.text):
        words = match[1].split()
        small = sum(word[0].islower() and word not in _SMALL for word in words)
        if not small and len(words) <= 8 and match[1][-1] not in ".?,!" and match[1].casefold() not in NO_NAMES:
            yield _located(doc, match.start(1), match.end(1), "work", 1 if len(words) > 1 else 3)


def _defined(doc: Doc) -> Iterator[Name | None]:
    """ "histogram of oriented gradients (HOG)": a term and its short form (after Schwartz and Hearst 2003)."""
    for match in _SHORT_FORM.finditer(doc.text):
        letters = match[1].rstrip("s").lower()
        words = list(_TERM_WORD.finditer(doc.text, max(0, match.start() - 120), match.start()))
        for count in range(len(letters), min(len(letters) + 2, len(words)) + 1):
            term = words[-count:]
            initials = "".join(word[0][0] for word in term if word[0] not in _SMALL)
            if count and initials.lower() == letters and initials.islower():
                yield _located(doc, term[0].start(), term[-1].end(), "concept", 1)
                yield _located(doc, match.start(1), match.end(1), "concept", 1)
                break


def _titled(doc: Doc) -> Iterator[Name | None]:
    """What the text marks as the name of a film, a band, a town."""
    for title in titles(doc):
        span = clean(doc.text, doc[title.first].idx, doc[title.last - 1].idx + len(doc[title.last - 1]), keep_the=True)
        name = _located(doc, *span, title.type, 1) if span else None
        if name and name.text.casefold() not in NO_NAMES:
            yield name


def _qualifies(token: Token) -> bool:
    return token.dep_ in {"compound", "amod", "nmod"} and token.pos_ in {"NOUN", "ADJ", "PROPN"} and token.is_alpha


def _without_overlap(doc: Doc, candidates: Iterable[Name]) -> list[Name]:
    chosen: dict[int, Name] = {}  # token → name
    for name in sorted(candidates, key=lambda name: (name.rank, name.start - name.end, name.start)):
        rivals = {chosen[i] for i in range(name.first, name.last) if i in chosen}
        if rivals:
            winner = _longer_form(doc, name, rivals)
            if winner is None:
                continue
            name = winner  # noqa: PLW2901
            chosen = {i: other for i, other in chosen.items() if other not in rivals}
        chosen.update(dict.fromkeys(range(name.first, name.last), name))
    return sorted(set(chosen.values()), key=lambda name: name.start)


def _linked(doc: Doc, names: list[Name]) -> list[Name]:
    """Names that "of" and "for" make one: "World Wide Fund for Nature", "Circuit Court of Cook County"."""
    found: list[Name] = []
    for name in names:
        before = found[-1] if found else None
        if before is not None and _continues(doc, before, name):
            found[-1] = replace(before, end=name.end, last=name.last, text=doc.text[before.start : name.end])
        else:
            found.append(name)
    return found


def _continues(doc: Doc, name: Name, other: Name) -> bool:
    between = [token.lower_ for token in doc[name.last : other.first]]
    if between not in (["of"], ["for"], ["of", "the"], ["for", "the"]) or not other.text[0].isupper():
        return False
    words = name.text.split()
    head = HEAD_TYPES.get(words[-1].casefold())
    if other.type == "person" and between[0] == "for":
        return False
    return head in {"organization", "event", "concept"} and name.rank >= 2 and other.end - name.start <= MAX_NAME


def _longer_form(doc: Doc, name: Name, rivals: set[Name]) -> Name | None:
    """`name` when it is a longer name than the one more trusted name it contains, else None."""
    (rival,) = rivals if len(rivals) == 1 else (None,)
    if rival is None or not (name.start <= rival.start and rival.end <= name.end and name.rank >= 2):
        return None
    if rival.rank == 0 and rival.type == "person" and name.first != rival.first:
        return None  # "Yep John": what stands before a known name is no part of it
    others = [doc[i] for i in range(name.first, name.last) if not rival.first <= i < rival.last]
    if not others or not all(token.tag_ in {"NNP", "NNPS", "IN", "DT", "POS"} for token in others):
        return None
    if name.rank == 3:
        return _extended(doc, name, rival)
    if rival.rank == 1 and name.type not in {"person", "location", "event", "work", "organization"}:
        return None
    kind = rival.type if rival.rank == 0 and rival.type == "person" and name.first == rival.first else name.type
    return replace(name, type=kind)


def _extended(doc: Doc, name: Name, rival: Name) -> Name | None:
    """A run of proper nouns around a name that the recogniser cut short: "Tennessee" of "Tennessee Williams"."""
    proper = all(doc[i].tag_ in {"NNP", "NNPS"} for i in range(name.first, name.last))
    dateline = rival.type == "location" and rival.first == name.first and name.last - name.first > 2
    if rival.rank != 2 or rival.type == "group" or not proper or (dateline and name.type == "concept"):
        return None
    kind = name.type if name.type != "concept" else rival.type
    return replace(name, type=kind)
