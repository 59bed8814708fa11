"""Names that the entity recogniser found, cleaned, and the runs of proper nouns that it missed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import dropwhile
from typing import TYPE_CHECKING

from memories.engine.extraction.evidence import ADDRESSES
from memories.engine.extraction.firstnames import is_first_name
from memories.engine.extraction.names import Name, located, text_of
from memories.engine.extraction.predicates import KIN, is_role
from memories.engine.extraction.wording import NO_NAMES, clean, corrected, is_day

if TYPE_CHECKING:
    from spacy.tokens import Doc, Span, Token

LABELS = {
    "PERSON": "person", "NORP": "group", "FAC": "location", "ORG": "organization", "GPE": "location",
    "LOC": "location", "PRODUCT": "product", "EVENT": "event", "WORK_OF_ART": "work", "LAW": "work",
    "LANGUAGE": "concept",
}  # fmt: skip
RANKS_WORDS = """sen rep gov lt sgt gen col capt prof maj cpl pvt adm rev hon judge spokesman spokeswoman"""
RANKS = frozenset(RANKS_WORDS.split())
_OFFICES_WORDS = """
rear vice admiral general major colonel captain lieutenant sergeant corporal commander commodore marshal president
premier senator congressman congresswoman representative ambassador chancellor secretary deputy mayor governor
prime minister police detective inspector coach
"""
_OFFICES = frozenset(_OFFICES_WORDS.split())
_POSTS_WORDS = """
fellow chief coach writer governor representative ambassador delegate spokesman officer prophet editor manager ceo
assistant chair chairman professor director correspondent correspondents
"""
_POSTS = frozenset(_POSTS_WORDS.split())  # "Regiment Chief": a post, not a name
_HOLDERS = _OFFICES | {
    "officer",
    "chair",
    "chairman",
    "director",
    "emperor",
    "king",
    "queen",
    "bishop",
    "archbishop",
    "dean",
}
_PLACES = frozenset({"GPE", "LOC", "FAC"})
_PARTICLES = frozenset(
    {"of", "-", "&", "de", "von", "van", "del", "da", "di", "du", "des", "der", "den", "og", "ibn", "bin", "dos"}
)
_NUMERAL = re.compile(r"[IVX]{1,4}\.")
_CODE = re.compile(r"[A-Z]{0,3}\d{4,}\w*|\d+[A-Z]+\w*")


def recognised_parts(doc: Doc, entity: Span) -> Iterator[Name]:
    """One name, or two where a place and what is printed there were run together: "Paris LE MONDE"."""
    joint = _kin_joint(entity) or _joint(entity)
    if joint is not None:
        for part in (entity.doc[entity.start : joint], entity.doc[joint + 1 : entity.end]):
            name = _recognised(doc, part, entity.label_ if entity.label_ in _PLACES else "PERSON")
            if name:
                yield name
        return
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


def _kin_joint(entity: Span) -> int | None:
    """ "my cats, Luna and Miso": where the "and" is that joins two names in a row."""
    if entity.root.dep_ != "appos" or entity.root.head.lemma_ not in KIN:
        return None
    return next((token.i for token in entity if token.dep_ == "cc" and entity.start < token.i < entity.end - 1), None)


def _joint(entity: Span) -> int | None:
    """ "Hellhammer and Celtic Frost", "Holmenkollen in Oslo": where two people, or a place and where it is, were run
    together."""
    words = {"and", "&"} if entity.label_ == "PERSON" else {"in"} if entity.label_ in _PLACES else set()
    inner = (token.i for token in entity[1:-1] if token.lower_ in words and token.nbor().text[0].isupper())
    return next(inner, None)


def _recognised(doc: Doc, entity: Span, label: str = "") -> Name | None:
    kind = LABELS.get(label or entity.label_)
    if kind is None or is_day(entity):
        return None
    entity = _without_ranks(_first_part(doc, _without_office(_up_to_end(entity))))
    if not entity:
        return None
    entity = _with_address(entity) if kind == "person" else entity
    starts_sentence = entity.start == 0 or bool(doc[entity.start].is_sent_start)
    span = clean(text_of(doc), entity.start_char, entity.end_char, keep_the=kind == "work" or not starts_sentence)
    if span is None:
        return None
    name = located(doc, *span, kind, 2)
    return _typed(doc, name) if name and _believable(doc, name) else None


def _first_part(doc: Doc, entity: Span) -> Span:
    """A person's name ends before a preposition: "Anna at Acme" is two names."""
    if entity.label_ == "PERSON":
        for token in entity[1:]:
            if token.pos_ == "ADP" and token.lower_ in {"at", "in", "with", "for", "from", "by", "on", "to"}:
                return doc[entity.start : token.i]
    return entity


