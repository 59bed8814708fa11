"""`projects`, their members and their numbers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from memories import access, members, queries, services
from memories.api.base import IDEMPOTENCY, ApiViewSet, Role, user_of
from memories.api.idempotency import once
from memories.api.inputs import MemberInput, ProjectInput, RoleInput
from memories.api.problems import Conflict
from memories.api.shapes import MemberShape, ProjectShape, ProjectStats
from memories.models import Membership, Project


class ProjectViewSet(ApiViewSet):
    """The projects that one is a member of."""

    queryset = Project.objects.none()
    serializer_class = ProjectShape

    def get_queryset(self) -> QuerySet[Project]:
        return access.projects_of(self.request.user).annotate(role=F("memberships__role"))

    @extend_schema(summary="List projects", responses=ProjectShape(many=True))
    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(ProjectShape(page, many=True).data)

    @extend_schema(
        summary="Make a project", request=ProjectInput, responses={201: ProjectShape}, parameters=[IDEMPOTENCY]
    )
    def create(self, request: Request) -> Response:
        values = self.checked(ProjectInput)

        def make() -> Response:
            project = services.create_project(user_of(request), **values)
            return self._answer(project.pk, status.HTTP_201_CREATED)

        return once(request, make)

    @extend_schema(summary="Read a project", responses=ProjectShape)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return self._answer(pk)

    @extend_schema(summary="Rename or describe a project (owner)", request=ProjectInput, responses=ProjectShape)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        project = access.get_project(request.user, pk, Role.OWNER)
        services.update_project(project, self.checked(ProjectInput, partial=True))
        return self._answer(pk)

    @extend_schema(summary="Delete a project with all that is in it (owner)", responses={204: None})
    def destroy(self, request: Request, pk: UUID) -> Response:
        services.delete_project(access.get_project(request.user, pk, Role.OWNER))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(summary="Count what a project holds", responses=ProjectStats)
    def stats(self, request: Request, pk: UUID) -> Response:
        return Response(ProjectStats(queries.project_stats(access.get_project(request.user, pk))).data)

    def _answer(self, pk: UUID, code: int = status.HTTP_200_OK) -> Response:
        return Response(ProjectShape(get_object_or_404(self.get_queryset(), pk=pk)).data, status=code)


class MemberViewSet(ApiViewSet):
    """Who may do what in a project; owners change it, everybody may leave."""

    queryset = Membership.objects.none()
    serializer_class = MemberShape

    @extend_schema(summary="List a project's members", responses=MemberShape(many=True))
    def list(self, request: Request, project_id: UUID) -> Response:
        page = self.paginate_queryset(members.members(access.get_project(request.user, project_id)))
        return self.get_paginated_response(MemberShape(page, many=True).data)

    @extend_schema(
        summary="Add a member (owner)", request=MemberInput, responses={201: MemberShape}, parameters=[IDEMPOTENCY]
    )
    def create(self, request: Request, project_id: UUID) -> Response:
        values: dict[str, Any] = self.checked(MemberInput)

        def make() -> Response:
            project = access.get_project(request.user, project_id, Role.OWNER)
            member = members.add(project, values["username"], values["role"])
            return Response(MemberShape(member).data, status=status.HTTP_201_CREATED)

        return once(request, make)

    @extend_schema(summary="Change a member's role (owner)", request=RoleInput, responses=MemberShape)
    def partial_update(self, request: Request, project_id: UUID, user_id: int) -> Response:
        member = self._member(project_id, user_id, Role.OWNER)
        return Response(MemberShape(_kept(members.change_role, member, self.checked(RoleInput)["role"])).data)

    @extend_schema(summary="Remove a member (owner), or leave", responses={204: None})
    def destroy(self, request: Request, project_id: UUID, user_id: int) -> Response:
        own = user_id == request.user.pk
        _kept(members.remove, self._member(project_id, user_id, Role.VIEWER if own else Role.OWNER))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _member(self, project_id: UUID, user_id: int, role: Membership.Role) -> Membership:
        return members.member(access.get_project(self.request.user, project_id, role), user_id)


def _kept(change: Any, *args: Any) -> Any:
    """The change, a 409 where it would leave the project without an owner."""
    try:
        return change(*args)
    except members.LastOwner as error:
        raise Conflict(str(error)) from None
