"""Search: candidates by words and by vectors from the database, ranking from the engine."""

from memories.search.service import search
from memories.search.values import KINDS, MAX_LIMIT, Filters, SearchAnswer, SearchQuery, SearchResult

__all__ = ["KINDS", "MAX_LIMIT", "Filters", "SearchAnswer", "SearchQuery", "SearchResult", "search"]
