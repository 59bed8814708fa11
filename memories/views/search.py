"""The search page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from memories.forms import SearchForm
from memories.models import Memory, Project
from memories.views.base import Place, draw, project_page

if TYPE_CHECKING:
    from memories.search import SearchAnswer, SearchResult

LIMIT = 20


@dataclass(frozen=True, slots=True)
class Found:
    """A result with the title of the memory it lies in."""

    result: SearchResult
    title: str


@require_GET
@project_page()
def search_page(request: HttpRequest, place: Place) -> HttpResponse:
    """A form whose answer stands in its URL."""
    form = SearchForm(request.GET or None)
    answer = _ask(place.project, form) if form.is_valid() and form.cleaned_data["q"] else None
    status = 400 if form.errors else 200
    found = _with_titles(place.project, answer.results) if answer else []
    return draw(request, place, "memories/search.html", "search", form=form, answer=answer, found=found, status=status)


def _ask(project: Project, form: SearchForm) -> SearchAnswer:
    from memories.search import KINDS, SearchQuery, search  # loads the embedding model's libraries

    data = form.cleaned_data
    day = data["as_of"]
    query = SearchQuery(
        query=data["q"],
        limit=LIMIT,
        kinds=data["kind"] or KINDS,
        as_of=datetime.combine(day, time.max, tzinfo=UTC) if day else None,
    )
    return search(project, query)


def _with_titles(project: Project, results: list[SearchResult]) -> list[Found]:
    ids = {result.memory_id for result in results if result.memory_id}
    titles = dict(Memory.objects.filter(project=project, pk__in=ids).values_list("pk", "title"))
    return [Found(result, titles.get(result.memory_id, "") if result.memory_id else "") for result in results]
