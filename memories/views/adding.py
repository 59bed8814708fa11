"""New memories from addresses and from files: each line, each file is taken or refused on its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from memories import saving, uploads
from memories.engine.errors import EngineError
from memories.forms import TagsField
from memories.saving import Saved
from memories.views.base import Place, Role, draw, member, project_page
from tasks_app.services import StateConflict

MOST_ADDRESSES = 200


@dataclass(frozen=True, slots=True)
class Taken:
    """What was handed in, as the page names it, and what became of it: a memory, or why it was refused."""

    name: str
    saved: Saved | None = None
    error: str = ""


class AddressesForm(forms.Form):
    """Addresses, one a line."""

    addresses = forms.CharField(
        max_length=MOST_ADDRESSES * (saving.ADDRESS_LENGTH + 2),
        widget=forms.Textarea(
            attrs={"rows": 6, "spellcheck": "false", "placeholder": "https://example.org/article", "class": "addresses"}
        ),
        help_text="One a line: pages, PDF and Word files, recordings. What the project has already is not saved twice.",
    )
    tags = TagsField(required=False, max_length=2000, help_text="Parted by commas.")

    def clean_addresses(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["addresses"].splitlines() if line.strip()]
        if len(lines) > MOST_ADDRESSES:
            raise ValidationError(f"These are {len(lines):,} addresses; {MOST_ADDRESSES} may be saved at once.")
        return list(dict.fromkeys(lines))


class FilesForm(forms.Form):
    """What goes with files; the files themselves are taken one by one."""

    tags = TagsField(required=False, max_length=2000, help_text="Parted by commas.")


@require_http_methods(["GET", "POST"])
@project_page(see=Role.EDITOR)
def memory_addresses(request: HttpRequest, place: Place) -> HttpResponse:
    """The form; `?url=` fills it in, which the bookmarklet does. After a post, what became of each address."""
    form = AddressesForm(request.POST or None, initial={"addresses": request.GET.get("url", "")})
    if request.method != "POST" or not form.is_valid():
        return _draw(request, place, "addresses", form, status=400 if form.errors else 200)
    data = form.cleaned_data
    user, project = member(request).pk, place.project
    taken = [
        _take(url, lambda url=url: saving.save_article(user, project, url, data["tags"]))  # type: ignore[misc]
        for url in data["addresses"]
    ]
    refused = "\n".join(one.name for one in taken if not one.saved)
    again = AddressesForm(initial={"addresses": refused, "tags": data["tags"] if refused else []})
    return _answer(request, place, "addresses", again, taken)


@require_http_methods(["GET", "POST"])
@project_page(see=Role.EDITOR)
def memory_files(request: HttpRequest, place: Place) -> HttpResponse:
    """The form; after a post, what became of each file."""
    form = FilesForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return _draw(request, place, "files", form, status=400 if form.errors else 200)
    files: list[UploadedFile[Any]] = request.FILES.getlist("file")
    if not files:
        return _draw(request, place, "files", form, problem="No file came along; choose one or more.", status=400)
    user, project, tags = member(request).pk, place.project, form.cleaned_data["tags"]
    taken = [
        _take(file.name or "file", lambda file=file: uploads.save(user, project, file, tags))  # type: ignore[misc]
        for file in files
    ]
    return _answer(request, place, "files", FilesForm(), taken)


def _take(name: str, save: Callable[[], Saved]) -> Taken:
    try:
        return Taken(name, save())
    except ValidationError as error:
        return Taken(name, error=" ".join(error.messages))
    except (StateConflict, EngineError, uploads.TooLarge) as error:
        return Taken(name, error=str(error))


def _answer(request: HttpRequest, place: Place, way: str, form: forms.Form, taken: list[Taken]) -> HttpResponse:
    """One alone leads to its memory; of several, each is told."""
    if len(taken) == 1 and taken[0].saved:
        return redirect("memory", place.project.pk, taken[0].saved.memory.pk)
    return _draw(request, place, way, form, taken=taken, status=200 if any(one.saved for one in taken) else 400)


def _draw(request: HttpRequest, place: Place, way: str, form: forms.Form, **context: Any) -> HttpResponse:
    context |= {"form": form, "way": way, "max_bytes": settings.MAX_FILE_BYTES}
    context["bookmarklet"] = _bookmarklet(request, place)
    return draw(request, place, f"memories/memory_{way}.html", "memories", **context)


def _bookmarklet(request: HttpRequest, place: Place) -> str:
    """A bookmark that opens this form with the address of the page it is pressed on."""
    form = request.build_absolute_uri(reverse("memory-addresses", args=[place.project.pk]))
    return f"javascript:void(location.href={json.dumps(form + '?url=')}+encodeURIComponent(location.href))"
