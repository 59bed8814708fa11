"""What search looks up of facts."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from memories.graph import bulk
from memories.graph.slots import chunks
from memories.models import Fact, Project, SearchDocument


def index_facts(project: Project, facts: Collection[UUID]) -> None:
    """Writes the search documents of the facts, or writes them anew."""
    for chunk in chunks(sorted(facts)):
        rows = {fact.pk: fact for fact in Fact.objects.filter(pk__in=chunk).select_related("subject", "object")}
        there = list(SearchDocument.objects.filter(fact__in=rows))
        for document in there:
            document.text = fact_text(rows[document.fact_id])  # type: ignore[index]
        bulk.update(there, ["text"])
        known = {document.fact_id for document in there}
        new = (fact for pk, fact in rows.items() if pk not in known)
        texts = ((project.pk, "fact", fact.pk, fact_text(fact)) for fact in new)
        bulk.insert(SearchDocument, ("project_id", "kind", "fact_id", "text"), texts)


def fact_text(fact: Fact) -> str:
    """The words a fact is found by: its two ends, its relation, and its sentence."""
    end = fact.object.name if fact.object else fact.value or ""
    return words(fact.subject.name, fact.predicate, end, fact.sentence)


def words(subject: str, predicate: str, end: str, sentence: str) -> str:
    return " ".join((subject, predicate.replace("_", " "), end, sentence))
