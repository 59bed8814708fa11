"""What is over by a statement: "left Acme" ends the work for Acme, "I'm single again" a marriage to whomever.

A denial ends what it denies only when it speaks of now: "doesn't work there", "no longer", "stopped". "Never worked
there" and "didn't work there" say nothing of an end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from memories.engine.extraction import grammar
from memories.engine.extraction.predicates import Relation
from memories.engine.extraction.sheet import Sheet, Statement, fact, value
from memories.engine.temporal.relations import ANYBODY

if TYPE_CHECKING:
    from spacy.tokens import Token

_SAME_WORDS = """
left: works_for works_in member_of lives_in signed_with leads affiliated_with studies
fired_from: works_for
laid_from: works_for
dismissed_from: works_for
sacked_from: works_for
lose_at: works_for
move_from: lives_in
move_of: lives_in
move_away_from: lives_in
give_up_in: lives_in
divorced_from: married_to partner_of
separated_from: married_to partner_of
separate_from: married_to partner_of
break_up_with: partner_of married_to
split_with: partner_of married_to
split_up_with: partner_of married_to
sell: owns has
donate: owns has
return: owns has
give_away: owns has
switch_from: uses
migrate_from: uses
drop: uses
ditch: uses
abandon: uses
uninstall: uses has
cancel_subscription: uses has
unsubscribe_from: uses has
"""
_SAME = {line.partition(":")[0]: line.partition(":")[2].split() for line in _SAME_WORDS.strip().splitlines()}
_LIFE = [
    "lives_in", "works_for", "works_in", "married_to", "partner_of", "member_of", "leads", "studies", "plays", "pet_of",
]  # fmt: skip
_OF_ALL = {"died_at": _LIFE, "died_in": _LIFE, "retired_at": ["works_for"], "retired_in": ["works_for"]}
_STATES = {
    **{key: ["married_to", "partner_of"] for key in ["single", "divorced", "widowed"]},
    **{key: ["works_for"] for key in ["unemployed", "jobless", "retired", "out of work", "between jobs"]},
    "dead": _LIFE,
}
_WORK = frozenset({"job", "work", "position", "post"})
_PARTINGS = {"divorce": "divorced_from", "separate": "separated_from", "split": "separated_from"}
_STOPPING = frozenset({"stop", "quit", "cease"})
_NOW = frozenset({"VBZ", "VBP"})


def ended(one: Statement, others: Iterable[Statement]) -> tuple[str, ...]:
    """The relations that are over by the statement, as in `FactDraft`; `others` are those of its sentence."""
    if one.polarity == "negated":
        return (one.predicate,) if _is_over(one.anchor) else ()
    if one.polarity != "affirmed" or one.formerly:
        return ()
    same = _SAME.get(one.predicate, [])
    return (*same, *(name + ANYBODY for name in _of_anybody(one, others)))


def partings(sheet: Sheet, verb: Token) -> Iterator[Statement]:
    """ "Anna and Tom got divorced", "moved away from Berlin"; "Rufus passed away" without a date."""
    actors = list(dict.fromkeys(index for token in grammar.subjects(verb)[0] for index in sheet.actors(token)))
    found = [*_parted(sheet, verb, actors), *_gone(sheet, verb, actors)]
    dated = any(token.ent_type_ in {"DATE", "TIME"} for token in verb.subtree)  # else there is a fact of the date
    if grammar.is_death(verb) and verb.tag_ != "VBG" and not dated:
        found += [one for actor in actors for one in value(actor, "is", "dead", verb)]
    yield from (replace(one, polarity=grammar.polarity(verb)) for one in found)


def _parted(sheet: Sheet, verb: Token, actors: list[int]) -> Iterator[Statement]:
    particle = grammar.particle(verb)
    name = "separated_from" if (verb.lemma_, particle) == ("break", "up") else _PARTINGS.get(verb.lemma_)
    if not name or any(child.dep_ == "dobj" for child in verb.children):
        return
    if len(actors) == 1 and verb.dep_ == "conj":  # "Tom and I split up": the parser takes Tom for all there is
        actors = [index for index in (sheet.entity(verb.head), *actors) if index is not None]
    if len(actors) == 2:
        yield fact(actors[0], Relation(name), actors[1], verb)


def _gone(sheet: Sheet, verb: Token, actors: list[int]) -> Iterator[Statement]:
    """The parser hangs "from Berlin" on "away"."""
    away = [child for child in verb.children if child.lower_ == "away" and verb.lemma_ == "move"]
    for preposition in (grand for child in away for grand in child.children if grand.lower_ == "from"):
        for _, place in grammar.prepositional(preposition):
            index = sheet.entity(place)
            if index is not None:
                yield from (fact(actor, Relation("move_away_from"), index, verb) for actor in actors)


def _of_anybody(one: Statement, others: Iterable[Statement]) -> list[str]:
    if one.predicate in _OF_ALL:
        return _OF_ALL[one.predicate]
    words = (one.value or "").casefold()
    if one.predicate == "is":
        return _STATES.get(words, [])
    if one.predicate in {"left", "lose"} and words.split()[-1:] and words.split()[-1] in _WORK:
        named = any(other.anchor.i == one.anchor.i and other.object is not None for other in others)
        return [] if named else ["works_for"]
    return []


def _is_over(verb: Token) -> bool:
    """Whether a denial speaks of now: what it denies was so, or may have been."""
    words = {child.lower_ for child in verb.children}
    if words & {"anymore", "longer"} or any(_is_any_more(child) for child in verb.children):
        return True
    if verb.dep_ == "xcomp" and verb.head.lemma_ in _STOPPING:
        return not grammar.negated(verb.head)
    if "never" in words:
        return False
    helpers = [child for child in verb.children if child.dep_ in {"aux", "auxpass"}]
    if any(child.lemma_ == "have" for child in helpers):
        return False
    return verb.tag_ in _NOW or any(child.tag_ in _NOW for child in helpers)


def _is_any_more(child: Token) -> bool:
    return child.lower_ == "more" and child.i > 0 and child.nbor(-1).lower_ == "any"
