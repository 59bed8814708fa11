"""`search`: one question to one project."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from memories.api.base import ApiViewSet, find_project
from memories.api.fields import DayOrMoment, Id, Moment, Text, Whole
from memories.models import SearchDocument
from memories.search import KINDS, MAX_LIMIT, Filters, SearchQuery, search

MAX_QUERY = 10_000


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses names it does not know: a filter that is misspelt must not be a filter that is not there."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict) and (unknown := sorted(str(name) for name in data.keys() - self.fields.keys())):
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                {name: [f"There is no such field; there are {known}."] for name in unknown}
            )
        values: dict[str, Any] = super().to_internal_value(data)
        return values


class FilterInput(StrictSerializer):
    tags = serializers.ListField(required=False, child=Text(max_length=100), max_length=100, help_text="One of them.")
    types = serializers.ListField(
        required=False, child=Text(max_length=64), max_length=100, help_text="It is about an entity of one of them."
    )
    speaker = Text(required=False, max_length=255)
    since = DayOrMoment(required=False, start=True, help_text="Said then or later.")
    until = DayOrMoment(required=False, help_text="Said then or earlier.")
    community = Id(required=False)


class SearchInput(StrictSerializer):
    project = Id()
    query = Text(max_length=MAX_QUERY)
    limit = Whole(required=False, min_value=1, max_value=MAX_LIMIT, help_text="10 without it.")
    kinds = serializers.ListField(
        required=False, child=serializers.ChoiceField(choices=KINDS), allow_empty=False, max_length=len(KINDS)
    )
    as_of = DayOrMoment(required=False, allow_null=True, help_text="Facts that were true then.")
    known_at = DayOrMoment(required=False, allow_null=True, help_text="What was known then.")
    center_entity = Id(required=False, allow_null=True, help_text="What is about this entity comes first.")
    rerank = serializers.ChoiceField(required=False, choices=["none", "mmr", "graph"])
    filters = FilterInput(required=False, allow_null=True)

    def validate_rerank(self, rerank: str) -> str:
        if rerank == "graph":
            raise serializers.ValidationError("This version does not rank by the graph yet; use none or mmr.")
        return rerank


class ResultShape(serializers.Serializer[Any]):
    """One hit; `start`, `end` count code points of the memory's content, `highlight` those of `text`."""

    kind = serializers.ChoiceField(choices=SearchDocument.KINDS)
    id = serializers.UUIDField()
    score = serializers.FloatField()
    text = serializers.CharField()
    highlight = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2)
    )
    memory_id = serializers.UUIDField(allow_null=True)
    message_id = serializers.CharField(allow_null=True)
    speaker = serializers.CharField(allow_null=True)
    at = Moment(allow_null=True)
    start = serializers.IntegerField(allow_null=True)
    end = serializers.IntegerField(allow_null=True)
    valid_at = Moment(allow_null=True)
    invalid_at = Moment(allow_null=True)
    why = serializers.DictField(help_text="The signals that brought it here.")


class SearchShape(serializers.Serializer[Any]):
    results = ResultShape(many=True)
    took_ms = serializers.FloatField()


EXAMPLE = OpenApiExample(
    "A question",
    {
        "project": "0197a3c4-0000-7000-8000-000000000000",
        "query": "Where does Ada live?",
        "limit": 5,
        "kinds": ["passage", "fact"],
        "as_of": "2024-05-31",
    },
    request_only=True,
)


class SearchViewSet(ApiViewSet):
    """Passages, facts, entities and communities that answer a question, best first, each with its reason."""

    queryset = SearchDocument.objects.none()
    serializer_class = SearchShape
    pagination_class = None

    @extend_schema(
        operation_id="search",
        summary="Search a project",
        request=SearchInput,
        responses={200: OpenApiResponse(SearchShape)},
        examples=[EXAMPLE],
    )
    def create(self, request: Request) -> Response:
        values = self.checked(SearchInput)
        project = find_project(request, values.pop("project"))
        filters = Filters(**(values.pop("filters", None) or {}))
        answer = search(project, SearchQuery(filters=filters, **values))
        return Response(SearchShape(answer).data)
