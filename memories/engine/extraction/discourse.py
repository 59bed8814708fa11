"""Who "she", "it" and "the company" are: simple rules with agreement, which leave out what is not clear."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memories.engine.extraction.firstnames import Gender, gender_of

if TYPE_CHECKING:
    from spacy.tokens import Token

REACH = 3  # sentences that a pronoun looks back
NOUN_REACH = 8  # sentences that "the company" looks back
# "we" is taken for the speaker, who is one of them.
FIRST = frozenset({"i", "me", "my", "mine", "myself", "we", "us", "our", "ours", "ourselves"})
SECOND = frozenset({"you", "your", "yours", "yourself"})
OWNED = frozenset({"mine", "ours", "yours", "hers", "theirs"})  # something of theirs, but in "a friend of mine"
_PERSONAL: dict[str, Gender] = {
    "he": "m", "him": "m", "his": "m", "himself": "m", "she": "f", "her": "f", "hers": "f", "herself": "f",
}  # fmt: skip
_THING = frozenset({"it", "its", "itself"})
_GROUP = frozenset({"they", "them", "their", "themselves"})
_NOUN_TYPES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(["company", "firm", "organization", "organisation", "corporation", "startup", "agency",
    "charity", "party"], ("organization",)), **dict.fromkeys(["university", "school", "college", "institute",
    "newspaper", "magazine", "bank", "club"], ("organization",)), **dict.fromkeys(["band", "group", "team",
    "orchestra"], ("organization",)), **dict.fromkeys(["city", "town", "village", "country", "state",
    "island", "river", "lake", "region", "province", "county"], ("location",)), **dict.fromkeys(["film", "movie",
    "album", "song", "book", "novel", "series", "play", "poem", "game", "show", "episode"], ("work", "product",
    "concept")), **dict.fromkeys(["war", "festival", "battle", "tournament", "conference", "championship",
    "race"], ("event",)),
}  # fmt: skip


@dataclass(slots=True)
class _Seen:
    name: str
    type: str
    gender: Gender | None
    sentence: int
    subject: bool


class Discourse:
    """What has been talked of in one memory so far. `people` are a conversation's speakers, whom "she" does not
    mean."""

    def __init__(self, people: Iterable[str] = ()) -> None:
        self._speakers = frozenset(people)
        self._seen: dict[str, _Seen] = {}
        self._lately: dict[str, _Seen] = {}  # those of the last sentences that anything looks back at, and some more
        self._people: dict[str, dict[str, _Seen]] = defaultdict(dict)  # by each word of their names
        self._sentence = 0

    def state(self) -> dict[str, Any]:
        """All that was heard, as JSON values."""
        seen = [(one.name, one.type, one.gender, one.sentence, one.subject) for one in self._seen.values()]
        return {"sentence": self._sentence, "seen": seen}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._sentence = state["sentence"]
        for seen in state["seen"]:
            self._add(_Seen(*seen))

    def next_sentence(self) -> None:
        self._sentence += 1

    def note(self, name: str, kind: str, token: Token) -> None:
        """A name was said; `token` is the head of its words."""
        subject = _is_subject(token)
        known = self._same(name, kind)
        if known:
            known.subject = subject or (known.subject and known.sentence == self._sentence)
            known.sentence = self._sentence
            self._lately[known.name] = known
        else:
            self._add(_Seen(name, kind, gender_of(name), self._sentence, subject))

    def _add(self, seen: _Seen) -> None:
        self._seen[seen.name] = self._lately[seen.name] = seen
        if seen.type == "person":
            for word in seen.name.split():
                self._people[word][seen.name] = seen

    def _same(self, name: str, kind: str) -> _Seen | None:
        """Who was called so before: by this name, or a person by one that has all its words."""
        words = name.split()
        if name in self._seen or kind != "person" or not words:
            return self._seen.get(name)
        fewest = min((self._people.get(word, {}) for word in words), key=len)
        alike = (seen for seen in fewest.values() if set(words) <= set(seen.name.split()))
        first, second = next(alike, None), next(alike, None)
        return first if second is None else None

    def resolve(self, token: Token) -> tuple[str, str] | None:
        """Name and type that a third person pronoun or a definite noun stands for, or None."""
        word = token.lower_
        if word in _PERSONAL:
            seen = self._person(_PERSONAL[word])
        elif word in _THING:
            seen = self._thing(token, {"organization", "group", "location", "work", "product", "technology", "event"})
        elif word in _GROUP:
            seen = self._thing(token, {"organization"})
        else:
            seen = self._noun(token)
        if seen is None:
            return None
        seen.sentence = self._sentence
        self._lately[seen.name] = seen
        seen.subject = seen.subject or token.dep_ in {"nsubj", "nsubjpass"}
        return seen.name, seen.type

    def _recent(self, reach: int) -> Iterator[_Seen]:
        for name in [name for name, seen in self._lately.items() if self._sentence - seen.sentence > NOUN_REACH]:
            del self._lately[name]
        return (seen for seen in self._lately.values() if self._sentence - seen.sentence <= reach)

    def _person(self, gender: Gender) -> _Seen | None:
        people = [seen for seen in self._recent(REACH) if seen.type == "person" and seen.name not in self._speakers]
        agreeing = [seen for seen in people if seen.gender in {gender, None}]
        certain = [seen for seen in agreeing if seen.gender == gender]
        found = _only(agreeing) or _only(certain) or _only(_latest_subjects(certain or agreeing))
        if found and found.gender is None:
            found.gender = gender
        return found

    def _thing(self, token: Token, types: set[str]) -> _Seen | None:
        if token.dep_ == "expl" or _is_impersonal(token):
            return None
        things = [seen for seen in self._recent(1) if seen.type in types and seen.name not in self._speakers]
        return _only([seen for seen in things if seen.subject])

    def _noun(self, token: Token) -> _Seen | None:
        types = _NOUN_TYPES.get(token.lower_)
        modifiers = [child.lower_ for child in token.lefts if child.dep_ not in {"punct", "case"}]
        if types is None or modifiers not in (["the"], ["this"]):
            return None
        things = [seen for seen in self._recent(NOUN_REACH) if seen.type in types and not seen.name.islower()]
        called = [seen for seen in things if token.lower_ in seen.name.lower().split()]
        return _only(called) or _only(things) or _only(_latest_subjects(things))


def is_something_of(token: Token) -> bool:
    """ "Mine is blue": not the speaker but what is his; "a friend of mine" is a friend of the speaker."""
    return token.lower_ in OWNED and token.dep_ != "pobj"


def _is_subject(token: Token) -> bool:
    while token.dep_ == "conj" and token.head.i != token.i:
        token = token.head
    return token.dep_ in {"nsubj", "nsubjpass"}


def _only(seen: list[_Seen]) -> _Seen | None:
    return seen[0] if len(seen) == 1 else None


def _latest_subjects(seen: list[_Seen]) -> list[_Seen]:
    """The subjects of the latest sentence that had any."""
    subjects = [one for one in seen if one.subject]
    latest = max((one.sentence for one in subjects), default=0)
    return [one for one in subjects if one.sentence == latest]


def _is_impersonal(token: Token) -> bool:
    """ "it rains", "it is nice to", "it seems that": nothing is meant."""
    head = token.head
    if token.dep_ == "dobj" or head.lemma_ in {"rain", "snow", "seem", "appear", "take", "mean", "sound", "feel"}:
        return True
    adjective = any(child.dep_ == "acomp" for child in head.children)
    return head.lemma_ == "be" and (adjective or any(child.dep_ in {"ccomp", "advcl"} for child in head.children))
