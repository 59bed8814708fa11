"""Relation types for the verbs and nouns that carry a fact.

The tables read `relation: lemma+preposition/type of the object`, the preposition and type where they matter; `<` turns
subject and object round (X employs Y: Y works for X). What no table knows gets its verb's lemma and preposition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from memories.engine.types import Schema

_ACTIVE = """
works_for: work+for work+at work+with/organization serve+at teach+at employ< hire< recruit<
works_in: work+in/location work+in
works_on: work+on
role: work+as serve+as act+as
lives_in: move+to/person live+in live+at reside+in reside+at dwell+in settle+in move+to/location move+in/location
lives_in: relocate+to emigrate+to immigrate+to
grew_up_in: grow_up+in grow+in/location
located_in: lie+in locate+in situate+in base+in headquarter+in locate+at sit+in/location stand+in/location
born_in: bear+in
died_in: die+in die+at/location
educated_at: study+at study_at graduate+from study+in/organization attend/organization enroll+at enroll+in/organization
educated_at: graduate+at train+at/organization
studies: study major+in
founded: found cofound co-found establish/organization start/organization launch/organization set_up
owns: own possess
acquired: acquire take_over purchase/organization buy/organization
bought: buy purchase
part_of: belong+to/organization belong+to/group form_part+of consist+of< comprise<
includes: include contain
member_of: join/organization join/group belong+to play+for sing+for/organization
married_to: marry wed marry+to
divorced_from: divorce divorce+from
partner_of: engage+to
parent_of: father mother
likes: like love enjoy adore prefer admire appreciate fond+of
dislikes: dislike hate detest loathe
uses: use utilize utilise adopt/technology switch+to/technology rely+on/technology run+on/technology
uses: build+with/technology write+in/technology implement+in/technology
plans: plan intend aim
wants: want wish hope
visited: visit travel+to go+to fly+to drive+to/location tour trip+to vacation+in come+to/location
created: create invent design develop build write compose author paint sculpt co-write co-create devise program
directed: direct
produced: produce
published: publish
released: release
won: win
received: receive
attended: attend go+to/event go+to/organization participate+in/event
participated_in: participate+in compete+in take_part+in
said: say state remark
leads: lead head chair run/organization govern/location rule/location captain
knows: know
met: meet meet+with
speaks: speak/concept speak/group
supports: support
teaches: teach
joined: join sign_up+for enroll+in enrol+in
left/person: fire< sack< dismiss<
left: leave resign+from quit quit+at step_down+from retire+from depart depart+from
named_after: name+after
influenced: influence
influenced_by: inspire+by
known_for: know+for
known_as: know+as
signed_with: sign+with sign+for/organization
plays: play
performed_with: perform+with
has: have
"""
_NOUNS = """
parent_of: father mother parent dad mom mum
child_of: son daughter child kid
sibling_of: brother sister sibling twin
married_to: wife husband spouse
relative_of: cousin uncle aunt nephew niece grandfather grandmother grandson granddaughter grandparent relative
relative_of: stepfather stepmother stepson stepdaughter ancestor descendant
partner_of: partner girlfriend boyfriend fiance fiancé fiancee fiancée
friend_of: friend buddy pal bestie
boss_of: boss supervisor
neighbor_of: neighbor neighbour
colleague_of: colleague coworker co-worker collaborator teammate bandmate roommate
works_for/organization: ceo cto cfo coo president chairman chairwoman chair director manager employee engineer professor
works_for/organization: executive spokesman spokeswoman spokesperson vice-president officer editor correspondent analyst
works_for/organization: lecturer researcher scientist head leader secretary treasurer dean principal coach captain
works_for/organization: reporter journalist architect developer programmer designer consultant assistant teacher worker
works_for/organization: intern staff chief commander commissioner administrator spokesman judge attorney lawyer
leads/location: president king queen emperor empress minister chancellor mayor governor leader ruler head
leads/location: premier prince duke sultan monarch dictator ambassador senator
leads: leader captain head commander
founded: founder co-founder cofounder
owns: owner proprietor
created: author writer creator inventor composer designer developer architect painter songwriter producer director
created: screenwriter playwright sculptor
member_of: member player guitarist drummer bassist singer vocalist frontman keyboardist candidate
educated_at: student graduate alumnus alumna alumni undergraduate
lives_in/location: native resident citizen inhabitant
from/location: actor actress singer writer author poet politician footballer player band musician painter company group
capital_of: capital
part_of: part subsidiary division branch unit department wing subset component segment section province arm
located_in/location: city town village suburb district borough region state county neighborhood neighbourhood port
located_in/location: headquarters office river lake mountain island university school museum hospital church
won: winner champion
likes: fan admirer lover
student_of: pupil apprentice protégé
teacher_of: teacher mentor tutor
successor_of: successor
predecessor_of: predecessor
supports: supporter
enemy_of: rival enemy opponent
type_of: type kind form variant version subclass subgenre genre example instance generalization extension
pet_of: dog cat pet puppy kitten pup kitty hamster rabbit bunny parrot budgie pony horse tortoise turtle goldfish
home_of: home birthplace
"""
_SPEECH = """
say tell state announce claim report argue suggest believe write mention explain add note declare confirm reveal
admit insist warn indicate allege assert estimate predict expect hear
"""
_THOUGHT = """
think hope wish guess imagine suppose doubt assume wonder pretend dream want plan intend try attempt aim consider
need decide prefer would_like ask urge seek agree promise threaten propose refuse expect like love
"""
_ENDING = "stop quit cease refuse decline fail deny avoid forget"
SPEECH = frozenset(_SPEECH.split())
THOUGHT = frozenset(_THOUGHT.split())
ENDING = frozenset(_ENDING.split())
COPULAS = frozenset({"be", "become", "remain", "stay", "seem"})
NAMING = frozenset({"elect", "appoint", "name", "crown", "choose", "make", "nominate", "consider", "call", "know"})
_DULL = """
thing things something anything everything nothing lot lots bit one ones way ways time times kind kinds sort part
idea sense look it them this that these those what which who me you him her us myself yourself himself herself
themselves itself all some any none no most more much many few stuff guy guys day days week month year years today
"""
_MOODS = """
glad sorry happy sure excited good great ok okay fine proud ready able afraid nice sad true right wrong bad hard
easy clear possible important necessary likely unlikely amazing awesome cool interesting so worth due lucky grateful
thankful curious aware better best
"""
DULL = frozenset(_DULL.split())  # objects that say nothing
MOODS = frozenset(_MOODS.split())  # adjectives that say nothing lasting
_LIGHT = """take give put keep let tell show do mean need bring call feel hear hold handle reach turn set mind help
check see pay follow miss face catch throw push pull look seem thank"""
LIGHT = frozenset(_LIGHT.split())  # verbs whose plain objects are mostly figures of speech
GENERIC = "related_to"
_INVALID = re.compile(r"[^a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Relation:
    """A predicate; `inverted` when the grammar's object is the fact's subject."""

    name: str
    inverted: bool = False


def _table(text: str) -> dict[str, Relation]:
    table: dict[str, Relation] = {}
    for line in text.split("\n"):
        head, _, words = line.partition(": ")
        relation, _, kind = head.partition("/")
        for word in words.split():
            key = word.removesuffix("<") + (f"/{kind}" if kind else "")
            table.setdefault(key, Relation(relation, word.endswith("<")))
    return table


ACTIVE = _table(_ACTIVE)
NOUNS = _table(_NOUNS)
KNOWN = frozenset(relation.name for relation in (*ACTIVE.values(), *NOUNS.values()))
_KIN = {
    "parent_of",
    "child_of",
    "sibling_of",
    "married_to",
    "relative_of",
    "partner_of",
    "friend_of",
    "colleague_of",
    "pet_of",
    "boss_of",
    "neighbor_of",
}
KIN = frozenset(noun for noun, relation in NOUNS.items() if relation.name in _KIN)
_OWN_KIN_WORDS = """
son daughter child kid twin grandson granddaughter grandchild brother sister sibling wife husband spouse partner
girlfriend boyfriend fiance fiancé fiancee fiancée stepson stepdaughter
"""
# Of these it is news that one has them.
OWN_KIN = frozenset(_OWN_KIN_WORDS.split()) | {noun for noun, relation in NOUNS.items() if relation.name == "pet_of"}
_ROLE_ENDINGS = ("er", "or", "ist", "ian", "man", "woman", "ant", "ess", "eur", "ect", "yst")
_ROLES = frozenset(key.partition("/")[0] for key in NOUNS) - KIN | {
    "nurse",
    "vet",
    "chef",
    "cook",
    "pilot",
    "model",
    "host",
    "spy",
}


def is_role(lemma: str) -> bool:
    """Whether a noun says what a person does or is appointed to."""
    return lemma in _ROLES or (lemma.endswith(_ROLE_ENDINGS) and lemma not in KIN)


def slug(*words: str) -> str:
    """A predicate's name out of words: ^[a-z][a-z0-9_]*$, at most 64 characters."""
    name = _INVALID.sub("_", "_".join(word.lower() for word in words if word)).strip("_0123456789")
    return name[:64].rstrip("_") or GENERIC


