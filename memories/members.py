"""The people of a project. A project always keeps an owner."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from memories.models import Membership, Project

MAX_ID = 2**31 - 1  # a longer number is nobody's id, and no database takes it


class LastOwner(Exception):
    """The change would leave the project without an owner."""

    def __init__(self) -> None:
        super().__init__("A project needs an owner: make somebody else one first.")


def members(project: Project) -> QuerySet[Membership]:
    """The memberships with their users, oldest first."""
    return Membership.objects.filter(project=project).select_related("user").order_by("id")


def member(project: Project, user_id: int) -> Membership:
    """The user's membership; Http404 when there is none."""
    return get_object_or_404(members(project), user_id=min(user_id, MAX_ID))


def add(project: Project, username: str, role: str) -> Membership:
    """Makes a user a member; ValidationError by field when there is no such user, or when the user is one already."""
    user = get_user_model().objects.filter(username=username, is_active=True).first()
    if user is None:
        raise ValidationError({"username": "There is no user of this name."})
    member, made = Membership.objects.get_or_create(project=project, user=user, defaults={"role": role})
    if not made:
        raise ValidationError({"username": "This user is a member already; change the role instead."})
    member.refresh_from_db()
    return member


def change_role(member: Membership, role: str) -> Membership:
    """Gives the member another role; LastOwner."""
    with transaction.atomic():
        _keep_an_owner(member, stays=role == Membership.Role.OWNER)
        member.role = role
        member.save(update_fields=["role"])
    return member


def remove(member: Membership) -> None:
    """Takes the member out of the project; LastOwner."""
    with transaction.atomic():
        _keep_an_owner(member, stays=False)
        member.delete()


def _keep_an_owner(member: Membership, *, stays: bool) -> None:
    """Locks the project, so that two owners can't leave at the same moment."""
    Project.objects.select_for_update().get(pk=member.project_id)
    others = Membership.objects.filter(project=member.project_id, role=Membership.Role.OWNER).exclude(pk=member.pk)
    if not stays and not others.exists():
        raise LastOwner
