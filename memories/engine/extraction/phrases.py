"""Facts inside a noun phrase: appositions, possessors, titles, names joined by a preposition, places in places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from memories.engine.extraction import grammar, predicates
from memories.engine.extraction.kinds import kind_of
from memories.engine.extraction.predicates import Relation
from memories.engine.extraction.sheet import Sheet, Statement, described, fact, value

if TYPE_CHECKING:
    from spacy.tokens import Span, Token

_POSSESSIVE = frozenset({"'s", "\u2019s", "'", "\u2019", "s"})
_DIRECTIONS_WORDS = """
north south east west northern southern eastern western central northeast northwest southeast southwest northeastern
northwestern southeastern southwestern north-east north-west south-east south-west upstate rural extreme nearby
neighboring neighbouring downtown suburban coastal upper lower - present-day modern the
"""
_DIRECTIONS = frozenset(_DIRECTIONS_WORDS.split())
_STATES_WORDS = """
ala ariz ark calif colo conn del fla ga ill ind kan ky la md mass mich minn miss mo mont neb nev nh nj nm ny nc nd okla
ore pa ri sc sd tenn tex vt va wash wva wis wyo dc
"""
_STATES = frozenset(_STATES_WORDS.split())
_MODIFIERS = frozenset({"compound", "amod", "nmod", "poss"})


def noun_phrase(sheet: Sheet, index: int) -> Iterator[Statement]:
    """The facts that the words around one mention state."""
    root = sheet.root(index)
    if sheet.name(index) not in sheet.speakers:
        yield from _apposed(sheet, index, root)
    yield from _titled(sheet, index, root)
    for child in root.children:
        if child.dep_ == "prep":
            yield from _joined(sheet, index, child)
        elif child.dep_ == "poss":
            yield from _possessed(sheet, index, child)
    yield from _exemplifying(sheet, index, root)
    yield from _adjacent(sheet, index, root)
    yield from _owned(sheet, index, root)


def announcements(sheet: Sheet, noun: Token) -> Iterator[Statement]:
    """ "cities of Ethiopia such as Harar", "Duke's recordings, including Caravan": what is said of the noun holds for
    each of the names that it announces."""
    for index in sheet.named(noun):
        for one in described(sheet, noun, noun, index):
            if one.object is not None:
                yield replace(one, confidence=min(one.confidence, 0.75))


def kin_of_speaker(sheet: Sheet) -> Iterator[Statement]:
    """ "my kids", "our dog": who says so has them, whatever else the sentence says; named ones have facts of their
    own."""
    for noun in sheet.doc:
        if noun.lemma_ not in predicates.OWN_KIN or noun.pos_ != "NOUN" or sheet.entity(noun) is not None:
            continue
        owner = next((child for child in noun.children if child.dep_ == "poss" and child.lower_ in {"my", "our"}), None)
        index = sheet.inside(owner) if owner is not None and not sheet.named(noun) else None
        if index is not None:
            yield from value(index, "has", grammar.phrase(noun), noun, 0.7, thing=noun)


def _owned(sheet: Sheet, index: int, root: Token) -> Iterator[Statement]:
    """A name right after another's possessive ending, or after "by", whatever the parser made of it."""
    last = sheet.places[index].last
    words: list[str] = []
    while last < len(sheet.doc) and len(words) < 3 and sheet.doc[last].lower_ in _POSSESSIVE | {"by"}:
        words.append(sheet.doc[last].lower_)
        last += 1
    other = sheet.inside(sheet.doc[last]) if words and last < len(sheet.doc) else None
    if other is None or other == index or sheet.places[other].first != last:
        return
    if words == ["by"]:
        if sheet.type(other) in {"person", "organization"} and sheet.type(index) not in {"person", "location"}:
            yield fact(other, Relation("created"), index, root, 0.6)
    elif "by" not in words:
        yield fact(other, predicates.between(sheet.type(other), "poss", sheet.type(index)), index, root, 0.6)