def of_project(plain: str, schema: Schema) -> Relation | None:
    """What the project itself calls it."""
    name = schema.phrases.get(plain)
    return Relation(name) if name else None


def of_verb(lemma: str, particle: str, preposition: str, object_type: str, schema: Schema) -> Relation:
    """The relation of an active verb with a direct object (`preposition` empty) or an object after a preposition."""
    verb = f"{lemma}_{particle}" if particle else lemma
    plain = slug(verb, preposition)
    if own := of_project(plain, schema):
        return own
    return known_verb(verb, preposition, object_type) or Relation(plain)


def known_verb(verb: str, preposition: str, object_type: str) -> Relation | None:
    """What the table has for a verb, with the object's type if it matters."""
    key = f"{verb}+{preposition}" if preposition else verb
    return ACTIVE.get(f"{key}/{object_type}") or ACTIVE.get(key)


def of_participle(lemma: str, form: str, preposition: str, object_type: str, schema: Schema) -> Relation:
    """The relation of a passive verb with an object after a preposition: was born in, was awarded to."""
    plain = slug(form, preposition)
    if own := of_project(plain, schema):
        return own
    known = {
        "born_in",
        "located_in",
        "married_to",
        "named_after",
        "known_for",
        "known_as",
        "divorced_from",
        "partner_of",
    }
    relation = ACTIVE.get(f"{lemma}+{preposition}")
    if relation and relation.name in known:
        return relation
    if preposition == "in" and lemma in {"found", "establish", "create"} and object_type == "location":
        return Relation("located_in")
    return Relation(plain)


