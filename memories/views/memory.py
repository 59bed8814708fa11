"""Memories: list, save, read, change, delete."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from memories import queries, services
from memories.forms import MemoryEditForm, MemoryForm
from memories.models import Memory, MemoryTag
from memories.templatetags.pages import result_words
from memories.views.article import read_article
from memories.views.base import Place, Role, draw, member, paginate, project_page
from memories.views.reading import Reading, read
from tasks_app.models import Status
from tasks_app.services import TooManyPending


def _get(place: Place, memory_id: UUID) -> Memory:
    rows = Memory.objects.select_related("task", "created_by", "project").prefetch_related("memory_tags")
    return get_object_or_404(rows, pk=memory_id, project=place.project)


@require_GET
@project_page()
def memory_list(request: HttpRequest, place: Place) -> HttpResponse:
    filters = {name: request.GET.get(name, "").strip().replace("\x00", "") for name in ("q", "tag", "status")}
    rows = queries.memories(place.project, **filters)
    tags = MemoryTag.objects.filter(memory__project=place.project).order_by("name").values_list("name", flat=True)
    return draw(
        request,
        place,
        "memories/memory_list.html",
        "memories",
        page=paginate(request, rows),
        filters=filters,
        filtered=any(filters.values()),
        tags=tags.distinct()[:200],
        statuses=Status.values,
    )


@require_http_methods(["GET", "POST"])
@project_page(see=Role.EDITOR)
def memory_new(request: HttpRequest, place: Place) -> HttpResponse:
    """The form; after saving, the same page shows how far the memory is, by `?saved=<id>`."""
    form = MemoryForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            memory = services.create_memory(member(request), place.project, form.new_memory())
        except TooManyPending as full:
            messages.error(request, str(full))
            status = 429
        else:
            return redirect(f"{reverse('memory-new', args=[place.project.pk])}?saved={memory.pk}")
    saved = _saved(place, request.GET.get("saved", "")) if request.method == "GET" else None
    status = 400 if form.errors else status
    return draw(request, place, "memories/memory_new.html", "memories", form=form, saved=saved, status=status)


def _saved(place: Place, memory_id: str) -> Memory | None:
    try:
        return place.project.memories.select_related("task").filter(pk=memory_id).first() if memory_id else None
    except ValidationError:
        return None


@require_GET
@project_page()
def memory_detail(request: HttpRequest, place: Place, memory_id: UUID) -> HttpResponse:
    """The reading view; `?start=&end=` is a span to show, `?at=` where a long text goes on."""
    memory = _get(place, memory_id)
    detail = queries.memory_detail(memory)
    start, end, at = (_number(request.GET.get(name)) for name in ("start", "end", "at"))
    hit = (start, end) if start is not None and end is not None and start < end else None
    offset = start if start is not None else at
    return draw(
        request,
        place,
        "memories/memory_detail.html",
        "memories",
        memory=memory,
        detail=detail,
        document=detail.document,
        reading=_reading(memory, detail, offset or 0, hit),
        running=memory.task is not None and not memory.task.is_terminal,
    )


def _reading(memory: Memory, detail: queries.MemoryDetail, at: int, hit: tuple[int, int] | None) -> Reading:
    if detail.document is not None and detail.document.blocks and detail.passages:
        return read_article(memory, detail.document, detail, at, hit)
    return read(memory, detail, at, hit)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


@require_http_methods(["GET", "POST"])
@project_page(see=Role.EDITOR)
def memory_edit(request: HttpRequest, place: Place, memory_id: UUID) -> HttpResponse:
    memory = _get(place, memory_id)
    initial = {"title": memory.title, "tags": [tag.name for tag in memory.memory_tags.all()]}
    form = MemoryEditForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        services.update_memory(memory, form.cleaned_data)
        messages.success(request, "Title and tags are saved.")
        return redirect("memory", place.project.pk, memory.pk)
    status = 400 if form.errors else 200
    return draw(request, place, "memories/memory_edit.html", "memories", memory=memory, form=form, status=status)


@require_POST
@project_page()
def memory_reprocess(request: HttpRequest, place: Place, memory_id: UUID) -> HttpResponse:
    memory = _get(place, memory_id)
    try:
        services.reprocess_memory(memory)
    except TooManyPending as full:
        messages.error(request, str(full))
    return redirect("memory", place.project.pk, memory.pk)


@require_http_methods(["GET", "POST"])
@project_page(see=Role.EDITOR)
def memory_delete(request: HttpRequest, place: Place, memory_id: UUID) -> HttpResponse:
    """Says first what goes and what stays, then deletes."""
    memory = _get(place, memory_id)
    if request.method == "POST":
        receipt = services.delete_memory(memory)
        messages.success(request, f"The memory was deleted: {result_words(receipt)}.")
        return redirect("memories", place.project.pk)
    preview = services.deletion_preview(memory)
    return draw(request, place, "memories/memory_delete.html", "memories", memory=memory, preview=preview)
