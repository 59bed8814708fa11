"""Paths under `/api/v1/`, with and without a slash at the end."""

from __future__ import annotations

from memories.api.base import routes
from memories.api.views.changes import ChangeViewSet
from memories.api.views.graph import CommunityViewSet, EntityViewSet, FactViewSet
from memories.api.views.keys import KeyViewSet
from memories.api.views.memories import ImportViewSet, MemoryViewSet
from memories.api.views.projects import MemberViewSet, ProjectViewSet
from memories.api.views.schema import EntityTypeViewSet, RelationTypeViewSet
from memories.api.views.search import SearchViewSet

ONE = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}

urlpatterns = [
    *routes("projects", ProjectViewSet, "api-projects", get="list", post="create"),
    *routes(
        "projects/<uuid:pk>", ProjectViewSet, "api-project", get="retrieve", patch="partial_update", delete="destroy"
    ),
    *routes("projects/<uuid:pk>/stats", ProjectViewSet, "api-project-stats", get="stats"),
    *routes("projects/<uuid:project_id>/members", MemberViewSet, "api-members", get="list", post="create"),
    *routes(
        "projects/<uuid:project_id>/members/<int:user_id>",
        MemberViewSet,
        "api-member",
        patch="partial_update",
        delete="destroy",
    ),
    *routes("memories", MemoryViewSet, "api-memories", get="list", post="create"),
    *routes("memories/import", ImportViewSet, "api-import", post="create"),
    *routes(
        "memories/<uuid:pk>", MemoryViewSet, "api-memory", get="retrieve", patch="partial_update", delete="destroy"
    ),
    *routes("memories/<uuid:pk>/reprocess", MemoryViewSet, "api-memory-reprocess", post="reprocess"),
    *routes("entities", EntityViewSet, "api-entities", get="list"),
    *routes("entities/<uuid:pk>", EntityViewSet, "api-entity", get="retrieve"),
    *routes("facts", FactViewSet, "api-facts", get="list"),
    *routes("facts/<uuid:pk>", FactViewSet, "api-fact", get="retrieve"),
    *routes("facts/<uuid:pk>/invalidate", FactViewSet, "api-fact-invalidate", post="invalidate"),
    *routes("facts/<uuid:pk>/restore", FactViewSet, "api-fact-restore", post="restore"),
    *routes("projects/<uuid:pk>/changes", ChangeViewSet, "api-changes", get="list"),
    *routes("communities", CommunityViewSet, "api-communities", get="list"),
    *routes("communities/rebuild", CommunityViewSet, "api-rebuild", post="rebuild"),
    *routes("communities/<uuid:pk>", CommunityViewSet, "api-community", get="retrieve"),
    *routes("communities/<uuid:pk>/members", CommunityViewSet, "api-community-members", get="members"),
    *routes("entity-types", EntityTypeViewSet, "api-entity-types", get="list", post="create"),
    *routes("entity-types/<uuid:pk>", EntityTypeViewSet, "api-entity-type", **ONE),
    *routes("relation-types", RelationTypeViewSet, "api-relation-types", get="list", post="create"),
    *routes("relation-types/<uuid:pk>", RelationTypeViewSet, "api-relation-type", **ONE),
    *routes("relation-types/<uuid:pk>/accept", RelationTypeViewSet, "api-relation-type-accept", post="accept"),
    *routes("relation-types/<uuid:pk>/reject", RelationTypeViewSet, "api-relation-type-reject", post="reject"),
    *routes("search", SearchViewSet, "api-search", post="create"),
    *routes("keys", KeyViewSet, "api-keys", get="list", post="create"),
    *routes("keys/<uuid:pk>", KeyViewSet, "api-key", get="retrieve", delete="destroy"),
]
