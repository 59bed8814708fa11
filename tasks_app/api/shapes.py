"""A task as the API gives it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from memories.api.fields import Moment
from memories.api.shapes import NullableText
from tasks_app.models import Status, TaskLog


class TaskShape(serializers.ModelSerializer[TaskLog]):
    """One job. `eta_seconds` is null where there is no history to tell it from; `seq` is its newest event's number."""

    name = serializers.CharField(source="kind", read_only=True)
    seq = serializers.IntegerField(source="event_seq", read_only=True)
    result = serializers.JSONField(read_only=True, allow_null=True)
    error = NullableText()
    worker = NullableText()
    created_at = Moment(read_only=True)
    started_at = Moment(read_only=True, allow_null=True)
    finished_at = Moment(read_only=True, allow_null=True)
    duration_seconds = serializers.FloatField(read_only=True, allow_null=True)

    class Meta:
        model = TaskLog
        fields = [
            "id", "project", "name", "kind", "status", "progress", "stage", "message", "done", "total", "eta_seconds",
            "attempt", "seq", "result", "error", "retryable", "memory", "parent", "retry_of", "worker", "created_at",
            "started_at", "finished_at", "duration_seconds",
        ]  # fmt: skip
        read_only_fields = fields


class EventShape(serializers.Serializer[Any]):
    """One change of a task; `data` is what the stream says of it."""

    seq = serializers.IntegerField()
    type = serializers.CharField()
    at = Moment()
    data = serializers.JSONField()  # type: ignore[assignment]  # hides a property that nothing here uses


class StepShape(serializers.Serializer[Any]):
    """A stage of one attempt; `seconds` is null while it lasts."""

    attempt = serializers.IntegerField()
    stage = serializers.CharField()
    message = serializers.CharField()
    percent = serializers.IntegerField()
    started_at = Moment()
    seconds = serializers.FloatField(allow_null=True)
    done = serializers.IntegerField(allow_null=True)
    total = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(choices=Status.choices)
    error = NullableText()


class TimelineShape(serializers.Serializer[Any]):
    """The stages a task went through, and its events, oldest first."""

    steps = StepShape(many=True)
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = EventShape(many=True)


class TaskStats(serializers.Serializer[dict[str, Any]]):
    total = serializers.IntegerField()
    by_status = serializers.DictField(child=serializers.IntegerField())
    by_kind = serializers.DictField(child=serializers.DictField(child=serializers.IntegerField()))
    oldest_pending_at = Moment(allow_null=True)
    average_seconds = serializers.DictField(child=serializers.FloatField())
