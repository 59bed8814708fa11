"""What people say to each other that is no news: greetings, compliments, encouragement, figures of speech, irony.

A careful reader of a chat notes who moved, who has a dog and who was where. He doesn't note that somebody is amazing,
makes a difference or has an idea. These are rules over what a statement is made of: whom it is about, its relation, and
the head of its object.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memories.engine.extraction.discourse import FIRST, SECOND
from memories.engine.extraction.predicates import GENERIC, KIN, KNOWN, LIGHT, is_role

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

    from memories.engine.extraction.sheet import Sheet, Statement

# Nouns that make a figure of speech of the verb before them: have a blast, make a difference, find the courage.
_LIGHT_NOUNS_WORDS = """
ability access advantage advice appreciation approach argument aspect aspiration atmosphere attempt attention attitude
awareness back backs balance base beauty bed belief benefit bit blast blessing bond boost brain break breath care
chance change chapter chat choice circumstance closeness clue comfort comment commitment community company compassion
concept concern confidence connection contact control conversation courage crack creativity curiosity damage day deal
decision desire detail determination difference difficulty direction doubt dream drive effect effort element emotion
empathy encouragement energy enjoyment enthusiasm evening example excitement excuse expectation experience expression
eye face fact faith family favor favour feedback feel feeling feelings fire focus folk fool force freedom friendship
fun future glance glimpse goal gratitude grip growth guess guilt guts hand happiness hardship harmony head heart help
hint hold hope hug idea image impact importance impression inclusion influence insight inspiration intention interest
issue journey joy judgment kindness knowledge laugh laughter lead lesson level life light link look lot love luck magic
mark matter meaning memory mess message mile mind mistake mix moment momentum mood moral motivation move need news
night note obstacle offer opinion opportunity option order pain part passion past path patience pattern peace people
perk person perspective phase pic picture piece plan plate pleasure point positivity possibility potential power
pressure pride priority problem progress promise purpose question reason reflection regret relief reminder resilience
resource respect response rest result ride right risk role rush sake scene secret self sense setback shape share shot
sight sign situation size skill sleep smile soul sound space spark spirit spot stage stand start step story strength
stress struggle style success support surprise talk task taste tear thinking thought thrill time tip token toll ton
tone topic touch track transformation trick trouble trust truth turn understanding unity use value vibe victory view
vision voice wait way weekend wellbeing will willpower wisdom wonder word work world worry worth wow yesterday
place
"""
LIGHT_NOUNS = frozenset(_LIGHT_NOUNS_WORDS.split())
# With these relations a light noun is one's own: "likes the work", "works on the plan".
_OWN_OBJECT = frozenset({"works_on", "studies", "role", "plays", "works_in", "lives_in", "created", "bought", "owns"})
# Adjectives that hold for longer than a day, or that one would tell a doctor, a host or an office.
_LASTING_WORDS = """
vegan vegetarian pescatarian pregnant single married engaged divorced widowed separated retired unemployed employed
self-employed freelance jobless homeless gay lesbian bisexual queer straight transgender trans nonbinary asexual deaf
blind disabled diabetic asthmatic autistic dyslexic epileptic bilingual trilingual left-handed right-handed colorblind
allergic intolerant lactose-intolerant gluten-free celiac anemic sober religious atheist agnostic catholic protestant
orthodox jewish muslim buddhist hindu christian tall short blonde bald adopted sick ill dead alive bankrupt
"""
_LASTING = frozenset(_LASTING_WORDS.split())
_TOWARDS_WORDS = """
allergic:to intolerant:to immune:to addicted:to married:to engaged:to related:to afraid:of scared:of terrified:of
interested:in passionate:about obsessed:with responsible:for fluent:in fond:of skilled:at good:at bad:at keen:on
"""
_TOWARDS = frozenset(_TOWARDS_WORDS.split())
_PRAISE_WORDS = """
great good amazing awesome wonderful fantastic incredible best true real big huge total such lovely beautiful perfect
nice cool strong kind brilliant excellent talented inspiring super tough special caring gorgeous helpful supportive
powerful stunning adorable sweet fun happy lucky better old little
"""
_PRAISE = frozenset(_PRAISE_WORDS.split())
_FLATTERY_WORDS = """
inspiration star rockstar hero heroine legend genius angel lifesaver gem champ champion beast natural pro wreck mess
treasure blessing joy delight sweetheart darling role-model fighter winner loser rock idiot fool fan believer person
"""
_FLATTERY = frozenset(_FLATTERY_WORDS.split())
# What one may tell another of himself without flattering him.
_ABOUT_YOU_WORDS = """
role lives_in works_for works_in studies educated_at born_in grew_up_in owns speaks plays plans nationality visited
attended joined member_of left won
"""
_ABOUT_YOU = frozenset(_ABOUT_YOU_WORDS.split())
# Verbs without a relation of their own that tell of something done; others need an object that is a certain one.
_DOINGS_WORDS = """
adopt sell rent lease renovate repair fix restore cook bake grow plant collect ride drive climb run swim sail finish
pass fail learn break injure sprain fracture rescue foster train coach host organize organise record film photograph
knit sew carve read watch undergo survive cancel postpone order donate raise inherit lose quit study practice practise
"""
_DOINGS = frozenset(_DOINGS_WORDS.split())
# Infinitives that speak of the talk itself: "I wanted to tell you", "I'd like to thank you".
_TALKING_WORDS = (
    "tell ask say let thank share show know hear check chat talk congratulate mention remind apologize add see"
)
_TALKING = frozenset(_TALKING_WORDS.split())
_VAGUE = frozenset({"have_for", "have_at", "have_on", "have_of", "have_about", "have_to"})  # what one has is not told
_FAINT = 0.4  # what a name below the subject has to do with the clause
_IRONY = re.compile(
    r"\A\W*(?:oh,? (?:great|joy|wonderful|fantastic|perfect|lovely|sure|yes,? because|brilliant)\b|yeah,? right\b"
    r"|(?:yeah|sure|right),? because\b|as if\b|just what i (?:needed|wanted)\b|because (?:obviously|clearly)\b"
    r"|wow,? (?:thanks a lot|how (?:nice|lovely) of)\b|sure,? (?:like|as if)\b|of course,? because\b)"
    r"|\b(?:said no one ever|yeah,? right|/s)\W*\Z|\U0001f644",
    re.I,
)


def is_small_talk(sheet: Sheet, one: Statement) -> bool:
    """Whether a statement is not worth a note. In a text that is no conversation, only figures of speech are not."""
    if one.object is None and _is_figure(one):
        return True
    if not sheet.speaker:
        return False
    if _calls(sheet, one.subject):
        return True
    if one.object is None:
        return _idle_value(sheet, one)
    return _calls(sheet, one.object) or _idle_link(sheet, one, one.object)


def ironic(doc: Doc) -> set[int]:
    """The first tokens of the sentences that mean the opposite, and of the sentence that follows each."""
    found: set[int] = set()
    after = False
    for sentence in doc.sents:
        now = bool(_IRONY.search(sentence.text.strip()))
        if now or after:
            found.add(sentence.start)
        after = now
    return found


def _is_figure(one: Statement) -> bool:
    thing = one.thing
    if thing is None or one.predicate in _OWN_OBJECT or thing.pos_ == "VERB":
        return False
    light = thing.lemma_.lower() in LIGHT_NOUNS or thing.lower_ in LIGHT_NOUNS
    return light and not any(child.dep_ == "compound" for child in thing.children)


def _calls(sheet: Sheet, index: int) -> bool:
    """Whether a speaker's name only says to whom one speaks: "I agree, Mel", "Bye Mel", "Mel, listen"."""
    place = sheet.places[index]
    if place.name not in sheet.speakers or place.name == sheet.speaker:
        return False
    root = sheet.root(index)
    if root.tag_.startswith("PRP"):
        return False
    if root.dep_ in {"npadvmod", "ROOT", "intj", "dep", "vocative", "appos"} or root.head.pos_ == "INTJ":
        return True
    before = sheet.doc[place.first - 1].text if place.first else ","
    after = sheet.doc[place.last].text if place.last < len(sheet.doc) else "."
    return before == "," and after in {",", ".", "!", "?", "-", "\u2013"}


