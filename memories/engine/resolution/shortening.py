"""Which names a name may shorten, without comparing it with all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from memories.engine.resolution.folding import acronym, bare_words, core
from memories.engine.resolution.nicknames import full_names

T = TypeVar("T")
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Form:
    """A name, its folded key, whether a person is called so (people's names shorten other than those of firms), and
    whether it is somebody else of that name."""

    name: str
    key: str
    person: bool
    other: bool = False

    @property
    def places(self) -> Iterable[Place]:
        """Under what a shorter name looks for this one: a person's words, the bare form and the acronym of others."""
        if self.person:
            return {("word", word) for word in self.key.split()}
        return ("core", core(self.key)), ("acronym", acronym(self.name))

    @property
    def longer(self) -> Iterable[list[Place]]:
        """For each way to shorten a name, places of which every name that this one shortens so has all."""
        if self.person:
            return _words(bare_words(self.key)), _words(_in_full(self.key))
        return [("core", self.key)], [("acronym", self.name.replace(".", ""))]


def _in_full(key: str) -> list[str]:
    """The words of a name of several that its long form has too: the last, and those that are no short forms."""
    *first, last = key.split() or [""]
    bare = [word.rstrip(".") for word in first]
    return [last, *(word for word in bare if len(word) > 1 and not full_names(word))] if first else []


def _words(words: Iterable[str]) -> list[Place]:
    return [("word", word) for word in words]


class Index(Generic[T]):
    """Things by the names they go by at the moment."""

    def __init__(self) -> None:
        self._things: dict[int, T] = {}
        self._forms: dict[int, Form] = {}
        self._places: dict[Place, dict[int, T]] = {}

    def add(self, thing: T, form: Form) -> None:
        self._things[id(thing)], self._forms[id(thing)] = thing, form
        for place in form.places:
            self._places.setdefault(place, {})[id(thing)] = thing

    def drop(self, thing: T) -> None:
        del self._things[id(thing)]
        for place in self._forms.pop(id(thing)).places:
            del self._places[place][id(thing)]

    def form(self, thing: T) -> Form:
        return self._forms[id(thing)]

    def candidates(self, thing: T) -> list[T]:
        """All whose name the thing's may shorten, and some others, itself perhaps."""
        found: dict[int, T] = {}
        for places in self._forms[id(thing)].longer:
            if places:
                there: list[dict[int, T]] = [self._places.get(place, {}) for place in places]
                fewest = min(there, key=len)
                found.update(fewest)
        return list(found.values())
