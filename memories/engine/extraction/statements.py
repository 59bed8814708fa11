"""Facts of a parsed window: the patterns of a clause, and those inside a noun phrase.

A clause gives subject–verb–object and subject–verb–preposition–object, in the active and the passive; "is", "became", "was
elected" and the like give what the noun after them says. A noun phrase gives appositions, possessors, titles and names
joined by a preposition. A name below a plain noun ("a contract with Arsenal") keeps that noun in its predicate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memories.engine.extraction import grammar, predicates
from memories.engine.extraction.predicates import COPULAS, NAMING, Relation
from memories.engine.types import Polarity, Schema

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

_DULL = """thing things something anything everything nothing lot lots bit one ones way ways time times kind kinds sort part
idea sense look it them this that these those what which who me you him her us myself yourself himself herself themselves
itself all some any none most more much many few stuff guy guys day days week month year years today""".split()  # noqa: SIM905
_MOODS = """glad sorry happy sure excited good great ok okay fine proud ready able afraid nice sad true right wrong bad hard
easy clear possible important necessary likely unlikely amazing awesome cool interesting so worth due lucky grateful thankful
curious aware better best""".split()  # noqa: SIM905
DULL = frozenset(_DULL)
MOODS = frozenset(_MOODS)
_ROLE_ENDINGS = ("er", "or", "ist", "ian", "man", "woman", "ant", "ess", "eur", "ect", "yst")
_DATED = {"bear": "born_at", "die": "died_at", "found": "founded_at", "establish": "founded_at", "release": "released_at",
          "publish": "published_at", "open": "opened_at", "launch": "launched_at", "graduate": "graduated_at",
          "retire": "retired_at", "marry": "married_at", "build": "built_at", "complete": "completed_at"}  # fmt: skip
MOST_VALUE = 300


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


class Sheet:
    """A window with its mentions, and the schema to name relations by."""

    def __init__(self, doc: Doc, places: Sequence[Place], schema: Schema) -> None:
        self.doc = doc
        self.places = places
        self.schema = schema
        self._at = {i: index for index, place in enumerate(places) for i in range(place.first, place.last)}

    def inside(self, token: Token) -> int | None:
        return self._at.get(token.i)

    def entity(self, token: Token) -> int | None:
        """The mention a noun stands for: itself, or the name beside it ("my brother Tom")."""
        if token.i in self._at:
            return self._at[token.i]
        beside = (child for child in token.children if child.dep_ == "appos" and child.i == token.i + 1)
        return next((self._at[child.i] for child in beside if child.i in self._at), None)

    def root(self, index: int) -> Token:
        place = self.places[index]
        return self.doc[place.first : place.last].root

    def type(self, index: int) -> str:
        return self.places[index].type


def statements(sheet: Sheet) -> list[Statement]:
    """All facts of the window, each once, the surest wording first."""
    found = [fact for token in sheet.doc if token.pos_ in {"VERB", "AUX"} for fact in _clause(sheet, token)]
    found += [fact for index in range(len(sheet.places)) for fact in _noun_phrase(sheet, index)]
    unique: dict[tuple[object, ...], Statement] = {}
    for fact in found:
        if fact.object is None or sheet.places[fact.subject].name != sheet.places[fact.object].name:
            unique.setdefault((fact.subject, fact.predicate, fact.object, fact.value), fact)
    return list(unique.values())


def _clause(sheet: Sheet, verb: Token) -> Iterator[Statement]:
    if verb.dep_ in {"aux", "auxpass"}:
        return
    tokens, passive = grammar.subjects(verb)
    actors = list(dict.fromkeys(index for token in tokens if (index := sheet.entity(token)) is not None))
    facts = _passive(sheet, verb, actors) if passive else _active(sheet, verb, actors)
    if not actors and not passive and verb.lemma_ in COPULAS:
        facts = _equation(sheet, verb, tokens)
    polarity, over = grammar.polarity(verb), grammar.formerly(verb)
    for fact in facts:
        yield Statement(fact.subject, fact.predicate, fact.object, fact.value, verb, polarity, fact.confidence, over)


def _active(sheet: Sheet, verb: Token, actors: list[int]) -> Iterator[Statement]:
    particle = grammar.particle(verb)
    for preposition, head in grammar.arguments(verb):
        for noun in grammar.coordinated(head):
            for actor in actors:
                yield from _argument(sheet, verb, particle, preposition, noun, actor)
    for actor in actors:
        yield from _complement(sheet, verb, actor)


def _argument(
    sheet: Sheet, verb: Token, particle: str, preposition: str, noun: Token, actor: int
) -> Iterator[Statement]:
    index = sheet.entity(noun)
    kind = sheet.type(index) if index is not None else ""
    if verb.lemma_ in COPULAS and not preposition:
        yield from _copula(sheet, verb, noun, actor)
        return
    relation = predicates.of_verb(verb.lemma_, particle, preposition, kind, sheet.schema)
    if index is not None:
        yield _fact(actor, relation, index, verb)
    elif relation.name == "role":
        yield from _described(sheet, verb, noun, actor)
    else:
        yield from _plain_object(sheet, verb, preposition, noun, actor, relation)


def _fact(subject: int, relation: Relation, thing: int, anchor: Token, confidence: float = 0.9) -> Statement:
    if relation.inverted:
        subject, thing = thing, subject
    return Statement(subject, relation.name, thing, None, anchor, confidence=confidence)


def _value(subject: int, predicate: str, value: str, anchor: Token, confidence: float = 0.8) -> Iterator[Statement]:
    value = " ".join(value.split())[:MOST_VALUE]
    if value and any(sign.isalnum() for sign in value):
        yield Statement(subject, predicate, None, value, anchor, confidence=confidence)


def _plain_object(
    sheet: Sheet, verb: Token, preposition: str, noun: Token, actor: int, relation: Relation
) -> Iterator[Statement]:
    """An object that is no name: a value, and the names below it."""
    if noun.lower_ in DULL or noun.pos_ in {"PRON", "DET"}:
        return
    if (
        noun.ent_type_ not in {"DATE", "TIME"}
        and not relation.inverted
        and noun.pos_ in {"NOUN", "PROPN", "NUM", "VERB"}
    ):
        yield from _value(actor, relation.name, grammar.phrase(noun), verb, 0.7)
    for link, owner, index in _below(sheet, noun):
        if index != actor:
            yield _fact(actor, _indirect(sheet, verb, preposition, link, owner, index), index, verb, 0.6)


def _indirect(sheet: Sheet, verb: Token, preposition: str, link: str, owner: Token, index: int) -> Relation:
    """ "signed a contract with Arsenal": sign_contract_with; but "lives in a flat in Berlin" lives in Berlin."""
    if link in {"in", "at", "near"} and sheet.type(index) == "location":
        known = predicates.ACTIVE.get(f"{verb.lemma_}+{preposition}") if preposition else None
        return known or predicates.of_verb(verb.lemma_, "", "in", "location", sheet.schema)
    return Relation(predicates.slug(verb.lemma_, owner.lemma_, "of" if link in {"poss", "compound", "amod"} else link))


def _below(sheet: Sheet, noun: Token, depth: int = 0) -> Iterator[tuple[str, Token, int]]:
    """The names under a plain noun: how they hang there, from which noun, and which mention."""
    for child in noun.children:
        if child.dep_ in {"poss", "compound", "amod", "nmod"} and child.i < noun.i:
            index = sheet.inside(child)
            if index is not None:
                yield ("poss" if child.dep_ == "poss" else "compound"), noun, index
        elif child.dep_ == "prep" and depth < 2:
            yield from _below_preposition(sheet, noun, child, depth)


def _below_preposition(sheet: Sheet, noun: Token, child: Token, depth: int) -> Iterator[tuple[str, Token, int]]:
    for preposition, head in grammar.prepositional(child):
        for other in grammar.coordinated(head):
            index = sheet.entity(other)
            if index is not None:
                yield preposition, noun, index
            elif other.pos_ in {"NOUN", "PROPN"}:
                yield from _below(sheet, other, depth + 1)


def _copula(sheet: Sheet, verb: Token, noun: Token, actor: int) -> Iterator[Statement]:
    index = sheet.entity(noun)
    if noun.dep_ == "acomp" or (noun.pos_ == "ADJ" and index is None):
        yield from _adjective(sheet, verb, noun, actor)
    elif index is not None:
        nationality = sheet.type(index) == "group" and sheet.type(actor) == "person"
        yield _fact(actor, Relation("nationality" if nationality else "is"), index, verb, 0.8)
    else:
        yield from _described(sheet, verb, noun, actor)


def _adjective(sheet: Sheet, verb: Token, adjective: Token, actor: int) -> Iterator[Statement]:
    index = sheet.inside(adjective)
    if index is not None:
        yield _fact(actor, Relation("nationality"), index, verb)
        return
    names = [
        (preposition, found)
        for child in adjective.children
        if child.dep_ == "prep"
        for preposition, noun in grammar.prepositional(child)
        for other in grammar.coordinated(noun)
        if (found := sheet.entity(other)) is not None
    ]
    for preposition, found in names:
        relation = predicates.of_verb(adjective.lower_, "", preposition, sheet.type(found), sheet.schema)
        yield _fact(actor, relation, found, verb)
    if not names and adjective.lower_ not in MOODS and adjective.pos_ == "ADJ" and verb.lemma_ == "be":
        end = adjective.right_edge if len(list(adjective.subtree)) <= 8 else adjective
        yield from _value(actor, "is", sheet.doc[adjective.i : end.i + 1].text, verb, 0.6)


def _described(sheet: Sheet, anchor: Token, noun: Token, who: int) -> Iterator[Statement]:
    """What a noun says of a mention: "CEO of Acme" is a role, and work for Acme."""
    if noun.lower_ in DULL or noun.pos_ not in {"NOUN", "PROPN"}:
        return
    below = list(_below(sheet, noun))
    role = sheet.type(who) == "person" and (noun.lemma_ in predicates.NOUNS or noun.lemma_.endswith(_ROLE_ENDINGS))
    kin = any(
        predicates.of_noun(noun.lemma_.lower(), link, "person", sheet.schema).name.endswith("_of")
        for link, _, _ in below
    )
    if not (kin and below and sheet.type(below[0][2]) == "person"):
        yield from _value(who, "role" if role else "is_a", _role_phrase(sheet, noun), anchor)
    for link, owner, index in below:
        if index != who:
            relation = predicates.of_noun(owner.lemma_.lower(), link, sheet.type(index), sheet.schema)
            yield _fact(who, relation, index, anchor, 0.85 if owner.i == noun.i else 0.6)


def _role_phrase(sheet: Sheet, noun: Token) -> str:
    """The description up to the first name in it, which has a fact of its own."""
    start = noun.left_edge.i
    inside = [i for i in range(start, noun.i) if sheet.inside(sheet.doc[i]) is not None]
    first = inside[-1] + 1 if inside else start
    words = [sheet.doc[i] for i in range(first, noun.i + 1)]
    while words and words[0].dep_ in {"det", "poss", "case", "punct", "predet", "cc"}:
        words.pop(0)
    text = grammar.phrase(noun) if not inside and not list(_below(sheet, noun)) else ""
    return text or (sheet.doc[words[0].i : noun.i + 1].text if words else "")


def _complement(sheet: Sheet, verb: Token, actor: int) -> Iterator[Statement]:
    """What is said, planned, wanted or liked in a clause of its own."""
    for child in verb.children:
        if child.dep_ == "ccomp" and verb.lemma_ in {"say", "announce", "state", "claim", "report", "explain"}:
            text = sheet.doc[child.left_edge.i : child.right_edge.i + 1].text
            yield from _value(actor, "said", text.strip(" ,.\"'"), verb, 0.7)
        elif child.dep_ in {"xcomp", "dobj"} and child.pos_ == "VERB":
            name = _attitude(verb)
            if name:
                yield from _value(actor, name, grammar.clause(child), verb)


def _attitude(verb: Token) -> str:
    if verb.lower_ == "going":
        return "plans"
    if verb.lemma_ in {"like", "love"} and any(child.lower_ in {"would", "'d"} for child in verb.children):
        return "wants"
    relation = predicates.ACTIVE.get(verb.lemma_)
    return relation.name if relation and relation.name in {"plans", "wants", "likes", "dislikes"} else ""


def _passive(sheet: Sheet, verb: Token, patients: list[int]) -> Iterator[Statement]:
    for preposition, head in grammar.arguments(verb):
        for noun in grammar.coordinated(head):
            for patient in patients:
                yield from _passive_argument(sheet, verb, preposition, noun, patient)


def _passive_argument(sheet: Sheet, verb: Token, preposition: str, noun: Token, patient: int) -> Iterator[Statement]:
    index = sheet.entity(noun)
    naming = verb.lemma_ in NAMING and not preposition
    if index is None:
        if naming or (preposition == "as" and noun.pos_ == "NOUN"):
            yield from _described(sheet, verb, noun, patient)
        else:
            name = "received" if not preposition else predicates.slug(verb.lower_, preposition)
            yield from _plain_object(sheet, verb, preposition, noun, patient, Relation(name))
    elif preposition == "by":
        relation = predicates.of_verb(verb.lemma_, "", "", sheet.type(patient), sheet.schema)
        yield _fact(index, relation, patient, verb)
    elif preposition:
        yield _fact(patient, _of_participle(sheet, verb, preposition, index), index, verb)
    else:
        yield _fact(patient, Relation("known_as" if naming else "received"), index, verb)


def _of_participle(sheet: Sheet, verb: Token, preposition: str, index: int) -> Relation:
    return predicates.of_participle(verb.lemma_, verb.lower_, preposition, sheet.type(index), sheet.schema)


def _equation(sheet: Sheet, verb: Token, nouns: Iterable[Token]) -> Iterator[Statement]:
    """ "Anna's brother is Tom", "the capital of France is Paris": the noun says what the name after it is."""
    for preposition, head in grammar.arguments(verb):
        index = None if preposition else sheet.entity(head)
        if index is not None:
            for noun in nouns:
                yield from _described(sheet, verb, noun, index)


def dated(sheet: Sheet, verb: Token, text: str) -> Iterator[Statement]:
    """A date as a fact of its own, for verbs whose date people ask for: born, founded, released."""
    name = _DATED.get(verb.lemma_)
    if name:
        for token in grammar.subjects(verb)[0]:
            index = sheet.entity(token)
            if index is not None:
                for fact in _value(index, name, text, verb):
                    yield Statement(index, name, None, fact.value, verb, grammar.polarity(verb))


def _noun_phrase(sheet: Sheet, index: int) -> Iterator[Statement]:
    root = sheet.root(index)
    yield from _apposed(sheet, index, root)
    yield from _titles(sheet, index, root)
    for child in root.children:
        if child.dep_ == "prep":
            yield from _joined(sheet, index, child)
        elif child.dep_ == "poss" and sheet.inside(child) not in {None, index}:
            yield from _possessed(sheet, index, child)
    yield from _owned(sheet, index, root)
    yield from _listed(sheet, index, root)


def _apposed(sheet: Sheet, index: int, root: Token) -> Iterator[Statement]:
    for child in root.children:
        if child.dep_ != "appos":
            continue
        for noun in grammar.coordinated(child):
            other = sheet.inside(noun)
            if other is None:
                yield from _described(sheet, noun, noun, index)
            elif other != index and sheet.type(index) == sheet.type(other) == "location":
                yield _fact(index, Relation("located_in"), other, noun, 0.85)
            elif other != index and sheet.type(index) != sheet.type(other):
                yield _fact(index, predicates.between(sheet.type(index), "comma", sheet.type(other)), other, noun, 0.5)
    head = root.head
    if root.dep_ == "appos" and sheet.inside(head) is None:
        yield from _described(sheet, head, head, index)


def _titles(sheet: Sheet, index: int, root: Token) -> Iterator[Statement]:
    """ "Apple CEO Tim Cook", "German chancellor Angela Merkel", "the actor Tom Hanks"."""
    place = sheet.places[index]
    before = [
        child for child in root.children if child.i < place.first and child.dep_ in {"compound", "amod", "nmod", "poss"}
    ]
    titles = [child for child in before if sheet.inside(child) is None and child.pos_ in {"NOUN", "PROPN"}]
    names = {found for child in before if (found := sheet.inside(child)) not in {None, index}}
    names |= {found for title in titles for _, _, found in _below(sheet, title)}
    if not titles:
        for found in sorted(name for name in names if name is not None):
            if sheet.type(found) in {"location", "group"} and sheet.doc[place.first - 1].i >= sheet.places[found].first:
                yield _fact(index, Relation("from"), found, root, 0.6)
        return
    title = titles[-1]
    if sheet.type(index) == "person":
        yield from _value(index, "role", title.text, title, 0.8)
    for found in sorted(name for name in names if name is not None):
        relation = predicates.of_noun(title.lemma_.lower(), "compound", sheet.type(found), sheet.schema)
        yield _fact(index, relation, found, title, 0.75)


def _joined(sheet: Sheet, index: int, child: Token) -> Iterator[Statement]:
    for preposition, head in grammar.prepositional(child):
        for noun in grammar.coordinated(head):
            other = sheet.entity(noun)
            if other is not None and other != index:
                relation = predicates.between(sheet.type(index), preposition, sheet.type(other))
                yield _fact(index, relation, other, child, 0.6)


def _possessed(sheet: Sheet, index: int, owner: Token) -> Iterator[Statement]:
    """ "Shakespeare's Hamlet", "Germany's Berlin"; a title between them has been read before."""
    other = sheet.inside(owner)
    if other is not None and not any(child.dep_ == "compound" for child in sheet.root(index).children):
        yield _fact(index, predicates.between(sheet.type(index), "poss", sheet.type(other)), other, owner, 0.6)


def _owned(sheet: Sheet, index: int, root: Token) -> Iterator[Statement]:
    """ "Berlin-based Acme", and "such as": a plain noun before it says what the name is an instance of."""
    preposition = root.head
    if root.dep_ == "pobj" and preposition.lower_ in {"as", "like", "including"}:
        kind = preposition.head
        if sheet.inside(kind) is None and kind.pos_ == "NOUN" and _exemplifies(preposition):
            yield from _value(index, "is_a", kind.lemma_ if kind.tag_ == "NNS" else kind.text, preposition, 0.7)


def _exemplifies(preposition: Token) -> bool:
    return preposition.lower_ == "including" or any(
        child.lower_ == "such" for child in [*preposition.children, *preposition.head.children]
    )


def _listed(sheet: Sheet, index: int, root: Token) -> Iterator[Statement]:
    """ "Paris, France": two places with a comma between them."""
    place = sheet.places[index]
    after = place.last + 1
    if sheet.type(index) != "location" or after >= len(sheet.doc) or sheet.doc[place.last].text != ",":
        return
    other = sheet.inside(sheet.doc[after])
    if other is not None and sheet.type(other) == "location" and other != index and _closes(sheet, other):
        yield _fact(index, Relation("located_in"), other, root, 0.7)


def _closes(sheet: Sheet, index: int) -> bool:
    """Whether no "and" follows, which would make it a list of places."""
    last = sheet.places[index].last
    rest = sheet.doc[last : last + 2]
    return not any(token.lower_ in {"and", "or", "&"} for token in rest)
