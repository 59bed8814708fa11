"""A parsed window with its mentions: what the patterns read from, and what they write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memories.engine.extraction import grammar, predicates
from memories.engine.extraction.predicates import Relation
from memories.engine.extraction.titles import titles
from memories.engine.types import Polarity, Schema

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

MOST_VALUE = 300
# "the city of Ghent" is Ghent; "the capital of Peru" is not Peru.
_SAME_PLACE_WORDS = """city town village country state province county republic island municipality kingdom"""
_SAME_PLACE = frozenset(_SAME_PLACE_WORDS.split())
_SERVED = frozenset({"student", "patient", "guest", "customer", "client", "pupil", "member", "regular", "freshman"})
DEEP = 2  # plain nouns between a noun and a name below it


@dataclass(frozen=True, slots=True)
class Place:
    """A mention in the window: its tokens `first` to `last` (half open) and the type and name it stands for."""

    first: int
    last: int
    type: str
    name: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A fact between two places, or with a value. `anchor` is the word that states it, for its date."""

    subject: int
    predicate: str
    object: int | None
    value: str | None
    anchor: Token
    polarity: Polarity = "affirmed"
    confidence: float = 0.9
    formerly: bool = False
    thing: Token | None = None  # the word that a value was read from


@dataclass(frozen=True, slots=True)
class Below:
    """A name under a plain noun: the preposition (or poss, compound) it hangs by, and from which noun."""

    link: str
    owner: Token
    index: int


class Sheet:
    """A window with its mentions, and the schema to name relations by."""

    def __init__(
        self,
        doc: Doc,
        places: Sequence[Place],
        schema: Schema,
        speakers: Collection[str] = frozenset(),
        speaker: str | None = None,
        *,
        opens: bool = False,
    ) -> None:
        self.doc = doc
        self.speaker = speaker  # whose words these are; None in a text
        self.opens = opens and speaker is None  # whether a text begins here
        self.speakers = speakers  # their names between commas are addresses, no appositions
        self.places = places
        self.schema = schema
        self._at = {i: index for index, place in enumerate(places) for i in range(place.first, place.last)}
        self._named: dict[int, list[int]] = defaultdict(list)
        for title in titles(doc):
            index = self._at.get(title.first)
            if title.noun is not None and index is not None and index not in self._named[title.noun]:
                self._named[title.noun].append(index)
        for index, place in enumerate(places):
            root = doc[place.first : place.last].root
            noun = _of_kind(root, place.type) or _exemplified(root)
            if noun is not None and noun.i not in self._at and index not in self._named[noun.i]:
                self._named[noun.i].append(index)

        self._introduce()

    def _introduce(self) -> None:
        """ "a dog named Max", "two cats, Luna and Miso": kin and pets, and what they are called."""
        for noun in self.doc:
            if noun.pos_ == "NOUN" and noun.lemma_ in predicates.KIN and noun.i not in self._at:
                for token in grammar.called(noun):
                    index = self._at.get(token.i)
                    if index is not None and index not in self._named[noun.i]:
                        self._named[noun.i].append(index)

    def inside(self, token: Token) -> int | None:
        """The mention that the token is a word of."""
        return self._at.get(token.i)

    def entity(self, token: Token) -> int | None:
        """The mention a noun stands for: itself, or the name beside it ("my brother Tom")."""
        if token.i in self._at:
            return self._at[token.i]
        beside = (child for child in token.children if child.dep_ == "appos" and child.i == token.i + 1)
        return next((self._at[child.i] for child in beside if child.i in self._at), None)

    def actor(self, token: Token) -> int | None:
        """As `entity`; a noun that describes a name acts for it ("Anna is a nurse who works at Mercy")."""
        found = self.entity(token)
        if found is not None:
            return found
        head = token.head
        if token.dep_ == "appos":
            return self.inside(head)
        if token.dep_ == "attr" and head.lemma_ == "be" and not grammar.negated(head):
            named = [self.entity(subject) for subject in grammar.subjects(head)[0]]
            return named[0] if len(named) == 1 else None
        return None

    def named(self, noun: Token) -> Sequence[int]:
        """The mentions that a plain noun announces: "films such as Alien and Brazil", "the band Blur"."""
        return self._named[noun.i]

    def root(self, index: int) -> Token:
        place = self.places[index]
        return self.doc[place.first : place.last].root

    def actors(self, token: Token) -> Sequence[int]:
        """The mentions that act in the place of a subject: its own, or those it announces."""
        found = self.actor(token)
        return self.named(token) if found is None else [found]

    def type(self, index: int) -> str:
        return self.places[index].type

    def name(self, index: int) -> str:
        return self.places[index].name

    def below(self, noun: Token, depth: int = 0) -> Iterator[Below]:
        """The names under a plain noun, nearest first."""
        for child in noun.children:
            if child.dep_ in {"poss", "compound", "amod", "nmod"} and child.i < noun.i:
                index = self.inside(child)
                if index is not None:
                    yield Below("poss" if child.dep_ == "poss" else "compound", noun, index)
            elif child.dep_ == "prep" and depth < DEEP and not grammar.exemplifies(child):
                yield from self._below_preposition(noun, child, depth)

    def _below_preposition(self, noun: Token, child: Token, depth: int) -> Iterator[Below]:
        for preposition, head in grammar.prepositional(child):
            for other in grammar.coordinated(head):
                index = self.entity(other)
                if index in self._named[noun.i]:
                    continue  # "the town of Ames": it is what the noun names, no part of its description
                if index is not None:
                    yield Below(preposition, noun, index)
                elif other.pos_ in {"NOUN", "PROPN"}:
                    yield from self.below(other, depth + 1)


