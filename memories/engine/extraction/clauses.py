"""Facts of a clause: subject, verb and object, or subject, verb, preposition and object, active and passive.

"is", "became", "was elected" and the like give what the noun after them says. A name below a plain noun ("a contract
with Arsenal") keeps that noun in its predicate, and so does a name below the subject ("Anna's company is in Berlin").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memories.engine.extraction import grammar, predicates
from memories.engine.extraction.kinds import is_gathering
from memories.engine.extraction.predicates import COPULAS, DULL, LIGHT, MOODS, NAMING, Relation
from memories.engine.extraction.sheet import Below, Sheet, Statement, described, fact, favourite, value

if TYPE_CHECKING:
    from spacy.tokens import Token

_DATED = {
    "bear": "born_at", "die": "died_at", "found": "founded_at", "establish": "founded_at", "release": "released_at",
    "publish": "published_at", "open": "opened_at", "launch": "launched_at", "graduate": "graduated_at",
    "retire": "retired_at", "marry": "married_at", "build": "built_at", "complete": "completed_at",
}  # fmt: skip
_SAYING = frozenset({"say", "announce", "state", "claim", "report", "explain"})
_JOBS = frozenset({"job", "position", "internship", "gig", "apprenticeship", "traineeship"})
_TAKEN = {
    **dict.fromkeys(["get", "start", "land", "take", "accept", "find", "have", "begin"], "works_for"),
    **dict.fromkeys(["quit", "leave", "lose"], "left"),
}
_RESIGNING = frozenset({"step", "resign", "retire", "quit"})
_GAINING = frozenset({"have", "get", "adopt", "own", "rescue", "buy"})  # "have a dog named Max": it is one's own
_PASSIVE_VALUES = frozenset({"diagnosed_with", "known_for", "accepted_into", "accepted_to", "trained_in"})
WEAK = 0.4  # a name that only stands somewhere in the clause


@dataclass(frozen=True, slots=True)
class _Clause:
    """A verb on its sheet."""

    sheet: Sheet
    verb: Token

    @property
    def lemma(self) -> str:
        """The verb's; of "I've got a dog" it is "have"."""
        got = self.verb.lower_ == "got" and any(child.tag_ in {"VBP", "VBZ"} for child in self.verb.children)
        return "have" if got else str(self.verb.lemma_)

    def relation(self, preposition: str, index: int | None, noun: Token | None = None) -> Relation:
        """The relation to a mention, or to a plain noun."""
        kind = self.sheet.type(index) if index is not None else ""
        if noun is not None and index is None and is_gathering(noun):
            kind = "event"
        particle = grammar.particle(self.verb)
        return predicates.of_verb(self.lemma, particle, preposition, kind, self.sheet.schema)


def clause(sheet: Sheet, verb: Token) -> Iterator[Statement]:
    """The facts that a verb states, with the mood it states them in."""
    if verb.dep_ in {"aux", "auxpass"}:
        return
    tokens, passive = grammar.subjects(verb)
    acting = [] if verb.lemma_ == "include" else [index for token in tokens for index in sheet.actors(token)]
    actors = list(dict.fromkeys(acting))
    here = _Clause(sheet, verb)
    found = list(_passive(here, actors) if passive else _active(here, actors))
    if not actors:
        found += _about_subject(here, tokens, passive=passive)
    if sheet.speaker is None:  # in talk such names are mostly those one speaks to
        found += _companions(here, actors, found)
    polarity, over = grammar.polarity(verb), grammar.formerly(verb)
    for one in found:
        mood = "affirmed" if polarity == "hypothetical" and _is_wish(one) else polarity
        yield replace(one, anchor=verb, polarity=mood, formerly=over or one.formerly)


def _is_wish(one: Statement) -> bool:
    """ "I'd love to": what is supposed there is what is wanted, not the wanting."""
    return one.predicate == "wants" and one.anchor.lemma_ in {"like", "love"} and not grammar.negated(one.anchor)


def _active(here: _Clause, actors: Sequence[int]) -> Iterator[Statement]:
    for preposition, head in grammar.arguments(here.verb):
        for noun in grammar.coordinated(head):
            for actor in actors:
                yield from _argument(here, preposition, noun, actor)
    for actor in actors:
        yield from _complement(here, actor)


