"""`memories/{id}/media`: the recording or file that a memory was made from."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from memories import access
from memories.api.base import ApiViewSet
from memories.models import Memory, SavedDocument
from memories.serving import serve

RANGE = OpenApiParameter(
    "Range", location=OpenApiParameter.HEADER, description="One range of bytes, like `bytes=0-999`."
)
BYTES = {(status, "application/octet-stream"): OpenApiTypes.BINARY for status in (200, 206)}


class MediaViewSet(ApiViewSet):
    """The file itself, whole or in part."""

    queryset = Memory.objects.none()

    @extend_schema(
        summary="Play or download a memory's recording or file",
        description="Answers ranges (206, 416), `If-Range` and `If-None-Match` by the file's `ETag`. Recordings and "
        "PDF come as what they are, everything else as a download.",
        parameters=[RANGE],
        responses=BYTES,
    )
    def retrieve(self, request: Request, pk: UUID) -> HttpResponseBase:
        memory = access.get_visible(Memory.objects.only("pk"), request.user, pk)
        return serve(request._request, SavedDocument.objects.filter(pk=memory.pk).first())
