"""Groups of entities that belong together: found, kept up, named."""

from memories.engine.communities.describing import distinctive_terms, name, pagerank, summarise
from memories.engine.communities.detection import detect
from memories.engine.communities.updating import match, place

__all__ = ["detect", "distinctive_terms", "match", "name", "pagerank", "place", "summarise"]
