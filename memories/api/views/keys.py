"""`keys`: one's own API keys."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from memories import keys
from memories.api.base import ApiViewSet, user_of
from memories.api.inputs import ApiKeyInput
from memories.api.shapes import ApiKeyShape, NewApiKey
from memories.models import ApiKey


class KeyViewSet(ApiViewSet):
    """Keys for programs; each acts as the user who made it."""

    queryset = ApiKey.objects.none()
    serializer_class = ApiKeyShape

    def get_queryset(self) -> QuerySet[ApiKey]:
        return ApiKey.objects.filter(user=user_of(self.request))

    @extend_schema(summary="List one's keys", responses=ApiKeyShape(many=True))
    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(ApiKeyShape(page, many=True).data)

    @extend_schema(summary="Make a key, shown this once", request=ApiKeyInput, responses={201: NewApiKey})
    def create(self, request: Request) -> Response:
        row, key = keys.issue(user_of(request), self.checked(ApiKeyInput)["name"])
        row.refresh_from_db()
        answer = {**ApiKeyShape(row).data, "key": key}
        return Response(answer, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})

    @extend_schema(summary="Read a key's name and last use", responses=ApiKeyShape)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(ApiKeyShape(get_object_or_404(self.get_queryset(), pk=pk)).data)

    @extend_schema(summary="Withdraw a key", responses={204: None})
    def destroy(self, request: Request, pk: UUID) -> Response:
        get_object_or_404(self.get_queryset(), pk=pk).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)
