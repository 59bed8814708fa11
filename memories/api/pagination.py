"""Lists, newest first, that stay in step while rows come and go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import Model, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param
from rest_framework.views import APIView

M = TypeVar("M", bound=Model)
DEFAULT_SIZE = 50
MAX_SIZE = 200
NO_CURSOR = "This is not a cursor that a list gave."


class NewestFirst(BasePagination):
    """Pages by the last row's id: `?cursor=before-<id>`, and `after-<id>` back; `page_size` at most 200.

    `next` and `previous` are whole URLs. A row that is added or deleted meanwhile moves no other to another page.
    """

    cursor_query_param = "cursor"
    page_size_query_param = "page_size"

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        self.request = request
        self.count = queryset.count()
        size = self._size(request)
        direction, place = self._cursor(request)
        if direction == "after":
            found = self._rows(queryset.order_by("pk"), size, pk__gt=place)
            more, rows = len(found) > size, found[:size][::-1]
            self._link(rows, earlier=more, later=bool(rows))
            return rows
        found = self._rows(queryset.order_by("-pk"), size, pk__lt=place)
        self._link(found[:size], earlier=bool(place), later=len(found) > size)
        return found[:size]

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"count": self.count, "next": self.next, "previous": self.previous, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["count", "next", "previous", "results"],
            "properties": {
                "count": {"type": "integer", "example": 123},
                "next": {**link, "example": "http://127.0.0.1:8000/api/v1/memories?cursor=before-0197…"},
                "previous": link,
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        cursor = {"type": "string", "pattern": "^(before|after)-[0-9a-f-]+$"}
        size = {"type": "integer", "minimum": 1, "maximum": MAX_SIZE, "default": DEFAULT_SIZE}
        return [
            _parameter("cursor", cursor, "From `next` or `previous`."),
            _parameter("page_size", size, "How many rows."),
        ]

    def _rows(self, queryset: QuerySet[M], size: int, **beyond: str) -> list[M]:
        try:
            return list(queryset.filter(**{look_up: place for look_up, place in beyond.items() if place})[: size + 1])
        except (ValueError, DjangoValidationError):
            raise ValidationError({"cursor": [NO_CURSOR]}) from None

    def _size(self, request: Request) -> int:
        given = request.query_params.get("page_size", "")
        if not given:
            return DEFAULT_SIZE
        if not given.isascii() or not given.isdigit() or len(given) > 9 or int(given) < 1:
            raise ValidationError({"page_size": [f"Give a number from 1 to {MAX_SIZE}."]})
        return min(int(given), MAX_SIZE)

    def _cursor(self, request: Request) -> tuple[str, str]:
        cursor = request.query_params.get("cursor", "")
        direction, _, place = cursor.partition("-")
        known = direction in {"before", "after"} and place.isascii() and place.isprintable()
        if cursor and not (known and place):
            raise ValidationError({"cursor": [NO_CURSOR]})
        return direction, place

    def _link(self, rows: Sequence[Model], *, earlier: bool, later: bool) -> None:
        here = remove_query_param(self.request.build_absolute_uri(), "cursor")
        self.previous = replace_query_param(here, "cursor", f"after-{rows[0].pk}") if earlier and rows else None
        self.next = replace_query_param(here, "cursor", f"before-{rows[-1].pk}") if later and rows else None


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}
