"""What a project's relation types say of time and direction; nothing else says it of a fact."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from memories.engine.temporal import kind_of
from memories.models import Fact, Project, RelationType


@dataclass(frozen=True, slots=True)
class Relations:
    """What the project's relation types say of time: `functional` have one object at a time, `symmetric` hold in both
    directions."""

    functional: frozenset[str]
    symmetric: frozenset[str]

    def is_whole(self, predicate: str) -> bool:
        """Whether the things of a slot depend on each other, so that all of them are read."""
        return kind_of(predicate, self.functional) != "many"

    def is_pair(self, fact: Fact) -> bool:
        """Whether the fact says the same of both its ends."""
        return fact.predicate in self.symmetric and fact.object_id is not None


def relations_of(project: Project) -> Relations:
    marked = RelationType.objects.filter(Q(functional=True) | Q(symmetric=True), project=project)
    rows = list(marked.values_list("name", "functional", "symmetric"))
    return Relations(
        frozenset(name for name, functional, _ in rows if functional),
        frozenset(name for name, _, symmetric in rows if symmetric),
    )
