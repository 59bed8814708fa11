"""From the parser's guesses to clean names with a type.

Sources in order of trust: what the project's own types find, the project's names and the speakers, technologies, the
entity recogniser, runs of proper nouns that it missed. What overlaps a more trusted name goes, unless it is the longer
form of the same name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from memories.engine.extraction import gazetteer, wire
from memories.engine.extraction.lookup import NameIndex
from memories.engine.extraction.marked import defined, quoted, terms, titled
from memories.engine.extraction.names import Name, located, text_of
from memories.engine.extraction.own import OwnTypes
from memories.engine.extraction.recognised import proper_runs, recognised_parts
from memories.engine.extraction.wording import HEAD_TYPES, MAX_NAME

if TYPE_CHECKING:
    from spacy.tokens import Doc

_COMMON_WORDS = """
board government emperor empress church state centre zone region republic nation union kingdom empire crown internet
producer director editor leader speaker prime minister president king queen opposition constitution town city river lake
festival university media web earth moon world god act chapter series season
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_IN_TITLES = frozenset({"on", "of", "and", "for", "with", "under", "behind", "between"})
_YEAR = re.compile(r"(?:18|19|20)\d\d")
_NUMBER = re.compile(r"\d{1,3}")


def find_names(doc: Doc, names: NameIndex, technologies: NameIndex, own: OwnTypes, *, parsed: bool) -> list[Name]:
    """The names of a window in order, without overlap."""
    text = text_of(doc)
    computing = gazetteer.about_computing(text)
    candidates = list(own.find(doc, parsed=parsed))
    candidates += [located(doc, hit.start, hit.end, hit.type, 0) for hit in names.find(text)]
    musical = gazetteer.about_music(text)
    for hit in technologies.find(text):
        if hit.type == gazetteer.GENRE:
            if musical and not _plain_word(doc, hit.start, hit.end):
                candidates.append(located(doc, hit.start, hit.end, "concept", 4))
        elif hit.name not in gazetteer.AMBIGUOUS or (computing and not _plain_word(doc, hit.start, hit.end)):
            candidates.append(located(doc, hit.start, hit.end, hit.type, 1 if hit.type == "technology" else 4))
    candidates += [name for entity in doc.ents for name in recognised_parts(doc, entity)]
    candidates += proper_runs(doc)
    candidates += terms(doc)
    candidates += quoted(doc)
    candidates += defined(doc)
    candidates += titled(doc)
    lines = wire.lines(text)
    candidates += wire.sources(doc, lines)
    found = [name for name in candidates if name and not _is_generic(doc, name) and not wire.belied(name, lines)]
    return [_numbered(doc, name) for name in _linked(doc, _without_overlap(doc, found))]


def _is_generic(doc: Doc, name: Name) -> bool:
    """ "the Board", "a River": a common noun that only has a capital."""
    if name.rank < 2 or name.last - name.first != 1:
        return False
    if _is_subject_of_s(doc, name):
        return True
    if name.first == 0:
        return False
    word = doc[name.first].lemma_.lower()
    return doc[name.first - 1].lower_ in {"the", "a", "an"} and word in _COMMON


def _is_subject_of_s(doc: Doc, name: Name) -> bool:
    """ "Nature's amazing": any first word has a capital, and its "'s" is a verb."""
    word = doc[name.first]
    if not word.is_sent_start or name.last + 1 >= len(doc) or doc[name.last].lower_ not in {"'s", "\u2019s"}:
        return False
    following = doc[name.last + 1]
    verbal = following.tag_ in {"DT", "PRP$"} or (following.tag_ == "JJ" and following.head.i <= following.i)
    return verbal and (word.tag_ == "NN" or (name.rank == 3 and name.type == "concept"))


def _numbered(doc: Doc, name: Name) -> Name:
    """With the year of an event and the number of a road: "2010 Winter Olympics", "Route 20"."""
    first, last = name.first, name.last
    if name.rank < 0:
        return name
    if name.type == "event" and first > 0 and _YEAR.fullmatch(doc[first - 1].text):
        first -= 1
    if name.type not in {"person", "group"} and name.rank >= 2 and _is_its_number(doc, first, last):
        last += 1
    if (first, last) == (name.first, name.last):
        return name
    start, end = min(name.start, doc[first].idx), max(name.end, doc[last - 1].idx + len(doc[last - 1]))
    return replace(name, first=first, last=last, start=start, end=end, text=text_of(doc)[start:end])


def _is_its_number(doc: Doc, first: int, last: int) -> bool:
    """Whether the token after a name numbers it and ends the phrase."""
    if last >= len(doc) or not _NUMBER.fullmatch(doc[last].text) or doc[last].head.i not in range(first, last):
        return False
    return last + 1 == len(doc) or not doc[last + 1].text[0].isalnum()


def _plain_word(doc: Doc, start: int, end: int) -> bool:
    """Whether an ambiguous name stands here as a verb or at the head of a sentence, where any word has a capital."""
    span = doc.char_span(start, end, alignment_mode="expand")
    if span is None or len(span) != 1:
        return span is None
    token = span[0]
    nominal = token.dep_ in {"nsubj", "nsubjpass", "dobj", "pobj", "conj", "appos", "attr", "compound", "nmod"}
    return not nominal and token.pos_ in {"VERB", "AUX", "ADV", "ADP", "INTJ"}


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
        if before is not None and (
            _continues(doc, before, name) or _in_title(doc, before, name) or _of_a_people(doc, before, name)
        ):
            kind = (
                name.type
                if _of_a_people(doc, before, name)
                else before.type
                if _continues(doc, before, name)
                else "work"
            )
            whole = text_of(doc)[before.start : name.end]
            found[-1] = replace(before, end=name.end, last=name.last, text=whole, type=kind)
        else:
            found.append(name)
    return found


def _of_a_people(doc: Doc, name: Name, other: Name) -> bool:
    """ "Philippine Senate", "Norwegian Premier League": a people's name that is part of an institution's."""
    beside = name.type == "group" and name.last == other.first and name.last - name.first == 1
    return beside and other.rank >= 2 and other.type in {"organization", "event"} and doc[name.first].text[0].isupper()


def _continues(doc: Doc, name: Name, other: Name) -> bool:
    between = [token.lower_ for token in doc[name.last : other.first]]
    if between not in (["of"], ["for"], ["of", "the"], ["for", "the"]) or not other.text[0].isupper():
        return False
    words = name.text.split()
    head = HEAD_TYPES.get(words[-1].casefold())
    if other.type == "person" and between[0] == "for":
        return False
    return (
        head in {"organization", "event", "concept", "location"}
        and name.rank >= 2
        and other.end - name.start <= MAX_NAME
    )


def _in_title(doc: Doc, name: Name, other: Name) -> bool:
    """ "Kafka on the Shore": what has a capital after such words, and is no name that one knows, goes on a title."""
    between = [token.lower_ for token in doc[name.last : other.first]]
    if len(between) != 2 or between[0] not in _IN_TITLES or doc[name.last + 1].text != "the":
        return False
    short = name.last - name.first <= 2 and name.rank >= 2 and name.type in {"person", "concept"}
    return short and other.rank == 3 and other.type == "concept"


def _longer_form(doc: Doc, name: Name, rivals: set[Name]) -> Name | None:
    """`name` when it is a longer name than the one more trusted name it contains, else None."""
    (rival,) = rivals if len(rivals) == 1 else (None,)
    if rival is None or rival.rank < 0 or not (name.start <= rival.start and rival.end <= name.end and name.rank >= 2):
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