def _apposed(sheet: Sheet, index: int, root: Token) -> Iterator[Statement]:
    for child in root.children:
        if child.dep_ == "appos" and not grammar.excluded(child):
            for noun in grammar.coordinated(child):
                yield from _apposition(sheet, index, noun)
    if root.dep_ == "appos" and sheet.inside(root.head) is None:
        yield from described(sheet, root.head, root.head, index)


def _apposition(sheet: Sheet, index: int, noun: Token) -> Iterator[Statement]:
    other = sheet.inside(noun)
    if other is None:
        yield from described(sheet, noun, noun, index)
    elif _in_list(sheet, index, other) or not _beside(sheet, index, other):
        return
    elif other != index and sheet.type(index) == sheet.type(other) == "location":
        yield fact(index, Relation("located_in"), other, noun, 0.85)
    elif other != index and sheet.type(index) != sheet.type(other) and not _is_agency(sheet, index, other):
        yield fact(index, predicates.between(sheet.type(index), "comma", sheet.type(other)), other, noun, 0.5)


def _beside(sheet: Sheet, index: int, other: int) -> bool:
    """Whether a name follows another after a comma or bracket; what is further on in a row says nothing of it."""
    between = sheet.doc[sheet.places[index].last : sheet.places[other].first]
    return 0 < len(between) <= 2 and between[0].text in {",", "(", "-", "\u2013", ":"}


def _is_agency(sheet: Sheet, index: int, other: int) -> bool:
    """The agency of a dateline: "KHARTOUM, Sudan (AP)"."""
    first = sheet.places[other].first
    bracketed = first > 0 and sheet.doc[first - 1].text == "("
    return bracketed and (sheet.type(index), sheet.type(other)) == ("location", "organization")


def _in_list(sheet: Sheet, index: int, other: int) -> bool:
    """Whether two names are neighbours in a list of three or more, which the parser takes for appositions."""
    between = [token.lower_ for token in sheet.doc[sheet.places[index].last : sheet.places[other].first]]
    if between not in ([","], [",", "the"], [",", "and"], ["and"]):
        return False
    following = sheet.doc[sheet.places[other].last : sheet.places[other].last + 4]
    before = sheet.doc[max(0, sheet.places[index].first - 3) : sheet.places[index].first]
    after = len(following) > 1 and following[0].lower_ in {",", "and", "or"} and _names_one(sheet, following[1:])
    return after or (len(before) > 1 and before[-1].text in {",", "the"} and _names_one(sheet, before[:-1]))


def _names_one(sheet: Sheet, tokens: Span) -> bool:
    """Whether the next word of a list is a name."""
    words = [token for token in tokens if token.lower_ not in {"and", "or", "the", ",", "a"}]
    return bool(words) and sheet.inside(words[0]) is not None


def _titled(sheet: Sheet, index: int, root: Token) -> Iterator[Statement]:
    """ "Apple CEO Tim Cook", "German chancellor Angela Merkel", "the actor Tom Hanks", "the Berlin band Rammstein"."""
    first = sheet.places[index].first
    before = [child for child in root.children if child.i < first and child.dep_ in _MODIFIERS]
    titles = [child for child in before if sheet.inside(child) is None and child.pos_ in {"NOUN", "PROPN"}]
    names = {found for child in before if (found := sheet.inside(child)) is not None}
    names |= {one.index for title in titles for one in sheet.below(title)}
    title = titles[-1] if titles else None
    if title is not None and sheet.type(index) == "person" and _is_title(title):
        yield from value(index, "role", title.text, title, thing=title)
    for found in sorted(names - {index}):
        if title is not None:
            relation = predicates.of_noun(title.lemma_.lower(), "compound", sheet.type(found), sheet.schema)
            yield fact(index, relation, found, title, 0.75)
        elif sheet.type(found) in {"location", "group"} and not _owns(sheet, found):
            yield fact(index, Relation("from"), found, root, 0.6)


