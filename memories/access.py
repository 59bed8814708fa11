"""Who may see and do what. Another tenant's row is absent: it is looked for in the user's own projects only."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import F, Model, QuerySet
from django.shortcuts import get_object_or_404

from memories.models import Membership, Project

M = TypeVar("M", bound=Model)
User = AbstractBaseUser | AnonymousUser
RANK = {Membership.Role.VIEWER: 0, Membership.Role.EDITOR: 1, Membership.Role.OWNER: 2}


def user_id(user: User) -> int:
    """The user's id; 0, which nobody has, for an anonymous one."""
    return int(user.pk or 0)


def projects_of(user: User) -> QuerySet[Project]:
    """The projects that the user is a member of; staff work in the admin, not here."""
    return Project.objects.filter(memberships__user_id=user_id(user))


def visible(rows: QuerySet[M], user: User) -> QuerySet[M]:
    """Rows with a `project` that lie in the user's projects."""
    return rows.filter(project__memberships__user_id=user_id(user))


def get_project(user: User, project_id: UUID | str, role: Membership.Role = Membership.Role.VIEWER) -> Project:
    """The project; Http404 when the user is no member, PermissionDenied when the role does not suffice."""
    project = get_object_or_404(projects_of(user).annotate(held=F("memberships__role")), pk=project_id)
    _require(project.held, role)  # type: ignore[attr-defined]  # annotated
    return project


def require(user: User, project: Project, role: Membership.Role) -> None:
    """PermissionDenied, with a sentence, when the user's role in the project is below `role`."""
    _require(
        Membership.objects.filter(project=project, user_id=user_id(user)).values_list("role", flat=True).first(), role
    )


def _require(held: str | None, role: Membership.Role) -> None:
    if held is None or RANK[Membership.Role(held)] < RANK[role]:
        raise PermissionDenied(f"This needs the role {role} in the project; yours is {held or 'none'}.")


def get_visible(rows: QuerySet[M], user: User, pk: Any) -> M:
    """One row of the user's projects by its id; Http404 otherwise."""
    return get_object_or_404(visible(rows, user), pk=pk)
