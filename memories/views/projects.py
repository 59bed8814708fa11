"""The list of projects, a project's overview, its settings, and the reader's API keys."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from memories import access, keys, queries, services
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
        form.save()
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
        "members": place.project.memberships.select_related("user"),
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
        user = User.objects.filter(username=form.cleaned_data["username"]).first()
        if user is None:
            form.add_error("username", "There is no user of this name. An administrator can add one.")
        elif place.project.memberships.filter(user=user).exists():
            form.add_error("username", f"{user} is a member already.")
        else:
            Membership.objects.create(project=place.project, user=user, role=form.cleaned_data["role"])
            messages.success(request, f"{user} is a member now.")
            return redirect("settings", place.project.pk)
    return _settings(request, place, member_form=form)


@require_POST
@project_page(change=Role.OWNER)
def member_change(request: HttpRequest, place: Place, user_id: int) -> HttpResponse:
    """Another role, or, with `remove`, no membership any more; the last owner stays."""
    membership = get_object_or_404(place.project.memberships.select_related("user"), user_id=user_id)
    removed, role = "remove" in request.POST, request.POST.get("role", "")
    others = place.project.memberships.filter(role=Role.OWNER).exclude(pk=membership.pk)
    if membership.role == Role.OWNER and (removed or role != Role.OWNER) and not others.exists():
        messages.error(request, f"{membership.user} is the only owner. Make another member an owner first.")
    elif removed:
        membership.delete()
        messages.success(request, f"{membership.user} is no longer a member.")
    elif role in Role.values:
        Membership.objects.filter(pk=membership.pk).update(role=role)
        messages.success(request, f"{membership.user} is {role} now.")
    if membership.user_id == request.user.pk and removed and others.exists():
        return redirect("projects")
    return redirect("settings", place.project.pk)


@require_http_methods(["GET", "POST"])
@project_page(see=Role.OWNER, change=Role.OWNER)
def project_delete(request: HttpRequest, place: Place) -> HttpResponse:
    """Asks for the project's name, then deletes it with all it holds."""
    form = ProjectDeleteForm(place.project, request.POST or None)
    if request.method == "POST" and form.is_valid():
        name = place.project.name
        place.project.delete()
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
