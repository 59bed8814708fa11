"""Who may read a channel. Deny by default: a channel is readable only through a membership in its project."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django_eventstream.channelmanager import ChannelManagerBase

from memories.models import Membership

CHANNEL = re.compile(r"(task|project)-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def split(channel: str) -> tuple[str, UUID] | None:
    """The scope ("task" or "project") and the id of a well-formed channel name, None for any other."""
    match = CHANNEL.fullmatch(channel)
    return (match[1], UUID(match[2])) if match else None


def project_of(user_id: int | None, channel: str) -> UUID | None:
    """The project that a channel belongs to, for its active members; None for anybody else, and without a project."""
    parts = split(channel)
    if parts is None or user_id is None:
        return None
    member = Membership.objects.filter(user_id=user_id, user__is_active=True)
    scope, identifier = parts
    rows = member.filter(project__tasks=identifier) if scope == "task" else member.filter(project=identifier)
    return rows.values_list("project_id", flat=True).first()


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
