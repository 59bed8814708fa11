"""Where django-eventstream's own view is reached in the measurements: at the addresses of ours."""

from __future__ import annotations

from typing import Any

from django.urls import path
from django_eventstream.channelmanager import DefaultChannelManager
from django_eventstream.views import events


class ChannelManager(DefaultChannelManager):  # type: ignore[misc]  # django-eventstream has no types
    """The channel of the address; everybody may read, which costs the view nothing."""

    def get_channels_for_request(self, request: Any, view_kwargs: dict[str, Any]) -> set[str]:
        return {f"{view_kwargs['kind'].removesuffix('s')}-{view_kwargs['identifier']}"}

    def can_read_channel(self, user: Any, channel: str) -> bool:
        return True


urlpatterns = [path("api/v1/<str:kind>/<str:identifier>/stream", events)]
