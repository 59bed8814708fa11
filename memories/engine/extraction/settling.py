"""Types of names, settled by what the memory says of them.

The parser guesses a type from the name and the words around it, and guesses the same wrong thing each time it sees an
unusual name. A fact is other evidence: one works for an organization, lives in a place, and has a person for a sister.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from memories.engine.extraction.firstnames import is_first_name
from memories.engine.types import Reading

_KIN = ("married_to", "sibling_of", "parent_of", "child_of", "friend_of", "colleague_of", "boss_of", "divorced_from")
_SUBJECT = {**dict.fromkeys((*_KIN, "works_for", "lives_in", "born_in", "educated_at", "studies"), "person")}
_OBJECT = {
    **dict.fromkeys(_KIN, "person"),
    **dict.fromkeys(("works_for", "founded", "educated_at", "start_at"), "organization"),
    **dict.fromkeys(("lives_in", "born_in", "located_in", "come_from", "grew_up_in"), "location"),
}
_GUESSED = frozenset({"person", "organization", "location", "event", "group", "concept", "work", "product"})
_SURE = 0.7  # less confident facts are no evidence
_PARSER = 0.8  # what the parser's own guess weighs: one sure fact outweighs it, an unsure one does not


def settled(readings: Collection[Reading]) -> list[Reading]:
    """The readings of a whole memory, each name with the type that most speaks for; the same name, the same type."""
    return list(settling(readings))


def settling(readings: Collection[Reading]) -> Iterator[Reading]:
    """The same one by one, for a memory that is too long for a list. Goes through the readings three times."""
    guesses: dict[str, Counter[str]] = defaultdict(Counter)
    certain: set[str] = set()
    for reading in readings:
        for mention in reading.mentions:
            guesses[mention.name][mention.type] += 1
            if mention.kind == "pronoun" or mention.given:
                certain.add(mention.name)  # speakers, those whose sex agreed, and what the project lists
    types = {
        name: kind
        for name, votes in _evidence(readings).items()
        if name not in certain and (kind := _elected(name, guesses[name], votes)) is not None
    }
    for reading in readings:
        yield _retyped(reading, types)


def _evidence(readings: Iterable[Reading]) -> dict[str, dict[str, float]]:
    """For each name the confidence of the facts that speak for a type."""
    votes: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for reading in readings:
        for fact in reading.facts:
            if fact.confidence < _SURE:
                continue
            for place, table in ((fact.subject, _SUBJECT), (fact.object, _OBJECT)):
                kind = table.get(fact.predicate)
                if place is not None and kind is not None:
                    votes[reading.mentions[place].name][kind] += fact.confidence
    return votes


def _elected(name: str, guesses: Counter[str], votes: Mapping[str, float]) -> str | None:
    """The type that evidence gives the name; None where the guess stands. People by their first name stay people."""
    guess = min(guesses, key=lambda kind: (-guesses[kind], kind))
    best = min(votes, key=lambda kind: (-votes[kind], kind))
    first, _, rest = name.partition(" ")
    if best == guess or guess not in _GUESSED or (guess == "person" and rest and is_first_name(first)):
        return None
    return best if votes[best] > _PARSER + votes.get(guess, 0.0) else None


def _retyped(reading: Reading, types: Mapping[str, str]) -> Reading:
    if not any(types.get(mention.name, mention.type) != mention.type for mention in reading.mentions):
        return reading
    mentions = tuple(replace(mention, type=types.get(mention.name, mention.type)) for mention in reading.mentions)
    return replace(reading, mentions=mentions)
