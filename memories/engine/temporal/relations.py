"""What a relation says about time: whether its objects come one after the other, and which of them contradict.

`one at a time` (functional): a person lives in one place, works for one employer, is married to one person. A newer
one closes the older. Two jobs at a time do occur; the newer one closes the older all the same, because a change of job
is told far more often than a second one, and whoever knows better restores the fact. Titles (`role`) and memberships
come in numbers, so they are not. `once`: a birth does not change, so two of them are a mistake and nothing is closed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from memories.engine.temporal.countries import level

Thing: TypeAlias = tuple[str, str]  # ("entity", id) or ("value", folded text)
Verdict = Literal["same", "other", "unsure"]
Kind = Literal["many", "one", "once"]

ANYBODY = ":*"  # after a relation that is over: with whomever it was
ONCE = frozenset({"born_in", "born_at", "died_in", "died_at", "founded_at"})
PLACED = frozenset({"lives_in", "born_in", "died_in"})
WITHIN = frozenset({"located_in", "part_of"})


@dataclass(frozen=True, slots=True)
class Rule:
    """How the statements of a slot (a subject and a predicate) stand to each other.

    `names` are the names of things; `within` says which thing lies in which others. A city and its country do not
    contradict; a city and a country of which it is not known whether it lies there may.
    """

    kind: Kind = "many"
    places: bool = False
    names: Mapping[Thing, str] = field(default_factory=dict)
    within: Mapping[Thing, Set[Thing]] = field(default_factory=dict)

    def compare(self, one: Thing, other: Thing) -> Verdict:
        """Whether two things of the slot can't be at one time."""
        if one == other or one[0] != other[0]:
            return "same"  # a name and a description: "lives in Berlin", "lives in a flat"
        if one[0] == "value":
            return "same" if self.places or _is_part(one[1], other[1]) else "other"
        if other in self.within.get(one, ()) or one in self.within.get(other, ()):
            return "same"
        if self.places and level(self.names.get(one, "")) != level(self.names.get(other, "")):
            return "unsure"
        return "other"


def kind_of(predicate: str, functional: Collection[str]) -> Kind:
    """`functional` are the relation types that the project marks so."""
    if predicate in ONCE:
        return "once"
    return "one" if predicate in functional else "many"


def _is_part(one: str, other: str) -> bool:
    """ "1990" and "5 May 1990" say the same."""
    few, many = sorted((set(one.split()), set(other.split())), key=len)
    return few <= many
