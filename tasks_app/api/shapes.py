"""A task as the API gives it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from memories.api.fields import DayOrMoment, Id, Moment, Text
from memories.api.shapes import NullableText
from tasks_app.bulk import Action
from tasks_app.kinds import Kind
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


class DurationsShape(serializers.Serializer[Any]):
    """Seconds from start to end of the latest completed tasks of a kind; `samples` is how many these were."""

    p50 = serializers.FloatField()
    p95 = serializers.FloatField()
    mean = serializers.FloatField()
    samples = serializers.IntegerField()


class EndedShape(serializers.Serializer[Any]):
    """Tasks that ended in the last hour."""

    completed = serializers.IntegerField()
    failed = serializers.IntegerField()
    cancelled = serializers.IntegerField()


class CostShape(serializers.Serializer[Any]):
    """What all tasks that have ended cost together; the memory is the highest peak of one."""

    tasks = serializers.IntegerField()
    wall_seconds = serializers.FloatField()
    cpu_seconds = serializers.FloatField()
    peak_memory_mb = serializers.FloatField()
    llm_tokens = serializers.IntegerField()


class TaskStats(serializers.Serializer[dict[str, Any]]):
    """`throughput_per_minute` is of the last five minutes; `error_rate` (0 to 1) of the last hour, or null."""

    total = serializers.IntegerField()
    by_status = serializers.DictField(child=serializers.IntegerField())
    by_kind = serializers.DictField(child=serializers.DictField(child=serializers.IntegerField()))
    oldest_pending_at = Moment(allow_null=True)
    stuck = serializers.IntegerField(help_text="Running tasks whose worker has fallen silent.")
    ended_last_hour = EndedShape()
    throughput_per_minute = serializers.FloatField()
    error_rate = serializers.FloatField(allow_null=True)
    durations = serializers.DictField(child=DurationsShape())
    cost = CostShape()


class DepthPointShape(serializers.Serializer[Any]):
    """A minute; null when no dispatcher was there to count."""

    at = Moment()
    pending = serializers.IntegerField(allow_null=True)
    processing = serializers.IntegerField(allow_null=True)


class QueueDepthShape(serializers.Serializer[Any]):
    """A point a minute, oldest first, and how it is now."""

    hours = serializers.IntegerField()
    pending = serializers.IntegerField()
    processing = serializers.IntegerField()
    points = DepthPointShape(many=True)


class RefusedShape(serializers.Serializer[Any]):
    """Tasks that were left as they are; `ids` names at most twenty of them."""

    reason = serializers.CharField()
    count = serializers.IntegerField()
    ids = serializers.ListField(child=serializers.UUIDField())


class BulkShape(serializers.Serializer[Any]):
    """What was done. While `cursor` is not null, the same request with it goes on."""

    action = serializers.ChoiceField(choices=[action.value for action in Action])
    matched = serializers.IntegerField()
    done = serializers.IntegerField()
    refused = RefusedShape(many=True)
    remaining = serializers.IntegerField()
    cursor = serializers.CharField(allow_null=True)
    task_ids = serializers.ListField(child=serializers.UUIDField(), help_text="The new tasks of a retry.")
    detail = serializers.CharField()


class TaskFilterInput(serializers.Serializer[Any]):
    """Which tasks of the project; all that are given must hold. Nothing given: all."""

    ids = serializers.ListField(child=Id(), required=False, min_length=1, max_length=200)
    status = serializers.ChoiceField(required=False, choices=Status.choices)
    kind = serializers.ChoiceField(required=False, choices=Kind.choices)
    q = Text(required=False, max_length=1000)
    parent = Id(required=False)  # type: ignore[assignment]  # hides a property that nothing here uses
    since = DayOrMoment(required=False, start=True)
    until = DayOrMoment(required=False)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := data.keys() - self.fields.keys()):
            raise serializers.ValidationError({name: ["There is no such filter."] for name in sorted(unknown)})
        return super().to_internal_value(data)


class BulkInput(serializers.Serializer[Any]):
    """`filter` must be there, so that nobody means all by forgetting it."""

    project = Id()
    action = serializers.ChoiceField(choices=[action.value for action in Action])
    filter = TaskFilterInput()
    cursor = Text(required=False, allow_null=True, max_length=100)
