"""Fields that take a value for what it is: no number becomes a text, and no text is kept that a database can't keep."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from memories.queries import parse_moment
from memories.validation import check_characters, check_content

MAX_DEPTH = 50
MAX_INTEGER = 2**63
MAX_METADATA_BYTES = 1024 * 1024


def checked(value: str) -> str:
    """The text; a DRF ValidationError for NUL characters and lone surrogates."""
    try:
        return check_characters(value)
    except DjangoValidationError as error:
        raise serializers.ValidationError(error.messages) from None


class Text(serializers.CharField):
    """A string and nothing else."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return checked(super().to_internal_value(data))

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str):
            checked(data)  # before the validators, which would say "null characters are not allowed" only
        return super().run_validation(data)


class Content(Text):
    """A memory's text, kept as it is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        try:
            return check_content(super().to_internal_value(data))
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.messages) from None


@extend_schema_field(OpenApiTypes.UUID)
class Id(serializers.UUIDField):
    """A UUID as a string."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=type(data).__name__)
        return super().to_internal_value(data)


class Whole(serializers.IntegerField):
    """An integer: no text, no true, no 1.0."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field(OpenApiTypes.DATETIME)
class Moment(serializers.Field[datetime, str, str, Any]):
    """An ISO 8601 time with its zone."""

    default_error_messages = {
        "invalid": "Give a time with its zone, like 2024-05-31T12:00:00Z, between the years 1 and 9999."
    }

    def to_internal_value(self, data: Any) -> datetime:
        try:
            moment = parse_datetime(data) if isinstance(data, str) else None
            if moment is not None and moment.tzinfo is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("invalid")
        return self.fail("invalid")

    def to_representation(self, value: datetime) -> str:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


@extend_schema_field(OpenApiTypes.STR)
class DayOrMoment(Moment):
    """The same, or a bare date, which means the end of that day in UTC; with `start`, its beginning."""

    def __init__(self, *, start: bool = False, **kwargs: Any) -> None:
        self.start = start
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> datetime:
        try:
            moment = parse_moment(data if isinstance(data, str) else "")
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None
        bare = self.start and len(data) <= 10
        return moment.replace(hour=0, minute=0, second=0, microsecond=0) if bare else moment


@extend_schema_field(OpenApiTypes.OBJECT)
class Metadata(serializers.Field[dict[str, Any], dict[str, Any], dict[str, Any], Any]):
    """A JSON object that both databases keep as it is."""

    default_error_messages = {"invalid": "Give a JSON object.", "large": "Metadata may have one megabyte."}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        size = 0
        for value in walk(data):
            size += len(value) if isinstance(value, str) else 8
        if size > MAX_METADATA_BYTES:
            self.fail("large")
        return data

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        return value


def walk(data: Any) -> Iterator[Any]:
    """Every key and value of a JSON value, checked; ValidationError for what can't be kept."""
    waiting: list[tuple[Any, int]] = [(data, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise serializers.ValidationError(f"This is nested deeper than {MAX_DEPTH} levels.")
        if isinstance(value, Mapping):
            waiting.extend((inner, depth + 1) for pair in value.items() for inner in pair)
        elif isinstance(value, list):
            waiting.extend((inner, depth + 1) for inner in value)
        else:
            yield _kept(value)


def _kept(value: Any) -> Any:
    if isinstance(value, str):
        return checked(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise serializers.ValidationError("NaN and infinity are not JSON.")
    if isinstance(value, int) and not -MAX_INTEGER <= value < MAX_INTEGER:
        raise serializers.ValidationError("A number is too large; send it as text.")
    return value
