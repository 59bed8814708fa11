"""What the pages of a project share: who may see them, where their stream begins, and how they are drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

from memories import access, reviewing
from memories.models import Membership, Project
from tasks_app import queries as task_queries
from tasks_app.models import WorkerHeartbeat

P = ParamSpec("P")
M = TypeVar("M", bound=Model)
Role = Membership.Role
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Place:
    """The project a page is of, and what the reader is in it.

    `position` is read before the page's state, so that the stream tells of everything the page may not show yet.
    """

    project: Project
    role: Membership.Role
    position: int

    @property
    def open_reviews(self) -> int:
        """How many questions wait for an answer."""
        return reviewing.open_reviews(self.project)

    @property
    def can_write(self) -> bool:
        return self.role != Role.VIEWER

    @property
    def is_owner(self) -> bool:
        return self.role == Role.OWNER


ProjectView = Callable[Concatenate[HttpRequest, Place, P], HttpResponseBase]


def project_page(
    *, see: Membership.Role = Role.VIEWER, change: Membership.Role = Role.EDITOR
) -> Callable[[ProjectView[P]], Callable[..., HttpResponseBase]]:
    """A page under `/project/<id>/`: 404 for who is no member; `see` is the role to get it, `change` to post to it."""

    def decorate(view: ProjectView[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def wrapper(request: HttpRequest, project_id: UUID, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            needed = see if request.method in ("GET", "HEAD") else change
            return view(request, _place(request, project_id, needed), *args, **kwargs)

        return login_required(never_cache(wrapper))

    return decorate


def _place(request: HttpRequest, project_id: UUID, needed: Membership.Role) -> Place:
    project = access.get_project(request.user, project_id, needed)
    membership = project.memberships.get(user=member(request))
    return Place(project, Role(membership.role), task_queries.event_position(project))


def member(request: HttpRequest) -> User:
    """The user of a page that asks for a login."""
    return cast("User", request.user)


def draw(request: HttpRequest, place: Place, template: str, section: str = "", **context: Any) -> HttpResponse:
    """Renders a page of the project; `section` is the part of the navigation that it belongs to."""
    status = context.pop("status", 200)
    context |= {"place": place, "project": place.project, "section": section, "missing": missing_processes()}
    return render(request, template, context, status=status)


def missing_processes() -> list[str]:
    """The kinds of process without which no task runs and that give no sign of life."""
    alive = {process.kind for process in task_queries.workers() if getattr(process, "fresh", False)}
    return [kind for kind in WorkerHeartbeat.Kind.values if kind not in alive]


def paginate(request: HttpRequest, rows: QuerySet[M], size: int = PAGE_SIZE) -> Page[M]:
    """The page that `?page=` asks for; the nearest one there is when it asks for nonsense."""
    return Paginator(rows, size).get_page(request.GET.get("page"))


def back(request: HttpRequest, otherwise: str) -> str:
    """Where a form asks to go on with `next`, if that is on this site."""
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if safe else otherwise