def _argument(here: _Clause, preposition: str, noun: Token, actor: int) -> Iterator[Statement]:
    index = here.sheet.entity(noun)
    if here.lemma in COPULAS and not preposition:
        yield from _copula(here, noun, actor)
        return
    if here.lemma == "get" and noun.dep_ == "acomp" and noun.tag_ == "VBN":
        yield from _got(here, noun, actor)
        return
    relation = here.relation(preposition, index, noun)
    if index is not None:
        if here.lemma in {"buy", "purchase"} and here.sheet.type(actor) == "person":
            relation = Relation("bought")  # people buy a Volvo, companies Volvo
        yield fact(actor, relation, index, here.verb)
        yield from _attached(here, noun, actor)
    elif here.sheet.named(core := grammar.counted(noun)) and relation.name != "role":
        yield from _announced(here, preposition, core, actor)
    elif relation.name == "role":
        yield from described(here.sheet, here.verb, noun, actor)
    else:
        yield from _plain_object(here, preposition, noun, actor, relation)


def _got(here: _Clause, participle: Token, actor: int) -> Iterator[Statement]:
    """ "got engaged to Viktor"."""
    for preposition, head in grammar.arguments(participle):
        index = here.sheet.entity(head)
        if preposition and index is not None:
            words = (participle.lemma_, participle.lower_, preposition)
            yield fact(
                actor, predicates.of_participle(*words, here.sheet.type(index), here.sheet.schema), index, here.verb
            )


def _announced(here: _Clause, preposition: str, noun: Token, actor: int) -> Iterator[Statement]:
    """ "recorded two albums, Lungs and Ceremonials": the noun stands for the names that follow it."""
    kin = predicates.NOUNS.get(noun.lemma_) if noun.lemma_ in predicates.KIN else None
    for index in here.sheet.named(noun):
        if index == actor:
            continue
        if kin and here.lemma in _GAINING:
            yield fact(index, kin, actor, here.verb, 0.8)
        else:
            yield fact(actor, here.relation(preposition, index), index, here.verb, 0.8)


def _attached(here: _Clause, noun: Token, actor: int) -> Iterator[Statement]:
    """ "studied physics at Oslo": the parser hangs the place on the object, the verb knows what it means."""
    for one in here.sheet.below(noun):
        known = predicates.known_verb(here.lemma, one.link, here.sheet.type(one.index))
        if known and one.index != actor and one.owner.i == noun.i:
            yield fact(actor, known, one.index, here.verb, 0.7)


def _plain_object(here: _Clause, preposition: str, noun: Token, actor: int, relation: Relation) -> Iterator[Statement]:
    """An object that is no name: a value, and the names below it."""
    if noun.lower_ in DULL or noun.pos_ in {"PRON", "DET"}:
        return
    if _tells(here, preposition, noun, actor) and not relation.inverted:
        yield from value(actor, relation.name, grammar.phrase(noun), here.verb, 0.7, thing=noun)
    for one in here.sheet.below(noun):
        people = one.link == "compound" and here.sheet.type(one.index) == "group" and here.sheet.speaker
        if one.index != actor and not people:  # "our Italian holiday" is no fact about Italians
            yield fact(actor, _indirect(here, preposition, one), one.index, here.verb, 0.6)


def _tells(here: _Clause, preposition: str, noun: Token, actor: int) -> bool:
    """Whether an object is worth a fact by itself: no date, nothing of somebody else's, no figure of speech."""
    if noun.pos_ not in {"NOUN", "PROPN", "NUM", "VERB"} or noun.ent_type_ in {"DATE", "TIME"}:
        return False
    if _belongs_to_another(here.sheet, noun, actor):
        return False
    verb = "_".join(filter(None, (here.lemma, grammar.particle(here.verb))))
    own = predicates.of_project(predicates.slug(verb, preposition), here.sheet.schema)
    known = own or predicates.known_verb(verb, preposition, "")
    return known is not None if preposition else here.lemma not in LIGHT


def _belongs_to_another(sheet: Sheet, noun: Token, actor: int) -> bool:
    owners = [sheet.inside(child) for child in noun.children if child.dep_ == "poss"]
    return any(owner is not None and sheet.name(owner) != sheet.name(actor) for owner in owners)