def _pronoun(sheet: Sheet, index: int, words: frozenset[str]) -> bool:
    place = sheet.places[index]
    return place.last == place.first + 1 and sheet.doc[place.first].lower_ in words


def _idle_link(sheet: Sheet, one: Statement, thing: int) -> bool:
    """What two speakers do to each other in talking, and links to labels: "the NGO community"."""
    if one.predicate in KNOWN:
        return False
    if one.predicate in _VAGUE and sheet.type(thing) != "person":
        return True
    if one.predicate == GENERIC or (one.confidence <= _FAINT and not _of_kin(one)):
        return True
    if all(_pronoun(sheet, end, FIRST | SECOND) for end in (one.subject, thing)):
        return True
    if one.anchor.lemma_ in LIGHT and _pronoun(sheet, thing, FIRST | SECOND):
        return True  # "it brings me joy"
    label = sheet.root(thing)
    return sheet.type(thing) in {"concept", "group", "event"} and label.dep_ == "compound"


def _of_kin(one: Statement) -> bool:
    """ "My sister lives in Ghent": sister_live_in is news."""
    return one.predicate.split("_")[0] in KIN


def _idle_value(sheet: Sheet, one: Statement) -> bool:
    if one.predicate == "is":
        return not _lasts(one)
    if one.predicate in {"role", "is_a"}:
        return _flatters(sheet, one)
    if one.predicate in {"wants", "plans"} and one.thing is not None:
        return _is_about_talk(one.thing) if one.thing.pos_ == "VERB" else not _is_certain(one)
    if _pronoun(sheet, one.subject, SECOND) and one.predicate not in _ABOUT_YOU:
        return True
    if one.predicate in {"likes", "dislikes", "knows", "has"} and one.thing is not None:
        return _points(one.thing)
    return one.predicate not in KNOWN and not one.predicate.startswith("favorite_") and not _is_certain(one)


