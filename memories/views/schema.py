"""A project's types: what is read from its memories, by which patterns and words, and what was learned."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from memories.forms_schema import (
    MOST_SHOWN,
    EntityTypeForm,
    RelationTypeForm,
    add_errors,
    entity_initial,
    relation_initial,
)
from memories.models import EntityType, RelationType, SchemaType
from memories.schema import queries, services, trying
from memories.views.base import Place, Role, draw, paginate, project_page

State, Origin = SchemaType.State, SchemaType.Origin
FROM_NOW_ON = (
    "It applies to what is read from now on. Memories that are there keep what was read from them; "
    "“Read it again” on a memory's page brings it up to this."
)


@require_GET
@project_page()
def schema(request: HttpRequest, place: Place) -> HttpResponse:
    """Entity types, what waits for a decision, and relations by where they come from, most used first."""
    relations = queries.most_used(queries.relation_types(place.project))
    accepted = list(relations.filter(state=State.ACCEPTED))
    return draw(
        request,
        place,
        "memories/schema.html",
        "schema",
        entity_types=queries.most_used(queries.entity_types(place.project)),
        page=paginate(request, relations.filter(state=State.PROPOSED), 25),
        own=[row for row in accepted if row.origin != Origin.BUILT_IN],
        built_in=[row for row in accepted if row.origin == Origin.BUILT_IN],
        rejected=relations.filter(state=State.REJECTED),
    )


@require_http_methods(["GET", "POST"])
@project_page(see=Role.EDITOR)
def entity_type_new(request: HttpRequest, place: Place) -> HttpResponse:
    form = EntityTypeForm(None, request.POST or None)

    def save() -> EntityType:
        return services.create_entity_type(place.project, form.values())

    return _entity_form(request, place, form, None, save)


@require_http_methods(["GET", "POST"])
@project_page(see=Role.EDITOR)
def entity_type_edit(request: HttpRequest, place: Place, type_id: UUID) -> HttpResponse:
    row = get_object_or_404(queries.entity_types(place.project), pk=type_id)
    shows = row.word_count <= MOST_SHOWN  # type: ignore[attr-defined]  # annotated
    initial = entity_initial(row, queries.words(row) if shows else [])
    form = EntityTypeForm(row, request.POST or None, initial=initial, shows_words=shows)

    def save() -> EntityType:
        return services.update_entity_type(row, form.values())

    return _entity_form(request, place, form, row, save)


def _entity_form(
    request: HttpRequest, place: Place, form: EntityTypeForm, row: EntityType | None, save: Callable[[], EntityType]
) -> HttpResponse:
    """Draws the form, saves what was posted, or only tries it on the sample text."""
    trying_out = "try" in request.POST
    if not trying_out and _saved(request, form, save):
        return redirect("schema", place.project.pk)
    spans = None
    if trying_out:
        form.is_valid()
        data = form.cleaned_data
        words = data.get("words", []) if row is None or "words" in form.fields else queries.words(row)
        spans = trying.found(data.get("pattern", ""), words, data.get("sample", ""))
    context = {"form": form, "row": row, "spans": spans, "sample": form.data.get("sample", "") if trying_out else ""}
    status = 400 if form.errors else 200
    return draw(request, place, "memories/entity_type.html", "schema", status=status, **context)


@require_http_methods(["GET", "POST"])
@project_page(see=Role.EDITOR)
def relation_type_new(request: HttpRequest, place: Place) -> HttpResponse:
    form = RelationTypeForm(None, queries.type_names(place.project), request.POST or None)
    return _relation_form(
        request, place, form, None, lambda: services.create_relation_type(place.project, form.values())
    )


@require_http_methods(["GET", "POST"])
@project_page(see=Role.EDITOR)
def relation_type_edit(request: HttpRequest, place: Place, type_id: UUID) -> HttpResponse:
    row = get_object_or_404(queries.relation_types(place.project), pk=type_id)
    types = queries.type_names(place.project)
    form = RelationTypeForm(row, types, request.POST or None, initial=relation_initial(row))
    return _relation_form(request, place, form, row, lambda: services.update_relation_type(row, form.values()))


def _relation_form(
    request: HttpRequest,
    place: Place,
    form: RelationTypeForm,
    row: RelationType | None,
    save: Callable[[], RelationType],
) -> HttpResponse:
    if _saved(request, form, save):
        return redirect("schema", place.project.pk)
    status = 400 if form.errors else 200
    return draw(request, place, "memories/relation_type.html", "schema", form=form, row=row, status=status)


def _saved(request: HttpRequest, form: forms.Form, save: Callable[[], SchemaType]) -> bool:
    """Whether what was posted is saved; what stands in the way is said at the form's fields."""
    if request.method != "POST" or not form.is_valid():
        return False
    try:
        row = save()
    except ValidationError as error:
        add_errors(form, error)
        return False
    messages.success(request, f"The type {row.shown} is saved. {FROM_NOW_ON}")
    return True


@require_POST
@project_page()
def entity_type_delete(request: HttpRequest, place: Place, type_id: UUID) -> HttpResponse:
    row = get_object_or_404(EntityType, pk=type_id, project=place.project)
    return _deleted(request, place, row, lambda: services.delete_entity_type(row))


@require_POST
@project_page()
def relation_type_delete(request: HttpRequest, place: Place, type_id: UUID) -> HttpResponse:
    row = get_object_or_404(RelationType, pk=type_id, project=place.project)
    return _deleted(request, place, row, lambda: services.delete_relation_type(row))


def _deleted(request: HttpRequest, place: Place, row: SchemaType, delete: Callable[[], None]) -> HttpResponse:
    try:
        delete()
    except services.TypeInUse as conflict:
        messages.error(request, str(conflict))
    else:
        messages.success(request, f"The type {row.shown} is deleted.")
    return redirect("schema", place.project.pk)


@require_POST
@project_page()
def relation_type_decide(request: HttpRequest, place: Place, type_id: UUID) -> HttpResponse:
    """Accepts or rejects a relation that was learned; `decision` says which."""
    row = get_object_or_404(RelationType, pk=type_id, project=place.project)
    decide = {"accept": services.accept, "reject": services.reject}.get(request.POST.get("decision", ""))
    if decide is None:
        raise BadRequest("There is no such decision.")
    try:
        decide(row)
    except services.TypeInUse as conflict:
        messages.error(request, str(conflict))
    else:
        said = "is part of the schema now" if row.state == State.ACCEPTED else "is not read from memories any more"
        messages.success(request, f"{row.shown} {said}.")
    return redirect("schema", place.project.pk)
