"""Paths under `/api/v1/`, with and without a slash at the end."""

from __future__ import annotations

from memories.api.base import routes
from memories.api.views.changes import ChangeViewSet
from memories.api.views.documents import ArticleViewSet, FileViewSet
from memories.api.views.feeds import FeedImportViewSet, FeedViewSet
from memories.api.views.graph import CommunityViewSet, EntityViewSet, FactViewSet
from memories.api.views.keys import KeyViewSet
from memories.api.views.media import MediaViewSet
from memories.api.views.memories import ImportViewSet, MemoryViewSet
from memories.api.views.projects import MemberViewSet, ProjectViewSet
from memories.api.views.reviews import MergeViewSet, ReviewViewSet
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
    *routes("memories/<uuid:pk>/media", MediaViewSet, "api-memory-media", get="retrieve"),
    *routes("articles", ArticleViewSet, "api-articles", post="create"),
    *routes("files", FileViewSet, "api-files", post="create"),
    *routes("feeds", FeedViewSet, "api-feeds", get="list", post="create"),
    *routes("feeds/import", FeedImportViewSet, "api-feeds-import", post="create"),
    *routes("feeds/<uuid:pk>", FeedViewSet, "api-feed", get="retrieve", patch="partial_update", delete="destroy"),
    *routes("feeds/<uuid:pk>/fetch", FeedViewSet, "api-feed-fetch", post="fetch"),
    *routes("entities", EntityViewSet, "api-entities", get="list"),
    *routes("entities/<uuid:pk>", EntityViewSet, "api-entity", get="retrieve", patch="partial_update"),
    *routes("entities/<uuid:pk>/merge", MergeViewSet, "api-entity-merge", post="create"),
    *routes("merges", MergeViewSet, "api-merges", get="list"),
    *routes("merges/<uuid:pk>", MergeViewSet, "api-merge", get="retrieve"),
    *routes("merges/<uuid:pk>/undo", MergeViewSet, "api-merge-undo", post="undo"),
    *routes("reviews", ReviewViewSet, "api-reviews", get="list"),
    *routes("reviews/<uuid:pk>", ReviewViewSet, "api-review", get="retrieve"),
    *routes("reviews/<uuid:pk>/accept", ReviewViewSet, "api-review-accept", post="accept"),
    *routes("reviews/<uuid:pk>/reject", ReviewViewSet, "api-review-reject", post="reject"),
    *routes("reviews/<uuid:pk>/undo", ReviewViewSet, "api-review-undo", post="undo"),
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