def of_noun(lemma: str, preposition: str, object_type: str, schema: Schema) -> Relation:
    """The relation that "X is the `lemma` of Y" states between X and Y."""
    plain = slug(lemma, "of" if preposition in {"poss", "compound", "amod", ""} else preposition)
    if own := of_project(plain, schema):
        return own
    known = NOUNS.get(f"{lemma}/{object_type}") or NOUNS.get(lemma)
    if object_type == "group" and preposition == "compound":
        return Relation("from")  # "an American singer"
    if object_type == "location" and preposition in {"compound", "from"} and not known:
        return Relation("from")
    if object_type == "organization" and preposition in {"at", "for", "with"} and is_role(lemma):
        return Relation("works_for")
    return known or Relation(plain)


def between(subject_type: str, preposition: str, object_type: str) -> Relation:
    """The relation of two names joined by a preposition only, as their types suggest."""
    if object_type == "location" and preposition in {
        "in",
        "of",
        "at",
        "near",
        "on",
        "poss",
        "comma",
        "outside",
        "within",
    }:
        return Relation("from" if subject_type == "person" else "located_in")
    if preposition == "from":
        return Relation("from")
    if preposition in {"by", "poss"} and subject_type in {"work", "product", "technology"}:
        return Relation("created", inverted=True)
    if object_type in {"organization", "group"} and subject_type == "person":
        return Relation("affiliated_with")
    if preposition in {"of", "poss"} and object_type in {"organization", "group"}:
        return Relation("part_of")
    return Relation(GENERIC)
