"""What all views of the API have in common."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import Http404
from django.urls import URLPattern, path
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from memories import access
from memories.api.fields import Id
from memories.api.parsers import StrictJSONParser
from memories.api.problems import CONTENT_TYPE, UnknownProject
from memories.models import Membership, Project

Role = Membership.Role


class AlwaysJSON(DefaultContentNegotiation):
    """The API speaks JSON, whatever the client says that it likes best."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = serializers.DictField(  # type: ignore[assignment]  # hides a property that only input has
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


class Schema(AutoSchema):
    """Adds to each operation that its errors are problems."""

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        problem = OpenApiResponse(ProblemSerializer, description="A problem: what was wrong, by field.")
        bodies["4XX"] = self._get_response_for_code(  # type: ignore[no-untyped-call]
            problem, "4XX", [CONTENT_TYPE], direction
        )
        return bodies


class ApiViewSet(GenericViewSet[Any]):
    """JSON in, JSON out; rows of the user's own projects only."""

    content_negotiation_class = AlwaysJSON
    parser_classes = [StrictJSONParser]
    schema = Schema()

    def parameters(self, serializer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """The query string, checked; what is missing is not there. ValidationError by name."""
        given = {name: value for name, value in self.request.query_params.items() if value != ""}
        checked = serializer(data=given, context=self.get_serializer_context())
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)

    def checked(self, serializer: type[serializers.Serializer[Any]], **options: Any) -> dict[str, Any]:
        """The body, checked; ValidationError by field."""
        checked = serializer(data=self.request.data, context=self.get_serializer_context(), **options)
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)

    def scope(self, project: UUID | None) -> Project | QuerySet[Project]:
        """The project, or all of the user's; UnknownProject."""
        return access.projects_of(self.request.user) if project is None else find_project(self.request, project)


class ScopeParameters(serializers.Serializer[Any]):
    """What every list takes."""

    project = Id(required=False, help_text="Only rows of this project; without it, of all of yours.")


def find_project(request: Request, project_id: UUID, role: Membership.Role = Role.VIEWER) -> Project:
    """The project; UnknownProject (404, naming the field) when the user has none such, 403 below `role`."""
    try:
        return access.get_project(request.user, project_id, role)
    except Http404:
        raise UnknownProject from None


def user_of(request: Request) -> User:
    """The signed-in user; only for views that ask for one."""
    if not isinstance(request.user, User):
        raise TypeError("This view is for signed-in users.")
    return request.user


IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    OpenApiParameter.HEADER,
    description="Of your choice, up to 255 characters: the same key and body give the same answer for 24 hours.",
)


def routes(address: str, view: Any, name: str, **actions: str) -> list[URLPattern]:
    """The path with and without a slash at its end, `method="action"`; the OpenAPI schema has the one without."""
    return [
        path(address, view.as_view(actions), name=name),
        path(f"{address}/", view.as_view(actions, schema=None)),
    ]