def _is_title(noun: Token) -> bool:
    """Whether a noun before a person's name says what that person is; "Bye Anna" does not."""
    lemma = noun.lemma_.lower()
    return lemma not in predicates.KIN and (predicates.is_role(lemma) or kind_of(noun) == "person")


def _owns(sheet: Sheet, index: int) -> bool:
    return bool(sheet.root(index).dep_ == "poss")


def _joined(sheet: Sheet, index: int, child: Token) -> Iterator[Statement]:
    """ "the University of Oslo in Norway", "databases such as Redis"."""
    for preposition, head in grammar.prepositional(child):
        for noun in grammar.coordinated(head):
            other = sheet.entity(noun)
            if other is not None and other != index:
                relation = predicates.between(sheet.type(index), preposition, sheet.type(other))
                if grammar.exemplifies(child):
                    relation = Relation("is_a", inverted=True)
                yield fact(index, relation, other, child, 0.6)


def _possessed(sheet: Sheet, index: int, owner: Token) -> Iterator[Statement]:
    """ "Shakespeare's Hamlet", "Germany's Berlin"; a title between them is read elsewhere."""
    other = sheet.inside(owner)
    titled = any(
        child.dep_ == "compound" and sheet.inside(child) is None and child.i > owner.i
        for child in sheet.root(index).children
    )
    if other is not None and other != index and not titled:
        yield fact(index, predicates.between(sheet.type(index), "poss", sheet.type(other)), other, owner, 0.6)


def _exemplifying(sheet: Sheet, index: int, root: Token) -> Iterator[Statement]:
    """ "databases such as Redis": the plain noun says what the name is."""
    while root.dep_ == "conj":
        root = root.head
    if root.dep_ == "pobj" and grammar.exemplifies(root.head):
        kind = root.head.head
        if sheet.inside(kind) is None and kind.pos_ == "NOUN":
            yield from value(index, "is_a", kind.lemma_, root.head, 0.7)


def _adjacent(sheet: Sheet, index: int, root: Token) -> Iterator[Statement]:
    """ "Paris, France", "the Louvre in Paris": a name beside a place, whatever the parser hung them on."""
    last, between = _behind(sheet, index)
    other = sheet.inside(sheet.doc[last]) if last < len(sheet.doc) else None
    if other is None or other == index or sheet.places[other].first != last:
        return
    if not between and (sheet.type(index), sheet.type(other)) == ("location", "organization"):
        yield fact(other, Relation("located_in"), index, root, 0.6)  # "Paris LE MONDE"
    if not between or sheet.type(other) != "location":
        return
    wanted = {"location"} if between in {",", "("} else {"location", "organization", "event"}
    if sheet.type(index) in wanted and last < grammar.sentence_end(root):
        state = _is_state(sheet, other)
        if between == "," and not state and (not _closes(sheet, other) or _in_list(sheet, index, other)):
            return
        yield fact(index, Relation("located_in"), other, root, 0.6)


def _behind(sheet: Sheet, index: int) -> tuple[int, str]:
    """The token where the next name may begin, and the signs and prepositions before it: "in" of "in central Ohio"."""
    last = sheet.places[index].last
    between = ""
    while last < len(sheet.doc) and len(between) < 4:
        word = sheet.doc[last].lower_
        if word in {",", "in", "(", "near"}:
            between += word
        elif not between or word not in _DIRECTIONS:
            break
        last += 1
    return last, between


def _is_state(sheet: Sheet, index: int) -> bool:
    """ "Calif.": after a comma it is never one more item of a list of towns."""
    return sheet.name(index).replace(".", "").casefold() in _STATES


def _closes(sheet: Sheet, index: int) -> bool:
    """Whether no "and" follows, which would make it a list of places."""
    last = sheet.places[index].last
    return not any(token.lower_ in {"and", "or", "&"} for token in sheet.doc[last : last + 2])
