"""`entity-types`, `relation-types`: a project's schema. Members read it, editors change it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from memories import access
from memories.api.base import IDEMPOTENCY, ApiViewSet, Role, find_project
from memories.api.idempotency import once
from memories.api.problems import Conflict
from memories.api.schema import (
    EntityTypeChanges,
    EntityTypeInput,
    EntityTypeRow,
    EntityTypeShape,
    RelationTypeChanges,
    RelationTypeInput,
    RelationTypeShape,
    TypeParameters,
)
from memories.models import EntityType, RelationType
from memories.schema import queries, services

T = TypeVar("T")
FROM_NOW_ON = "It applies to what is read from now on; memories that are there keep what was read from them."


class EntityTypeViewSet(ApiViewSet):
    """What kinds of things a project's memories speak of, and how they are found."""

    queryset = EntityType.objects.none()
    serializer_class = EntityTypeRow

    @extend_schema(summary="List entity types", parameters=[TypeParameters], responses=EntityTypeRow(many=True))
    def list(self, request: Request) -> Response:
        given = self.parameters(TypeParameters)
        rows = queries.entity_types(self.scope(given.pop("project", None)), **given)
        return self.get_paginated_response(EntityTypeRow(self.paginate_queryset(rows), many=True).data)

    @extend_schema(
        summary="Make an entity type (editor)",
        request=EntityTypeInput,
        responses={201: EntityTypeShape},
        parameters=[IDEMPOTENCY],
    )
    def create(self, request: Request) -> Response:
        values = self.checked(EntityTypeInput)

        def make() -> Response:
            project = find_project(request, values.pop("project"), Role.EDITOR)
            row = done(lambda: services.create_entity_type(project, values))
            return self._answer(row.pk, status.HTTP_201_CREATED)

        return once(request, make)

    @extend_schema(summary="Read an entity type with the names it lists", responses=EntityTypeShape)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return self._answer(pk)

    @extend_schema(
        summary="Change an entity type (editor)",
        description=FROM_NOW_ON,
        request=EntityTypeChanges,
        responses=EntityTypeShape,
    )
    def partial_update(self, request: Request, pk: UUID) -> Response:
        row = self._editable(pk)
        values = self.checked(EntityTypeChanges)
        done(lambda: services.update_entity_type(row, values))
        return self._answer(pk)

    @extend_schema(summary="Delete an entity type that nothing has (editor)", responses={204: None})
    def destroy(self, request: Request, pk: UUID) -> Response:
        row = self._editable(pk)
        done(lambda: services.delete_entity_type(row))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _answer(self, pk: UUID, code: int = status.HTTP_200_OK) -> Response:
        rows = queries.entity_types(access.projects_of(self.request.user))
        return Response(EntityTypeShape(get_object_or_404(rows, pk=pk)).data, status=code)

    def _editable(self, pk: UUID) -> EntityType:
        row = access.get_visible(EntityType.objects.select_related("project"), self.request.user, pk)
        access.require(self.request.user, row.project, Role.EDITOR)
        return row


class RelationTypeViewSet(ApiViewSet):
    """How things stand to each other, and which words say so."""

    queryset = RelationType.objects.none()
    serializer_class = RelationTypeShape

    @extend_schema(
        summary="List relation types; `state=proposed` for what waits",
        parameters=[TypeParameters],
        responses=RelationTypeShape(many=True),
    )
    def list(self, request: Request) -> Response:
        given = self.parameters(TypeParameters)
        rows = queries.relation_types(self.scope(given.pop("project", None)), **given)
        return self.get_paginated_response(RelationTypeShape(self.paginate_queryset(rows), many=True).data)

    @extend_schema(
        summary="Make a relation type (editor)",
        request=RelationTypeInput,
        responses={201: RelationTypeShape},
        parameters=[IDEMPOTENCY],
    )
    def create(self, request: Request) -> Response:
        values = self.checked(RelationTypeInput)

        def make() -> Response:
            project = find_project(request, values.pop("project"), Role.EDITOR)
            row = done(lambda: services.create_relation_type(project, values))
            return self._answer(row.pk, status.HTTP_201_CREATED)

        return once(request, make)

    @extend_schema(summary="Read a relation type", responses=RelationTypeShape)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return self._answer(pk)

    @extend_schema(
        summary="Change a relation type (editor)",
        description=FROM_NOW_ON,
        request=RelationTypeChanges,
        responses=RelationTypeShape,
    )
    def partial_update(self, request: Request, pk: UUID) -> Response:
        row = self._editable(pk)
        values = self.checked(RelationTypeChanges)
        done(lambda: services.update_relation_type(row, values))
        return self._answer(pk)

    @extend_schema(summary="Delete a relation type that no fact has (editor)", responses={204: None})
    def destroy(self, request: Request, pk: UUID) -> Response:
        row = self._editable(pk)
        done(lambda: services.delete_relation_type(row))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Accept a relation type that was learned (editor)", request=None, responses=RelationTypeShape
    )
    def accept(self, request: Request, pk: UUID) -> Response:
        row = self._editable(pk)
        done(lambda: services.accept(row))
        return self._answer(pk)

    @extend_schema(
        summary="Reject a relation type that was learned (editor)",
        description="It is not proposed again and not read any more. Facts that are there stay.",
        request=None,
        responses=RelationTypeShape,
    )
    def reject(self, request: Request, pk: UUID) -> Response:
        row = self._editable(pk)
        done(lambda: services.reject(row))
        return self._answer(pk)

    def _answer(self, pk: UUID, code: int = status.HTTP_200_OK) -> Response:
        rows = queries.relation_types(access.projects_of(self.request.user))
        return Response(RelationTypeShape(get_object_or_404(rows, pk=pk)).data, status=code)

    def _editable(self, pk: UUID) -> RelationType:
        row = access.get_visible(RelationType.objects.select_related("project"), self.request.user, pk)
        access.require(self.request.user, row.project, Role.EDITOR)
        return row


def done(change: Callable[[], T]) -> T:
    """The change; 400 by field for what can't be kept, 409 for a type that is in use."""
    try:
        return change()
    except services.TypeInUse as conflict:
        raise Conflict(str(conflict)) from None
    except DjangoValidationError as error:
        raise serializers.ValidationError(error.message_dict) from None
