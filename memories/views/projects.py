"""The list of projects, a project's overview, its settings, and the reader's API keys."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest, ValidationError
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from memories import access, keys, members, queries, services
from memories.forms import ApiKeyForm, MemberForm, ProjectDeleteForm, ProjectForm
from memories.models import ApiKey, Membership
from memories.views.base import Place, Role, draw, member, paginate, project_page
from tasks_app import queries as task_queries
from tasks_app.services import ACTIVE

SHORT = 6


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def projects(request: HttpRequest) -> HttpResponse:
    """`/`: the reader's projects, and a form for a new one."""
    form = ProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        project = services.create_project(member(request), name=data["name"], description=data["description"])
        messages.success(request, f"The project “{project.name}” is there. Save its first memory.")
        return redirect("project", project.pk)
    rows = access.projects_of(request.user)
    counted = rows.annotate(memory_count=Count("memories", distinct=True)).order_by("-id")
    context = {"page": paginate(request, counted), "form": form}
    return render(request, "memories/projects.html", context, status=400 if form.errors else 200)


@require_GET
@project_page()
def overview(request: HttpRequest, place: Place) -> HttpResponse:
    project = place.project
    running = task_queries.tasks(project).filter(status__in=ACTIVE, parent=None)
    return draw(
        request,
        place,
        "memories/overview.html",
        "overview",
        stats=queries.project_stats(project),
        newest=queries.memories(project)[:SHORT],
        running=running[:SHORT],
        entities=queries.entities(project).order_by("-mention_count", "-id")[:10],
        communities=queries.communities(project)[:SHORT],
    )


@require_http_methods(["GET", "POST"])
@project_page(change=Role.OWNER)
def settings(request: HttpRequest, place: Place) -> HttpResponse:
    """The project's name and members, and the reader's keys. A post changes name and description."""
    form = ProjectForm(request.POST or None, instance=place.project)
    if request.method == "POST" and form.is_valid():
        services.update_project(place.project, form.cleaned_data)
        messages.success(request, "The project's name and description are saved.")
        return redirect("settings", place.project.pk)
    return _settings(request, place, project_form=form)


def _settings(request: HttpRequest, place: Place, **given: object) -> HttpResponse:
    """The settings page with the form that was posted in its place, its errors included."""
    place.project.refresh_from_db()
    context: dict[str, object] = {
        "project_form": ProjectForm(instance=place.project),
        "member_form": MemberForm(),
        "key_form": ApiKeyForm(),
        "members": members.members(place.project),
        "roles": Role.choices,
        "keys": ApiKey.objects.filter(user=member(request)),
    }
    posted = any(getattr(form, "errors", None) for form in given.values())
    return draw(
        request, place, "memories/settings.html", "settings", status=400 if posted else 200, **(context | given)
    )


@require_POST
@project_page(change=Role.OWNER)
def member_add(request: HttpRequest, place: Place) -> HttpResponse:
    form = MemberForm(request.POST)
    if form.is_valid():
        try:
            added = members.add(place.project, form.cleaned_data["username"], form.cleaned_data["role"])
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, f"{added.user} is a member now.")
            return redirect("settings", place.project.pk)
    return _settings(request, place, member_form=form)


@require_POST
@project_page(change=Role.VIEWER)
def member_change(request: HttpRequest, place: Place, user_id: int) -> HttpResponse:
    """Another role, or, with `remove`, no membership any more. Owners do it; everybody may leave."""
    own, removed = user_id == request.user.pk, "remove" in request.POST
    if not (own and removed):
        access.require(request.user, place.project, Role.OWNER)
    membership = members.member(place.project, user_id)
    try:
        done = _remove(membership) if removed else _give_role(membership, request.POST.get("role", ""))
    except members.LastOwner as error:
        messages.error(request, str(error))
        return redirect("settings", place.project.pk)
    messages.success(request, done)
    return redirect("projects") if own and removed else redirect("settings", place.project.pk)


def _remove(membership: Membership) -> str:
    members.remove(membership)
    return f"{membership.user} is no longer a member."


def _give_role(membership: Membership, role: str) -> str:
    if role not in Role.values:
        raise BadRequest("There is no such role.")
    members.change_role(membership, role)
    return f"{membership.user} is {role} now."


@require_http_methods(["GET", "POST"])
@project_page(see=Role.OWNER, change=Role.OWNER)
def project_delete(request: HttpRequest, place: Place) -> HttpResponse:
    """Asks for the project's name, then deletes it with all it holds."""
    form = ProjectDeleteForm(place.project, request.POST or None)
    if request.method == "POST" and form.is_valid():
        name = place.project.name
        services.delete_project(place.project)
        messages.success(request, f"The project “{name}” was deleted with all its memories.")
        return redirect("projects")
    stats = queries.project_stats(place.project)
    status = 400 if form.errors else 200
    return draw(request, place, "memories/project_delete.html", "settings", form=form, stats=stats, status=status)


@require_POST
@project_page(change=Role.VIEWER)
def key_create(request: HttpRequest, place: Place) -> HttpResponse:
    """Shows the new key in its answer and nowhere else."""
    form = ApiKeyForm(request.POST)
    if not form.is_valid():
        return _settings(request, place, key_form=form)
    row, key = keys.issue(member(request), form.cleaned_data["name"])
    return _settings(request, place, new_key=key, new_key_row=row)


@require_POST
@project_page(change=Role.VIEWER)
def key_revoke(request: HttpRequest, place: Place, key_id: UUID) -> HttpResponse:
    key = get_object_or_404(ApiKey, pk=key_id, user=member(request))
    key.delete()
    messages.success(request, f"The key “{key.name}” is revoked. What uses it is refused from now on.")
    return redirect("settings", place.project.pk)