def _without_office(entity: Span) -> Span:
    """ "Emperor of Japan", "Chief Executive Officer of Acme": an office is no part of the name behind it."""
    for token in entity[1:-1]:
        if token.lower_ == "of" and token.nbor(-1).lower_ in _HOLDERS and entity.label_ != "WORK_OF_ART":
            return entity.doc[token.i + 1 : entity.end]
    return entity


def _without_ranks(entity: Span) -> Span:
    """ "Coast Guard Lt." is a service and the rank of who is named next; a code before it is no part."""
    start, end = entity.start, entity.end
    while end > start and _is_rank(entity.doc[end - 1]):
        end -= 1
    while start < end and (_CODE.fullmatch(entity.doc[start].text) or _is_rank(entity.doc[start])):
        start += 1
    while (
        start < end - 1
        and entity.label_ == "PERSON"
        and entity.doc[start].lower_ in _OFFICES
        and entity.doc[start + 1].is_title
    ):
        start += 1  # "Rear Admiral Wilkes", also where it was taken for an organization
    return entity.doc[start:end]


def _up_to_end(entity: Span) -> Span:
    """ "World War I. Angell": what stands behind a numeral with a full stop, or in brackets, is another name."""
    for token in entity[1:]:
        if token.text == "(":
            return entity.doc[entity.start : token.i]
        if _NUMERAL.fullmatch(token.text) and (entity.label_ != "PERSON" or len(token) > 2):
            return entity.doc[entity.start : token.i + 1]
    return entity


def _with_address(entity: Span) -> Span:
    """ "Mrs. Higgins" is not "Higgins": a family name alone keeps what tells its bearers apart."""
    alone = len(entity) == 1 and entity.start > 0
    if alone and entity.doc[entity.start - 1].text.rstrip(".") in ADDRESSES:
        return entity.doc[entity.start - 1 : entity.end]
    return entity


def _is_rank(token: Token) -> bool:
    return token.lower_.rstrip(".") in RANKS


def _believable(doc: Doc, name: Name) -> bool:
    if name.text.casefold() in NO_NAMES or not any(sign.isupper() or ord(sign) > 0x2E7F for sign in name.text):
        return False
    tokens = doc[name.first : name.last]
    return any(token.pos_ in {"PROPN", "NOUN", "ADJ", "X", "NUM"} for token in tokens)


def _typed(doc: Doc, name: Name) -> Name:
    return replace(name, type=corrected(name.text, name.type))


def proper_runs(doc: Doc) -> Iterator[Name]:
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
    return token.lower_ in _PARTICLES and _proper(doc[token.i + 1])


def _run_name(doc: Doc, run: list[Token]) -> Iterator[Name]:
    run = list(dropwhile(_is_rank, run))
    while run and _is_rank(run[-1]):
        run.pop()
    if all(token.lower_ in _OFFICES for token in run) or any(token.ent_type_ == "PERSON" for token in run):
        run = list(dropwhile(lambda token: token.lower_ in _OFFICES, run))
    if not run or is_day(run) or run[-1].lower_ in _POSTS:
        return
    span = clean(text_of(doc), run[0].idx, run[-1].idx + len(run[-1]))
    name = located(doc, *span, "", 3) if span else None
    if (
        len(run) == 1
        and run[0].is_sent_start
        and run[0].dep_ not in {"nsubj", "nsubjpass", "poss", "compound", "appos"}
    ):
        return  # any first word has a capital
    if name and len(name.text) > 1 and name.text.casefold() not in NO_NAMES:
        kind = corrected(name.text, "") or ("person" if is_first_name(name.text.split()[0]) else "concept")
        yield replace(name, type=kind)
