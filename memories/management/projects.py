"""How commands name a project and a user."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import BaseCommand, CommandError

from memories.models import Membership, Project
from tasks_app.models import Status, TaskLog
from tasks_app.watch import watch


def find_project(wanted: str) -> Project:
    """The project with this id or name; CommandError when there is none, or more than one of the name."""
    try:
        found = Project.objects.filter(pk=UUID(wanted))
    except ValueError:
        found = Project.objects.filter(name=wanted)
    projects = list(found[:2])
    if not projects:
        raise CommandError(f"There is no project {wanted!r}.")
    if len(projects) > 1:
        raise CommandError(f"Several projects are called {wanted!r}; give the id.")
    return projects[0]


def owner_of(project: Project) -> AbstractBaseUser:
    """The user a command acts for when none is named: the project's first owner."""
    owners = project.memberships.filter(role=Membership.Role.OWNER).select_related("user")
    owner = owners.first()
    if owner is None:
        raise CommandError(f"The project {project.name!r} has no owner; name a user with --user.")
    return owner.user


def follow(command: BaseCommand, task: TaskLog, *, wait: bool) -> None:
    """Follows the task to its end; CommandError, so exit code 1, when it does not complete."""
    if not wait:
        command.stdout.write(str(task.pk))
        return
    ended = watch(task.pk, command.stdout.write)
    if ended.status != Status.COMPLETED:
        raise CommandError(ended.error or f"The task was {ended.status}.")
