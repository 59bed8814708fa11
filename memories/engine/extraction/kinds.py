"""Nouns that say what a name is of: "the film Metropolis", "cities such as Lyon and Graz", "Ghent, a port".

After Hearst (1992), "Automatic acquisition of hyponyms from large text corpora", with appositions and compounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memories.engine.extraction.predicates import KIN, NOUNS

if TYPE_CHECKING:
    from spacy.tokens import Token

_KINDS = {
    "work": """film movie documentary novel novella book poem play musical opera album song single ep lp soundtrack
        recording track tune essay story memoir autobiography biography sitcom series trilogy comic manga anime painting
        fresco sculpture symphony concerto sonata ballet anthology hymn ballad videogame mixtape sequel prequel
        miniseries remake poems screenplay""",
    "organization": """band company firm label club orchestra choir trio quartet quintet duo supergroup agency startup
        airline manufacturer network union party university college school institute bank charity retailer
        ngo nonprofit organization organisation corporation newspaper ensemble brewery carmaker conglomerate militia
        subsidiary consortium start-up church congregation group""",
    "location": """city town village country state province county district region island river lake mountain suburb
        neighborhood neighbourhood venue theatre theater arena stadium hamlet municipality borough commune peninsula
        valley port republic nation territory castle palace park beach street capital hotel airport cathedral continent
        resort township settlement volcano prison museum""",
    "event": """festival war battle tournament conference championship workshop symposium ceremony expedition election
        uprising massacre earthquake hurricane race marathon""",
    "product": """robot car aircraft airplane ship phone smartphone console device spacecraft rocket satellite toy
        drone missile drug game""",
    "technology": """software toolkit library framework compiler programming_language database search_engine
        operating_system package chatbot browser app plugin""",
    "concept": """algorithm dataset corpus method technique theorem metric measure score award prize genre language
        dialect disease protocol format degree medal model classifier task treebank""",
}
KINDS: dict[str, str] = {noun: kind for kind, nouns in _KINDS.items() for noun in nouns.split()}
_GATHERINGS_WORDS = """
    concert meeting party wedding class course workshop seminar lecture rally parade protest ceremony gala show play
    performance exhibition opening lesson rehearsal group session retreat camp reunion dinner barbecue picnic funeral
    meetup hackathon service gig recital match game convention talk support-group fundraiser
"""
_GATHERINGS = frozenset(_GATHERINGS_WORDS.split())
_PERSONAL = """
works_for founded owns created member_of educated_at lives_in leads won student_of teacher_of successor_of
predecessor_of supports enemy_of
"""
_ROLES = frozenset(key.partition("/")[0] for key, relation in NOUNS.items() if relation.name in _PERSONAL.split())
_OCCUPATIONS = """
actor actress singer poet politician footballer musician nurse chef pilot spy model host rapper soldier saint monk nun
farmer merchant lawyer surgeon physician doctor critic comedian wrestler boxer golfer swimmer runner driver rider
skater jockey lyricist drummer conductor soprano tenor baritone
"""
_OFTEN_NOT = "head staff chief candidate native member partner owner broadcaster producer rival"
_PEOPLE = (KIN | _ROLES | frozenset(_OCCUPATIONS.split())) - set(_OFTEN_NOT.split())
_ENDINGS = ("ist", "ian", "woman", "ologist", "grapher", "smith", "keeper", "player", "maker", "writer", "layer")
_NO_PERSON_WORDS = """list playlist artist-run consist checklist wishlist twist exist layer player rendition"""
_NO_PERSON = frozenset(_NO_PERSON_WORDS.split())


def kind_of(noun: Token) -> str | None:
    """The type of the thing that a common noun names: "location" for "town", "person" for "singer"; else None."""
    if noun.pos_ not in {"NOUN", "PROPN"} or (noun.text[:1].isupper() and not noun.is_sent_start):
        return None
    lemma = noun.lemma_.lower()
    kind = KINDS.get(lemma)
    if kind is None and (lemma in _PEOPLE or (lemma.endswith(_ENDINGS) and lemma not in _NO_PERSON)):
        kind = "person"
    if lemma == "language" and any(child.lower_ == "programming" for child in noun.children):
        kind = "technology"
    return kind


def is_gathering(noun: Token) -> bool:
    """Whether one attends it rather than visits it: a concert, a class."""
    return noun.pos_ == "NOUN" and (noun.lemma_ in _GATHERINGS or KINDS.get(noun.lemma_) == "event")
