"""`projects/{id}/changes`: what the graph learned, ended, corrected or took back since a day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response

from memories import access, changes
from memories.api.base import ApiViewSet
from memories.api.fields import DayOrMoment, Moment
from memories.api.pagination import DEFAULT_SIZE, MAX_SIZE
from memories.api.shapes import FactShape
from memories.models import Fact

DAYS = 7


class ByNumber(PageNumberPagination):
    """Pages by number: a change has no id of its own."""

    page_size = DEFAULT_SIZE
    page_size_query_param = "page_size"
    max_page_size = MAX_SIZE


class ChangeParameters(serializers.Serializer[Any]):
    since = DayOrMoment(start=True, required=False, help_text="A time, or a day from its beginning; else a week ago.")


class BeliefShape(serializers.Serializer[Any]):
    valid_at = Moment(allow_null=True)
    invalid_at = Moment(allow_null=True)
    valid_precision = serializers.CharField(allow_null=True)


class ChangeShape(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["learned", "ended", "corrected", "taken_back"])
    at = Moment(help_text="When it became known.")
    fact = FactShape()
    before = BeliefShape(allow_null=True, help_text="The validity that was believed until then.")


class ChangeViewSet(ApiViewSet):
    """What became known, the newest first."""

    queryset = Fact.objects.none()
    serializer_class = ChangeShape
    pagination_class = ByNumber

    @extend_schema(
        summary="List what the graph learned, ended, corrected or took back",
        description="A deleted memory leaves no trace here: what followed from it alone was never known.",
        parameters=[ChangeParameters],
        responses=ChangeShape(many=True),
    )
    def list(self, request: Request, pk: UUID) -> Response:
        project = access.get_project(request.user, pk)
        since: datetime = self.parameters(ChangeParameters).get("since") or timezone.now() - timedelta(days=DAYS)
        page = self.paginate_queryset(changes.rows(project, since))
        return self.get_paginated_response(ChangeShape(changes.changes(page or []), many=True).data)
