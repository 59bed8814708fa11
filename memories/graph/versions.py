"""The number that tells a writer that somebody else was faster."""

from __future__ import annotations

from django.db.models import F

from memories.models import Memory, Project


class StaleGraph(Exception):
    """The graph changed between reading and writing; read it again."""


def bump(project: Project, seen: int | None = None) -> None:
    """Counts a change of the graph; StaleGraph when it is no longer at version `seen`."""
    rows = Project.objects.filter(pk=project.pk)
    if seen is not None:
        rows = rows.filter(graph_version=seen)
    if not rows.update(graph_version=F("graph_version") + 1):
        raise StaleGraph


def current(project: Project) -> int:
    return Project.objects.values_list("graph_version", flat=True).get(pk=project.pk)


def next_generation(memory: Memory) -> int:
    """A number for this attempt's passages that no other attempt has."""
    Memory.objects.filter(pk=memory.pk).update(last_generation=F("last_generation") + 1)
    return Memory.objects.values_list("last_generation", flat=True).get(pk=memory.pk)


def next_community_generation(project: Project) -> int:
    """A number for this rebuild's communities that no other rebuild has."""
    Project.objects.filter(pk=project.pk).update(last_community_generation=F("last_community_generation") + 1)
    return Project.objects.values_list("last_community_generation", flat=True).get(pk=project.pk)