def _of_kind(root: Token, kind: str) -> Token | None:
    """ "the province of Alberta", "the city of Ghent": the noun that says what the place is."""
    if root.dep_ != "pobj" or root.head.lower_ != "of" or kind != "location":
        return None
    noun = root.head.head
    return noun if noun.lower_ in _SAME_PLACE else None


def _exemplified(root: Token) -> Token | None:
    """ "bands such as Blur and Pulp": the plain noun."""
    while root.dep_ == "conj":
        root = root.head
    if root.dep_ == "pobj" and grammar.exemplifies(root.head):
        return root.head.head
    return None


def fact(subject: int, relation: Relation, thing: int, anchor: Token, confidence: float = 0.9) -> Statement:
    """A statement between two mentions, turned round where the relation is."""
    if relation.inverted:
        subject, thing = thing, subject
    return Statement(subject, relation.name, thing, None, anchor, confidence=confidence)


def value(
    subject: int, predicate: str, text: str, anchor: Token, confidence: float = 0.8, *, thing: Token | None = None
) -> Iterator[Statement]:
    """A statement with a text, if there is one; `thing` is the head of its words."""
    text = " ".join(text.split())[:MOST_VALUE]
    if any(sign.isalnum() for sign in text):
        yield Statement(subject, predicate, None, text, anchor, confidence=confidence, thing=thing)


def described(sheet: Sheet, anchor: Token, noun: Token, who: int) -> Iterator[Statement]:
    """What a noun says of a mention: "CEO of Acme" is a role, and work for Acme; "Anna's brother" is kinship alone."""
    if noun.lower_ in predicates.DULL or noun.pos_ not in {"NOUN", "PROPN"}:
        return
    below = [one for one in sheet.below(noun) if one.index != who]
    lemma = noun.lemma_.lower()
    if not (below and lemma in predicates.KIN):
        role = sheet.type(who) == "person" and predicates.is_role(lemma)
        yield from value(who, "role" if role else "is_a", _wording(sheet, noun, below), anchor, thing=noun)
    for one in below:
        owner = one.owner.lemma_.lower()
        relation = predicates.of_noun(owner, one.link, sheet.type(one.index), sheet.schema)
        if _is_post(sheet, noun, who, one):
            relation = Relation("works_for")
        if one.link == "poss" and (liked := favourite(one.owner)):
            relation = Relation(liked, inverted=True)
        stated = fact(who, relation, one.index, anchor, 0.85 if one.owner.i == noun.i else 0.6)
        yield replace(stated, formerly=_is_former(one.owner))


def _is_former(noun: Token) -> bool:
    """ "a former employee of Acme", "his ex-wife"."""
    return any(child.lower_ in {"former", "ex", "late", "onetime", "erstwhile"} for child in noun.children)


def favourite(noun: Token) -> str:
    """ "favorite_band" of "my favorite band", else nothing."""
    best = any(child.lower_ in {"favorite", "favourite", "fave"} for child in noun.children)
    return predicates.slug("favorite", noun.lemma_) if best else ""


def _is_post(sheet: Sheet, noun: Token, who: int, one: Below) -> bool:
    """ "a vet at Sunnyside Clinic": what a person is there for, unless it is to be taught or served."""
    there = one.link == "at" and one.owner.i == noun.i and sheet.type(one.index) in {"organization", "location"}
    return there and sheet.type(who) == "person" and noun.lemma_ not in _SERVED


def _wording(sheet: Sheet, noun: Token, below: Sequence[Below]) -> str:
    """The description without the names in it, which have facts of their own."""
    if not below:
        return grammar.phrase(noun)
    named = [i for i in range(noun.left_edge.i, noun.i) if sheet.inside(sheet.doc[i]) is not None]
    words = [sheet.doc[i] for i in range(named[-1] + 1 if named else noun.left_edge.i, noun.i + 1)]
    while words and words[0].dep_ in {"det", "poss", "case", "punct", "predet", "cc"}:
        words.pop(0)
    return sheet.doc[words[0].i : noun.i + 1].text if words else ""