def _indirect(here: _Clause, preposition: str, one: Below) -> Relation:
    """ "signed a contract with Arsenal": sign_contract_with; but "lives in a flat in Berlin" lives in Berlin."""
    kind = here.sheet.type(one.index)
    if one.owner.lemma_ in _JOBS and (one.link == "at" or (one.link in {"with", "for"} and kind != "location")):
        return Relation(_TAKEN.get(here.lemma, predicates.slug(here.lemma, one.owner.lemma_, one.link)))
    if preposition == "as" and here.lemma in _RESIGNING and kind in {"organization", "group", "location"}:
        return Relation("left")  # "stepped down as CEO of Acme"
    if one.link in {"poss", "compound"}:
        return Relation(predicates.slug(here.lemma, preposition, one.owner.lemma_))
    if preposition and kind == "location" and one.link in {"in", "at", "near"}:
        return predicates.of_verb(here.lemma, grammar.particle(here.verb), preposition, kind, here.sheet.schema)
    known = predicates.ACTIVE.get(f"{here.lemma}+{one.link}/{kind}") or predicates.ACTIVE.get(
        f"{here.lemma}+{one.link}"
    )
    return known or Relation(predicates.slug(here.lemma, one.owner.lemma_, one.link))


def _copula(here: _Clause, noun: Token, actor: int) -> Iterator[Statement]:
    sheet, index = here.sheet, here.sheet.entity(noun)
    if noun.dep_ == "acomp" or (noun.pos_ == "ADJ" and index is None):
        yield from _adjective(here, noun, actor)
    elif index is None:
        yield from described(sheet, here.verb, noun, actor)
    else:
        nationality = sheet.type(index) == "group" and sheet.type(actor) == "person"
        yield fact(actor, Relation("nationality" if nationality else "is"), index, here.verb, 0.8)


def _adjective(here: _Clause, adjective: Token, actor: int) -> Iterator[Statement]:
    """ "is German", "is similar to Redis", "is allergic to nuts"."""
    sheet, verb = here.sheet, here.verb
    index = sheet.inside(adjective)
    if index is not None:
        yield fact(actor, Relation("nationality"), index, verb)
        return
    names = [
        (preposition, found)
        for child in adjective.children
        if child.dep_ == "prep"
        for preposition, head in grammar.prepositional(child)
        for noun in grammar.coordinated(head)
        if (found := sheet.entity(noun)) is not None
    ]
    for preposition, found in names:
        word = str(adjective.lower_)
        yield fact(actor, predicates.of_verb(word, "", preposition, sheet.type(found), sheet.schema), found, verb)
    if not names and adjective.lower_ not in MOODS and adjective.pos_ == "ADJ" and here.lemma == "be":
        end = adjective.right_edge if len(list(adjective.subtree)) <= 8 else adjective
        words = sheet.doc[adjective.i : end.i + 1].text.rstrip(" -,;:")
        yield from value(actor, "is", words, verb, 0.6, thing=adjective)


def _complement(here: _Clause, actor: int) -> Iterator[Statement]:
    """What is said, planned, wanted or liked in a clause of its own."""
    for child in here.verb.children:
        if child.dep_ == "ccomp" and here.lemma in _SAYING:
            text = here.sheet.doc[child.left_edge.i : child.right_edge.i + 1].text
            yield from value(actor, "said", text.strip(" ,.\"'"), here.verb, 0.7)
        elif child.dep_ in {"xcomp", "dobj"} and child.pos_ == "VERB":
            name = _attitude(here.verb)
            if name:
                yield from value(actor, name, grammar.clause(child), here.verb, thing=child)


def _attitude(verb: Token) -> str:
    if verb.lower_ == "going":
        return "plans"
    if verb.lemma_ in {"like", "love"} and any(child.lower_ in {"would", "'d"} for child in verb.children):
        return "wants"
    relation = predicates.ACTIVE.get(verb.lemma_)
    return relation.name if relation and relation.name in {"plans", "wants", "likes", "dislikes"} else ""


def _passive(here: _Clause, patients: Sequence[int]) -> Iterator[Statement]:
    for preposition, head in grammar.arguments(here.verb):
        for noun in grammar.coordinated(head):
            for patient in patients:
                yield from _passive_argument(here, preposition, noun, patient)


def _passive_argument(here: _Clause, preposition: str, noun: Token, patient: int) -> Iterator[Statement]:
    sheet, verb, index = here.sheet, here.verb, here.sheet.entity(noun)
    naming = here.lemma in NAMING and not preposition
    if index is None:
        appointed = preposition == "as" or (preposition == "to" and here.lemma == "promote")
        if naming or (appointed and noun.pos_ == "NOUN"):
            yield from described(sheet, verb, noun, patient)
        else:
            name = predicates.slug(verb.lower_, preposition) if preposition else "received"
            if name in _PASSIVE_VALUES:
                yield from value(patient, name, grammar.phrase(noun), verb, 0.7, thing=noun)
            yield from _plain_object(here, preposition, noun, patient, Relation(name))
    elif preposition == "by" and here.lemma in {"call", "name"}:
        return  # "a novel called Dawn by Lena Hoff": she wrote it, and doesn't call it
    elif preposition == "by":
        relation = predicates.of_verb(here.lemma, "", "", sheet.type(patient), sheet.schema)
        yield fact(index, relation, patient, verb)
    elif preposition:
        form = str(verb.lower_)
        relation = predicates.of_participle(here.lemma, form, preposition, sheet.type(index), sheet.schema)
        yield fact(patient, relation, index, verb)
    else:
        yield fact(patient, Relation("known_as" if naming else "received"), index, verb)


