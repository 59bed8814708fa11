"""Who may read a channel. Deny by default: a channel is readable only through a membership in its project."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django_eventstream.channelmanager import ChannelManagerBase

from memories.models import Membership
from tasks_app.models import TaskLog

CHANNEL = re.compile(r"(task|project)-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def split(channel: str) -> tuple[str, UUID] | None:
    """The scope ("task" or "project") and the id of a well-formed channel name, None for any other."""
    match = CHANNEL.fullmatch(channel)
    return (match[1], UUID(match[2])) if match else None


def readable(asked: Iterable[tuple[int, str]]) -> dict[tuple[int, str], UUID]:
    """Of users and the channels that they ask for: those that they may read, each with the channel's project."""
    pairs = set(asked)
    projects = _projects({channel for _, channel in pairs})
    members = set(
        Membership.objects.filter(
            user_id__in={user_id for user_id, _ in pairs}, user__is_active=True, project_id__in=set(projects.values())
        ).values_list("user_id", "project_id")
    )
    return {
        (user_id, channel): projects[channel]
        for user_id, channel in pairs
        if (user_id, projects.get(channel)) in members
    }


def _projects(channels: Iterable[str]) -> dict[str, UUID]:
    """The project of each channel, whether it exists or not; a task that does not exist has none."""
    parts = {channel: scope_and_id for channel in channels if (scope_and_id := split(channel))}
    tasks = [identifier for scope, identifier in parts.values() if scope == "task"]
    homes: dict[UUID, UUID] = dict(TaskLog.objects.filter(pk__in=tasks).values_list("pk", "project_id"))
    return {
        channel: homes[identifier] if scope == "task" else identifier
        for channel, (scope, identifier) in parts.items()
        if scope == "project" or identifier in homes
    }


def project_of(user_id: int | None, channel: str) -> UUID | None:
    """The project that a channel belongs to, for its active members; None for anybody else, and without a project."""
    return readable([(user_id, channel)]).get((user_id, channel)) if user_id is not None else None


def may_read(user_id: int | None, channel: str) -> bool:
    """True for an active member of the channel's project, and for nobody else."""
    return project_of(user_id, channel) is not None


class MemberChannelManager(ChannelManagerBase):  # type: ignore[misc]  # django-eventstream has no types
    """django-eventstream's question about permission, answered from memberships; it serves no channels itself."""

    def get_channels_for_request(self, request: Any, view_kwargs: dict[str, Any]) -> set[str]:
        return set()

    def can_read_channel(self, user: Any, channel: str) -> bool:
        return may_read(user.pk if user is not None else None, channel)

    def is_channel_reliable(self, channel: str) -> bool:
        return True