def _lasts(one: Statement) -> bool:
    """Whether an adjective says what holds for long: "vegan", "allergic to nuts"; not "tired", "amazing"."""
    word = one.thing
    if word is None:
        return one.value == "dead"
    towards = {f"{word.lower_}:{child.lower_}" for child in word.children if child.dep_ == "prep"}
    return word.lower_ in _LASTING or not towards.isdisjoint(_TOWARDS)


def _flatters(sheet: Sheet, one: Statement) -> bool:
    """ "You're a star", "I'm a mess", "you're a great friend"."""
    thing = one.thing
    if thing is None:
        return False
    if thing.tag_ == "NNS" and thing.lemma_ in KIN:
        return True  # "we're friends": with whom is not told
    if thing.lemma_.lower() in _FLATTERY and not any(child.dep_ == "compound" for child in thing.children):
        return True
    praised = any(child.lower_ in _PRAISE for child in thing.children)
    if thing.pos_ == "PROPN" and thing.ent_type_ == "":
        return not is_role(thing.lemma_.lower())
    return praised or (_pronoun(sheet, one.subject, SECOND) and not is_role(thing.lemma_.lower()))


def _is_about_talk(verb: Token) -> bool:
    """ "tell you about it", "let you know", "pass it on", "make a difference"."""
    words = list(verb.subtree)
    if any(token.lower_ in SECOND for token in words):
        return True
    if any(token.ent_type_ and token.pos_ == "PROPN" for token in words):
        return False
    objects = [token for token in words if token.dep_ == "dobj"]
    vague = any(token.pos_ == "PRON" or token.lemma_ in LIGHT_NOUNS for token in objects)
    pointing = any(token.lower_ in {"it", "that", "this", "them"} and token.pos_ == "PRON" for token in words)
    return vague or pointing or verb.lemma_ in _TALKING


def _points(thing: Token) -> bool:
    """ "love that picture", "like your idea", "have such a great family": of the moment, or of the other."""
    return any(
        child.lower_ in {"that", "this", "these", "those", "such"} or child.lower_ in SECOND for child in thing.children
    )


def _is_certain(one: Statement) -> bool:
    """Whether an object of a verb without a relation of its own is a certain thing: named more closely, or dated."""
    thing = one.thing
    if one.anchor.lemma_ in _DOINGS or one.anchor.lemma_ in KIN or thing is None:
        return True
    closer = {"compound", "nummod", "nmod"}
    if any(child.dep_ in closer or (child.dep_ == "amod" and child.lower_ not in _PRAISE) for child in thing.children):
        return True
    return any(child.ent_type_ == "DATE" for child in one.anchor.subtree)
