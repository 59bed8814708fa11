"""`entities`, `facts`, `communities`: the graph, read."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from memories import access, queries, services
from memories.api.base import IDEMPOTENCY, ApiViewSet, Role, ScopeParameters, find_project, user_of
from memories.api.fields import DayOrMoment, Id, Text
from memories.api.idempotency import once
from memories.api.inputs import InvalidateInput, RebuildInput
from memories.api.shapes import CommunityShape, EntityShape, FactShape, TaskStarted
from memories.graph.decisions import TooEarly
from memories.models import Community, Entity, Fact


class EntityParameters(ScopeParameters):
    q = Text(required=False, max_length=1000, help_text="Part of a name it goes by.")
    type = Text(required=False, max_length=64)
    community = Id(required=False)


class FactParameters(ScopeParameters):
    entity = Id(required=False, help_text="Its subject or its object.")
    predicate = Text(required=False, max_length=64)
    memory = Id(required=False, help_text="A memory that says it.")
    as_of = DayOrMoment(required=False, help_text="True in the world then; a bare date is the end of that day, UTC.")
    known_at = DayOrMoment(required=False, help_text="Believed then.")
    include_invalid = serializers.BooleanField(required=False, help_text="Facts that are over or withdrawn as well.")


class EntityViewSet(ApiViewSet):
    """The nodes of the graph."""

    queryset = Entity.objects.none()
    serializer_class = EntityShape

    @extend_schema(summary="List entities", parameters=[EntityParameters], responses=EntityShape(many=True))
    def list(self, request: Request) -> Response:
        given = self.parameters(EntityParameters)
        rows = queries.entities(self.scope(given.pop("project", None)), **given)
        return self.get_paginated_response(EntityShape(self.paginate_queryset(rows), many=True).data)

    @extend_schema(summary="Read an entity", responses=EntityShape)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        rows = queries.entities(access.projects_of(request.user))
        return Response(EntityShape(get_object_or_404(rows, pk=pk)).data)


class FactViewSet(ApiViewSet):
    """Dated statements; those that hold now, unless asked otherwise."""

    queryset = Fact.objects.none()
    serializer_class = FactShape

    @extend_schema(summary="List facts", parameters=[FactParameters], responses=FactShape(many=True))
    def list(self, request: Request) -> Response:
        given = self.parameters(FactParameters)
        rows = queries.facts(self.scope(given.pop("project", None)), **given)
        return self.get_paginated_response(FactShape(self.paginate_queryset(rows), many=True).data)

    @extend_schema(summary="Read a fact, current or not", responses=FactShape)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return self._one(pk)

    @extend_schema(
        summary="Say that a fact is over (editor)",
        description="It ended `at`, or now. With `wrong` it never was so: it is taken back, and what it had "
        "closed holds again. What people decide stays when memories are read again; what is said later counts again.",
        request=InvalidateInput,
        responses=FactShape,
    )
    def invalidate(self, request: Request, pk: UUID) -> Response:
        values = self.checked(InvalidateInput)
        try:
            services.invalidate_fact(self._to_change(pk), user_of(request), **values)
        except TooEarly:
            raise serializers.ValidationError(
                {"at": ["The fact began later. Give a time after its valid_at."]}
            ) from None
        return self._one(pk)

    @extend_schema(
        summary="Say that a fact holds after all (editor)",
        description="Whatever was decided or said against it until now; a fact that holds stays as it is.",
        request=None,
        responses=FactShape,
    )
    def restore(self, request: Request, pk: UUID) -> Response:
        services.restore_fact(self._to_change(pk), user_of(request))
        return self._one(pk)

    def _to_change(self, pk: UUID) -> Fact:
        """The fact, for who may write in its project; 404, or 403 for those who only read."""
        facts = Fact.objects.filter(project__in=access.projects_of(self.request.user)).select_related("project")
        fact = get_object_or_404(facts, pk=pk)
        access.get_project(self.request.user, fact.project_id, Role.EDITOR)
        return fact

    def _one(self, pk: UUID) -> Response:
        rows = queries.facts(access.projects_of(self.request.user), include_invalid=True)
        return Response(FactShape(get_object_or_404(rows, pk=pk)).data)


class CommunityViewSet(ApiViewSet):
    """Groups of entities, as the last rebuild found them."""

    queryset = Community.objects.none()
    serializer_class = CommunityShape

    @extend_schema(summary="List communities", parameters=[ScopeParameters], responses=CommunityShape(many=True))
    def list(self, request: Request) -> Response:
        rows = queries.communities(self.scope(self.parameters(ScopeParameters).get("project")))
        return self.get_paginated_response(CommunityShape(self.paginate_queryset(rows), many=True).data)

    @extend_schema(summary="Read a community", responses=CommunityShape)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(CommunityShape(self._community(pk)).data)

    @extend_schema(summary="List a community's entities", responses=EntityShape(many=True))
    def members(self, request: Request, pk: UUID) -> Response:
        page = self.paginate_queryset(queries.community_members(self._community(pk)))
        return self.get_paginated_response(EntityShape(page, many=True).data)

    @extend_schema(
        summary="Find a project's communities anew (editor)",
        description="While a rebuild waits or runs, its task is the answer.",
        request=RebuildInput,
        responses={202: TaskStarted},
        parameters=[IDEMPOTENCY],
    )
    def rebuild(self, request: Request) -> Response:
        values: dict[str, Any] = self.checked(RebuildInput)

        def make() -> Response:
            task = services.request_rebuild(find_project(request, values["project"], Role.EDITOR))
            return Response({"task_id": task.pk}, status=status.HTTP_202_ACCEPTED)

        return once(request, make)

    def _community(self, pk: UUID) -> Community:
        return get_object_or_404(queries.communities(access.projects_of(self.request.user)), pk=pk)