def _about_subject(here: _Clause, nouns: Sequence[Token], *, passive: bool) -> Iterator[Statement]:
    """A plain subject with a name below it: "Anna's brother is Tom", "Anna's company is based in Berlin"."""
    for preposition, head in grammar.arguments(here.verb):
        for other in grammar.coordinated(head):
            index = here.sheet.entity(other)
            if index is None:
                if here.lemma == "be" and other.pos_ == "NOUN" and not preposition:
                    yield from _favoured(here, nouns, other)
                continue
            called = passive and here.lemma in {"call", "name"}
            for noun in map(_bearer, nouns):
                if (here.lemma in COPULAS or here.lemma == "include" or called) and not preposition:
                    yield from described(here.sheet, here.verb, noun, index)
                else:
                    yield from _owned_subject(here, noun, preposition, index, passive=passive)


def _favoured(here: _Clause, nouns: Sequence[Token], thing: Token) -> Iterator[Statement]:
    """ "my favorite food is ramen"."""
    for noun in nouns:
        for one in here.sheet.below(noun):
            name = favourite(noun)
            if name and one.link == "poss":
                yield from value(one.index, name, grammar.phrase(thing), here.verb, thing=thing)


def _bearer(noun: Token) -> Token:
    """Of "my dog's name" the dog."""
    return next((child for child in noun.children if child.dep_ == "poss" and noun.lemma_ == "name"), noun)


def _owned_subject(here: _Clause, noun: Token, preposition: str, index: int, *, passive: bool) -> Iterator[Statement]:
    word = here.verb.lower_ if passive else here.lemma
    for one in here.sheet.below(noun):
        if one.index != index and one.owner.i == noun.i:
            name = predicates.slug(noun.lemma_, word, preposition)
            yield fact(one.index, Relation(name), index, here.verb, WEAK)


def _companions(here: _Clause, actors: Sequence[int], found: Sequence[Statement]) -> Iterator[Statement]:
    """The clause's other names, deeper than the patterns look: linked to its subject by the verb and the nearest
    word."""
    linked = {index for one in found for index in (one.subject, one.object)}
    for token, words in _deeper(here.verb, ()):
        index = here.sheet.inside(token)
        if index is None or index in linked or index in actors:
            continue
        linked.add(index)
        for actor in actors:
            if here.sheet.name(actor) != here.sheet.name(index):
                relation = Relation(predicates.slug(here.lemma, *words[-2:]))
                yield fact(actor, relation, index, here.verb, WEAK)


def _deeper(token: Token, words: tuple[str, ...]) -> Iterator[tuple[Token, tuple[str, ...]]]:
    """The words below a verb, with those between; clauses with a subject of their own are not entered."""
    if len(words) > 6:
        return
    for child in token.children:
        if child.dep_ in grammar.SUBJECTS or any(grand.dep_ in grammar.SUBJECTS for grand in child.children):
            continue
        if child.dep_ in {"conj", "relcl", "advcl", "ccomp"} and child.pos_ in {"VERB", "AUX"}:
            continue
        if child.dep_ == "appos" and token.pos_ == "PROPN":
            continue  # "in Berlin, Germany": the second says something of the first
        yield child, words
        step = (child.lemma_,) if child.pos_ in {"NOUN", "ADP", "VERB"} else ()
        yield from _deeper(child, words + step)


def dated(sheet: Sheet, verb: Token, text: str) -> Iterator[Statement]:
    """A date as a fact of its own, for verbs whose date people ask for: born, founded, released."""
    name = "died_at" if grammar.is_death(verb) else _DATED.get(verb.lemma_)
    if name:
        for token in grammar.subjects(verb)[0]:
            index = sheet.actor(token)
            if index is not None:
                found = value(index, name, text, verb)
                yield from (replace(one, polarity=grammar.polarity(verb)) for one in found)
