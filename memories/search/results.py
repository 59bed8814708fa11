"""Hits as results: what stands in the text, where, by whom, and when it held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from memories.engine.ranking import highlight
from memories.models import Community, Entity, Fact, Passage
from memories.queries import with_support
from memories.search.rank import Hit
from memories.search.values import Kind, SearchResult


def present(hits: Sequence[Hit], question: str) -> list[SearchResult]:
    """The results in the order of the hits; a row that was deleted meanwhile is left out."""
    rows = {
        kind: _LOAD[kind]([hit.document for hit in hits if hit.kind == kind]) for kind in {hit.kind for hit in hits}
    }
    found = []
    for hit in hits:
        row = rows[hit.kind].get(hit.document)
        if row is not None:
            fields = _FIELDS[hit.kind](row)
            marks = highlight(fields["text"], question)
            why = {**hit.why, **fields.pop("why", {})}
            found.append(
                SearchResult(kind=hit.kind, id=row.pk, score=round(hit.score, 6), highlight=marks, why=why, **fields)
            )
    return found


def _by_document(rows: Iterable[Any]) -> dict[int, Any]:
    return {row.search_document.pk: row for row in rows}


def _passages(documents: list[int]) -> dict[int, Any]:
    rows = Passage.objects.filter(search_document__in=documents).select_related("search_document", "memory")
    return _by_document(rows.only(*_PASSAGE, "memory__reference_time", "search_document__passage"))


def _facts(documents: list[int]) -> dict[int, Any]:
    rows = with_support(Fact.objects.filter(search_document__in=documents)).select_related(
        "subject", "object", "search_document"
    )
    return _by_document(
        rows.prefetch_related("support__passage").defer("search_document__text", "search_document__embedding")
    )


def _entities(documents: list[int]) -> dict[int, Any]:
    rows = Entity.objects.filter(search_document__in=documents).select_related("search_document")
    return _by_document(rows.defer("search_document__text", "search_document__embedding"))


def _communities(documents: list[int]) -> dict[int, Any]:
    rows = Community.objects.filter(search_document__in=documents).select_related("search_document")
    return _by_document(rows.defer("search_document__text", "search_document__embedding"))


_PASSAGE = ("message_id", "speaker", "at", "text", "start", "end", "memory_id")


def _of_passage(passage: Passage) -> dict[str, Any]:
    return {
        "text": passage.text,
        "memory_id": passage.memory_id,
        "message_id": passage.message_id or None,
        "speaker": passage.speaker or None,
        "at": passage.at or passage.memory.reference_time,
        "start": passage.start,
        "end": passage.end,
    }


def _of_fact(fact: Fact) -> dict[str, Any]:
    object_ = fact.object.name if fact.object else fact.value
    fields: dict[str, Any] = {
        "text": fact.sentence,
        "valid_at": fact.valid_at,
        "invalid_at": fact.invalid_at,
        "why": {"fact": [fact.subject.name, fact.predicate, object_], "polarity": fact.polarity},
    }
    support = list(fact.support.all())
    if support:
        first = support[0]
        fields |= {"memory_id": first.memory_id, "start": first.start, "end": first.end}
        fields |= {
            "message_id": first.passage.message_id or None,
            "speaker": first.passage.speaker or None,
            "at": first.passage.at,
        }
    return fields


def _of_entity(entity: Entity) -> dict[str, Any]:
    text = f"{entity.name}: {entity.summary}" if entity.summary else entity.name
    return {"text": text, "at": entity.last_seen_at, "why": {"type": entity.type, "mentions": entity.mention_count}}


def _of_community(community: Community) -> dict[str, Any]:
    sentences = [sentence["text"] for sentence in community.summary]
    text = "\n".join([community.name, *sentences])
    return {"text": text, "why": {"members": community.member_count}}


_LOAD: dict[Kind, Callable[[list[int]], dict[int, Any]]] = {
    "passage": _passages,
    "fact": _facts,
    "entity": _entities,
    "community": _communities,
}
_FIELDS: dict[Kind, Callable[[Any], dict[str, Any]]] = {
    "passage": _of_passage,
    "fact": _of_fact,
    "entity": _of_entity,
    "community": _of_community,
}
