"""The pages' paths, with and without a trailing slash; links are written without."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth import views as auth
from django.http import HttpResponseBase
from django.urls import URLPattern, path, register_converter
from django.urls.converters import StringConverter

from memories.views import facts, graph, importing, memory, projects, reviews, search


class DecisionConverter(StringConverter):
    regex = "|".join(reviews.DECISIONS)


register_converter(DecisionConverter, "decision")


def both(route: str, view: Callable[..., HttpResponseBase], name: str) -> list[URLPattern]:
    return [path(route, view, name=name), path(f"{route}/", view)]


def in_project(route: str, view: Callable[..., HttpResponseBase], name: str) -> list[URLPattern]:
    return both(f"project/<uuid:project_id>/{route}", view, name)


urlpatterns = [
    path("", projects.projects, name="projects"),
    *both("login", auth.LoginView.as_view(redirect_authenticated_user=True), "login"),
    *both("logout", auth.LogoutView.as_view(), "logout"),
    path("project/<uuid:project_id>/", projects.overview, name="project"),
    path("project/<uuid:project_id>", projects.overview),
    *in_project("memories", memory.memory_list, "memories"),
    *in_project("memories/new", memory.memory_new, "memory-new"),
    *in_project("memories/<uuid:memory_id>", memory.memory_detail, "memory"),
    *in_project("memories/<uuid:memory_id>/edit", memory.memory_edit, "memory-edit"),
    *in_project("memories/<uuid:memory_id>/reprocess", memory.memory_reprocess, "memory-reprocess"),
    *in_project("memories/<uuid:memory_id>/delete", memory.memory_delete, "memory-delete"),
    *in_project("import", importing.import_new, "import-new"),
    *in_project("import/<uuid:import_id>", importing.import_detail, "import"),
    *in_project("import/<uuid:import_id>/rejected.csv", importing.rejected_csv, "import-rejected"),
    *in_project("search", search.search_page, "search"),
    *in_project("entities", graph.entity_list, "entities"),
    *in_project("entities/<uuid:entity_id>", graph.entity_detail, "entity"),
    *in_project("entities/<uuid:entity_id>/merge", reviews.entity_merge, "entity-merge"),
    *in_project("entities/<uuid:entity_id>/edit", reviews.entity_edit, "entity-edit"),
    *in_project("merges/<uuid:merge_id>/undo", reviews.merge_undo, "merge-undo"),
    *in_project("reviews", reviews.review_list, "reviews"),
    *in_project("reviews/<uuid:review_id>/<decision:decision>", reviews.review_decide, "review-decide"),
    *in_project("facts/<uuid:fact_id>/invalidate", facts.fact_invalidate, "fact-invalidate"),
    *in_project("facts/<uuid:fact_id>/restore", facts.fact_restore, "fact-restore"),
    *in_project("changes", facts.change_list, "changes"),
    *in_project("communities", graph.community_list, "communities"),
    *in_project("communities/rebuild", graph.community_rebuild, "community-rebuild"),
    *in_project("communities/<uuid:community_id>", graph.community_detail, "community"),
    *in_project("settings", projects.settings, "settings"),
    *in_project("settings/members", projects.member_add, "member-add"),
    *in_project("settings/members/<int:user_id>", projects.member_change, "member-change"),
    *in_project("settings/delete", projects.project_delete, "project-delete"),
    *in_project("settings/keys", projects.key_create, "key-create"),
    *in_project("settings/keys/<uuid:key_id>/revoke", projects.key_revoke, "key-revoke"),
]
