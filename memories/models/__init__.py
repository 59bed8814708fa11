"""The domain: projects, memories and the graph that grows out of them.

Every row belongs to one project, directly or through its parent. Entities, facts and communities are written by
`memories.graph` alone.
"""

from memories.models.base import UUIDModel
from memories.models.communities import Community, CommunityMembership
from memories.models.erasure import Erasure
from memories.models.graph import Entity, EntityAlias, Fact, FactBelief, FactDecision, FactSupport, Mention
from memories.models.imports import Import, ImportPart, RejectedLine
from memories.models.projects import ApiKey, IdempotencyKey, Membership, Project
from memories.models.saved import Memory, MemoryTag, Passage
from memories.models.schema import BUILT_IN_ENTITY_TYPES, EntityType, RelationType, SchemaType, TypeWords
from memories.models.search import SearchDocument

__all__ = [
    "BUILT_IN_ENTITY_TYPES",
    "ApiKey",
    "Community",
    "CommunityMembership",
    "Entity",
    "EntityAlias",
    "EntityType",
    "Erasure",
    "Fact",
    "FactBelief",
    "FactDecision",
    "FactSupport",
    "IdempotencyKey",
    "Import",
    "ImportPart",
    "Membership",
    "Memory",
    "MemoryTag",
    "Mention",
    "Passage",
    "Project",
    "RejectedLine",
    "RelationType",
    "SchemaType",
    "SearchDocument",
    "TypeWords",
    "UUIDModel",
]
