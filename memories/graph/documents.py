"""What search looks up of facts."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from memories.graph.slots import chunks
from memories.models import Fact, Project, SearchDocument


def index_facts(project: Project, facts: Collection[UUID]) -> None:
    """Writes the search documents of the facts, or writes them anew."""
    for chunk in chunks(sorted(facts)):
        rows = {fact.pk: fact for fact in Fact.objects.filter(pk__in=chunk).select_related("subject", "object")}
        there = list(SearchDocument.objects.filter(fact__in=rows))
        for document in there:
            document.text = fact_text(rows[document.fact_id])  # type: ignore[index]
        SearchDocument.objects.bulk_update(there, ["text"], batch_size=100)
        known = {document.fact_id for document in there}
        SearchDocument.objects.bulk_create(
            [
                SearchDocument(project=project, kind="fact", fact=fact, text=fact_text(fact))
                for pk, fact in rows.items()
                if pk not in known
            ],
            batch_size=500,
        )


def fact_text(fact: Fact) -> str:
    """The words a fact is found by: its two ends, its relation, and its sentence."""
    end = fact.object.name if fact.object else fact.value or ""
    return " ".join((fact.subject.name, fact.predicate.replace("_", " "), end, fact.sentence))
